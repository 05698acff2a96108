"""The audit log for people: search, one decision, and whether the chains hold."""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from accredit.audit.verification import Report
from accredit.identity.changes import StoredRecord
from accredit.identity.management import Authority
from accredit.identity.signing_key import KeyUse
from accredit.ports.audit_log import Filter, Lag, SearchTables
from accredit.ports.journal import Overloaded, StoreError, WriterStopped
from accredit.service.exports import Exports
from accredit.service.keyring import Keyring
from accredit.service.problem import Problem, ProblemCode
from accredit.service.projection import Projection
from accredit_sdk.record import decode_header

_AT_ONCE: Final = 500
_TRIES: Final = 5
_MOST: Final = 100
_MOST_SERVERS: Final = 50


@dataclass(frozen=True, slots=True)
class Account:
    """What is recorded of one decision, oldest first.

    `contested`: several processes of guards say that it was theirs. One of them at the most is right, and nothing that
    is recorded tells which.
    """

    decision: str
    records: tuple[StoredRecord, ...]
    contested: bool


class Audit:
    """Reads the log."""

    def __init__(self, tables: SearchTables, projection: Projection, exports: Exports, keyring: Keyring) -> None:
        self._tables = tables
        self._projection = projection
        self._exports = exports
        self._keyring = keyring

    async def search(self, wanted: Filter, before: str | None, limit: int) -> tuple[tuple[str, StoredRecord], ...]:
        """Return matching records, newest first, each with the cursor behind it. Raises Problem for a bad cursor."""
        await self._hurry()
        try:
            return await self._tables.search(wanted, before, limit)
        except ValueError as error:
            raise Problem(ProblemCode.INVALID, "this cursor was not made here; start without one") from error

    async def lag(self) -> Lag:
        """Return how far the search tables are behind the log."""
        return await self._tables.lag()

    async def begins(self) -> int | None:
        """Return when the oldest record of our own happened that can be found (microseconds UTC), None for none."""
        return await self._tables.begins()

    async def account(self, decision: str, who: Authority) -> Account:
        """Return what is recorded of one decision, for `who`; nothing at all when they may not look at any of it.

        What Accredit itself has decided it alone tells. A decision of a guard is told by the guards that claim it, of
        servers that `who` may look at. Raises Problem when `who` sees everything and there is nothing.
        """
        await self._hurry()
        if await self._tables.emptying():
            text = "the search tables are made anew, and until they are empty nobody can tell whose decision that was"
            raise Problem(ProblemCode.UNAVAILABLE, f"{text}; ask again in a moment")
        own = await self.search(Filter(decision=decision, own=True), None, _MOST)
        if own:
            return Account(decision, tuple(item for _, item in reversed(own)), contested=False)
        servers = [server for server in await self._tables.concerned(decision) if who.sees(server)]
        found: list[StoredRecord] = []
        for server in servers[:_MOST_SERVERS]:
            page = await self._tables.search(Filter(decision=decision, server=server), None, _MOST)
            found += [item for _, item in reversed(page)]
        if not found and who.sees_all():
            text = f"no record of the decision {decision[:40]!r}; a guard delivers its records within seconds"
            raise Problem(ProblemCode.NOT_FOUND, text)
        return Account(decision, tuple(found), contested=len({_writer(item) for item in found}) > 1)

    async def _hurry(self) -> None:
        """Make findable what has only just been recorded, if it is little: who asks wants to see what they did."""
        with contextlib.suppress(StoreError, Overloaded, WriterStopped):
            for _ in range(_TRIES):
                if not await self._projection.catch_up(_AT_ONCE):
                    break

    async def verify(self, outside: Iterable[bytes] = ()) -> Report:
        """Walk through every chain from its beginning and compare everything that can be compared.

        `outside` are checkpoints that were kept elsewhere, one document each. What is archived meanwhile makes it begin
        anew. Raises Problem when there is no end of that.
        """
        keys, kept, tries = self._keyring.verifying(KeyUse.CHECKPOINT), tuple(outside), _TRIES
        while True:
            try:
                return await self._exports.verify(keys, kept)
            except Problem:
                tries -= 1
                if not tries:
                    raise


def _writer(record: StoredRecord) -> str:
    """Return the chain of a record, in which one process writes; the record itself, if that cannot be read."""
    try:
        return decode_header(record.header).chain
    except ValueError:
        return record.hash.hex()
