"""Checkpoints of the log: made while something changes, kept, and brought outside."""

import asyncio
import contextlib
import logging
from typing import Final

from accredit.audit import checkpoint
from accredit.audit.chain import START, Head
from accredit.audit.checkpoint import Checkpoint, NotACheckpoint
from accredit.audit.events import ChainClosed
from accredit.identity.changes import AddCheckpoint, Seal, SealKind
from accredit.identity.signing_key import KeyUse
from accredit.oauth.outcome import Lost, Outcome
from accredit.ports.audit_log import AuditLog, CheckpointLog, Kept, OpenEnd
from accredit.ports.clock import Clock
from accredit.ports.journal import Journal, Overloaded, StoreError, WriterStopped
from accredit.ports.outside import Outside, OutsideFailed
from accredit.service.keyring import Keyring

LAPSE: Final = 3_600_000_000
"""A chain to which nothing was added for so long (microseconds) is closed; it may go on all the same."""

_PAGE: Final = 500
_TRIES: Final = 5

_log = logging.getLogger("accredit.checkpoints")


class Contradiction(Exception):
    """The log is not what the last checkpoint says: nothing is signed that would cover it up."""


class Crowded(Exception):
    """Other nodes sign one checkpoint after the other; try again."""


class Checkpoints:
    """Signs checkpoints, one after the other, whichever node comes first, and brings them to `outside`, if any."""

    def __init__(
        self,
        issuer: str,
        log: AuditLog,
        kept: CheckpointLog,
        journal: Journal,
        keyring: Keyring,
        outside: Outside | None = None,
    ) -> None:
        self._issuer = issuer
        self._audit = log
        self._kept = kept
        self._journal = journal
        self._keyring = keyring
        self._outside = outside
        self._seen = 0
        self._shipped: int | None = None
        self._shipping = asyncio.Lock()

    async def page(self, after: int, limit: int) -> tuple[Kept, ...]:
        """Return at most `limit` checkpoints with a number above `after`."""
        return await self._kept.checkpoints(after, limit)

    def keys(self) -> tuple[dict[str, str], ...]:
        """Return the JSON Web Keys that verify checkpoints, those of all times."""
        return self._keyring.published(KeyUse.CHECKPOINT)

    async def round(self, now: int) -> None:
        """Make a checkpoint if there is something to say, and bring outside what is not there yet."""
        try:
            await self.make(now)
            await self.ship()
        except Contradiction as error:
            _log.error("%s; no checkpoint is made. Look with `accredit audit verify`", error)
        except OutsideFailed as error:
            _log.error("checkpoints do not get outside: %s", error)

    async def finish(self, clock: Clock) -> None:
        """Sign what happened since the last one, as far as the database lets us; the process is about to end."""
        with contextlib.suppress(StoreError, Overloaded, WriterStopped):
            await self.round(clock.now())

    async def make(self, now: int) -> Checkpoint | None:
        """Sign and keep a checkpoint; return it, or None when nothing has changed or another node was first.

        Raises Contradiction.
        """
        drawn = await self._drawn(now, ())
        return drawn if drawn is not None and await self._signed(drawn) else None

    async def tell(self, now: int, archived: tuple[Seal, ...] = ()) -> None:
        """Sign until everything that is in the log now is told of, and `archived`: seals that have no number yet.

        Raises Contradiction, and Crowded.
        """
        for _ in range(_TRIES):
            drawn = await self._drawn(now, archived)
            if drawn is None or await self._signed(drawn):
                return
        raise Crowded("other nodes sign checkpoints all the time; try again")

    async def _drawn(self, now: int, archived: tuple[Seal, ...]) -> Checkpoint | None:
        """Return the next checkpoint, None when it would say nothing new. Raises Contradiction."""
        last, before = await self._last()
        await self._hold(last)
        heads: list[Head] = []
        fresh: list[Seal] = []
        for item in await self._audit.open_ends():
            end = item.end
            if _over(item, now):
                fresh.append(Seal(last.sealed + len(fresh) + 1, SealKind.CLOSED, end.chain, end.seq, end.hash))
            else:
                heads.append(Head(end.chain, end.seq, end.hash))
        for seal in archived:
            number = last.sealed + len(fresh) + 1
            fresh.append(Seal(number, seal.kind, seal.chain, seal.seq, seal.hash, seal.archive))
        if not fresh and tuple(heads) == last.heads:
            return None
        return _next(last, before, tuple(fresh), tuple(heads), now)

    async def _signed(self, drawn: Checkpoint) -> bool:
        """Sign and keep a checkpoint, unless another node was first; tell which."""
        document = checkpoint.sign(self._keyring.signing(KeyUse.CHECKPOINT), drawn)
        claim = AddCheckpoint(drawn.number, drawn.at, document, drawn.fresh)
        return not isinstance(await self._journal.submit(Outcome(None, (claim,))), Lost)

    async def _last(self) -> tuple[Checkpoint, bytes]:
        """Return the last checkpoint that is kept and its digest, or what stands before the first."""
        newest = await self._kept.newest()
        number = newest.number if newest is not None else 0
        if number < self._seen:
            raise Contradiction(f"checkpoint {self._seen} was made, and the database has {number} at most")
        if newest is None:
            return checkpoint.first_of(self._issuer), START
        try:
            found = checkpoint.read(newest.document, self._keyring.verifying(KeyUse.CHECKPOINT))
        except NotACheckpoint as error:
            raise Contradiction(f"checkpoint {number} in the database was not signed here ({error})") from None
        if (found.number, found.issuer) != (number, self._issuer):
            raise Contradiction(f"checkpoint {number} in the database is another one")
        self._seen = number
        return found, checkpoint.digest(newest.document)

    async def ship(self) -> None:
        """Bring outside what is not there yet. Raises OutsideFailed."""
        if self._outside is None:
            return
        async with self._shipping:  # the job and an archive may come at once, and each line belongs there once
            # Who is cancelled while a page is added cannot know whether it was: then the place itself is asked again.
            reached, self._shipped = self._shipped, None
            if reached is None:
                reached = await self._reached(await self._outside.last())
            keys = checkpoint.key_set(self.keys())
            while page := await self._kept.checkpoints(reached, _PAGE):
                await self._outside.append(page, keys)
                reached = page[-1].number
            self._shipped = reached

    async def _reached(self, document: bytes) -> int:
        """Return the number of a checkpoint that is outside, if it is one of this log. Raises OutsideFailed."""
        if not document:
            return 0
        try:
            number = checkpoint.number_of(document)
        except NotACheckpoint:
            raise OutsideFailed("the last line there is no checkpoint; move its file away") from None
        (first, *_) = await self._kept.checkpoints(number - 1, 1) or (None,)
        if first is None:
            text = f"checkpoint {number} is there, and the database does not go so far: it was set back"
            raise OutsideFailed(f"{text}. After a restore, move the old files away")
        if first.number == number and first.document != document:
            raise OutsideFailed(
                f"checkpoint {number} there is of another log; give each deployment a folder of its own"
            )
        return number

    async def _hold(self, last: Checkpoint) -> None:
        """Hold the log against what was signed last. Raises Contradiction."""
        found = await self._audit.links({head.chain: head.seq for head in last.heads})
        for head in last.heads:
            if found.get(head.chain) != head.hash:
                text = f"record {head.seq} of chain {head.chain} is not the one that checkpoint {last.number} signed"
                raise Contradiction(text)


def _next(last: Checkpoint, before: bytes, fresh: tuple[Seal, ...], heads: tuple[Head, ...], now: int) -> Checkpoint:
    link = last.link
    for seal in fresh:
        link = checkpoint.running(link, seal)
    return Checkpoint(last.issuer, last.number + 1, now, before, last.sealed + len(fresh), link, fresh, heads)


def _over(item: OpenEnd, now: int) -> bool:
    return item.kind == ChainClosed.kind or item.at < now - LAPSE
