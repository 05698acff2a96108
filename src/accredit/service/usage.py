"""Who comes with which credential: counted in memory, written now and then, so that no token waits for it."""

import asyncio
import contextlib
import ipaddress
from dataclasses import replace

from accredit.identity.changes import NoteUse
from accredit.identity.outlook import Holding
from accredit.identity.use import Use
from accredit.oauth.outcome import Outcome
from accredit.ports.journal import Journal, Overloaded, StoreError, WriterStopped

_AT_ONCE = 500


class Usage:
    """What this node has seen and the database does not know yet; lives on the event loop.

    Only who proved to have a credential gets in, so a stranger cannot fill it. A process that is killed loses what it
    saw since the last flush: at most a minute.
    """

    def __init__(self, journal: Journal, node: str) -> None:
        self._journal = journal
        self._node = node
        self._seen: dict[str, Use] = {}
        self._written: dict[str, Use] = {}
        self._writing = asyncio.Lock()

    def note(self, credential: str, address: str, now: int) -> None:
        """Remember that a token was got with the credential by somebody at `address`, at `now` (microseconds UTC)."""
        known = self._seen.get(credential)
        first = known.first_at if known is not None else now
        self._seen[credential] = Use(credential, first, now, address, self._node)

    def known(self, holding: Holding) -> Holding:
        """Return what the database and this node know together of one credential."""
        found = holding.use
        for memory in (self._written, self._seen):
            mine = memory.get(holding.credential.id)
            found = _shown(mine).joined(found) if mine is not None else found
        return replace(holding, use=found)

    async def flush(self) -> None:
        """Write all that was seen until now, as outcomes of their own. What cannot be written is kept."""
        async with self._writing:
            self._written, self._seen = self._seen, {}
            waiting = tuple(self._written.values())
            try:
                for begin in range(0, len(waiting), _AT_ONCE):
                    await self._write(waiting[begin : begin + _AT_ONCE])
            finally:
                for key, use in self._written.items():
                    self._seen[key] = use.joined(self._seen.get(key))
                self._written = {}

    async def _write(self, some: tuple[Use, ...]) -> None:
        await self._journal.submit(Outcome(None, writes=tuple(NoteUse(_shown(use)) for use in some)))
        for use in some:
            del self._written[use.credential]

    async def close(self) -> None:
        """Write what is left, if that is possible at all."""
        with contextlib.suppress(StoreError, Overloaded, WriterStopped):
            await self.flush()


def _shown(use: Use) -> Use:
    """Return `use` with an address that is one: a proxy that is believed may still say anything."""
    try:
        return replace(use, address=str(ipaddress.ip_address(use.address)))
    except ValueError:
        return replace(use, address="")
