"""Old records leave the database: archived, read back and verified, told of in a checkpoint, and only then dropped."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from accredit.audit import export, terms
from accredit.audit.chain import Head
from accredit.audit.export import Examination
from accredit.audit.verification import Flaw
from accredit.identity.changes import DropRecords, Seal, SealKind, StoredRecord
from accredit.identity.signing_key import KeyUse
from accredit.identity.times import render
from accredit.oauth.outcome import Outcome
from accredit.ports.archive import ArchiveFailed, Shelf
from accredit.ports.audit_log import ChainEnd
from accredit.ports.journal import Overloaded, StoreError, WriterStopped
from accredit.ports.outside import OutsideFailed
from accredit.service.changes import Changes
from accredit.service.checkpoints import Checkpoints, Contradiction, Crowded
from accredit.service.exports import Exports
from accredit.service.keyring import Keyring
from accredit.service.problem import Problem, ProblemCode
from accredit_sdk.jws import VerifyingKey

_MOST: Final = 20_000
_PAGE: Final = 250


@dataclass(frozen=True, slots=True)
class Archived:
    """The file that was made, None when nothing was old enough, and how many records left the database for it.

    It can be fewer than are in the file: those that another node moved at the same time are in its file, too.
    """

    file: str | None
    records: int


@dataclass(frozen=True, slots=True)
class _Part:
    end: ChainEnd
    records: tuple[StoredRecord, ...]


class Archives:
    """Moves old records to `shelf`, one run after the other on this node; what runs on another one takes no harm."""

    def __init__(
        self, changes: Changes, exports: Exports, checkpoints: Checkpoints, keyring: Keyring, shelf: Shelf | None
    ) -> None:
        self._changes = changes
        self._issuer, self._log, self._kept = exports.issuer, exports.log, exports.kept
        self._checkpoints = checkpoints
        self._keyring = keyring
        self._shelf = shelf
        self._alone = asyncio.Lock()

    async def archive(self, before: int, by: str) -> Archived:
        """Archive the oldest records from before that moment (microseconds UTC), at most one file full of them.

        Raises Problem, and then nothing has left the database that is not in an archive.
        """
        if self._shelf is None:
            raise Problem(ProblemCode.INVALID, "no archive is configured: set `archive` to a folder and restart")
        try:
            async with self._alone:
                return await self._archive(self._shelf, before, by)
        except (ArchiveFailed, OutsideFailed, Contradiction, Crowded) as error:
            raise Problem(ProblemCode.UNAVAILABLE, f"nothing was dropped: {error}") from error
        except (Overloaded, StoreError, WriterStopped) as error:
            text = f"nothing was dropped: the database cannot be written at the moment ({error})"
            raise Problem(ProblemCode.UNAVAILABLE, text) from error

    async def _archive(self, shelf: Shelf, before: int, by: str) -> Archived:
        parts = await self._due(before)
        if not parts:
            return Archived(None, 0)
        now = self._changes.clock.now()
        await self._checkpoints.tell(now)
        await self._checkpoints.ship()  # from here on, what goes into the file is proved by what is outside
        name = f"audit-{(render(now) or '').replace(':', '').replace('.', '-')}.jsonl"
        digest = await shelf.put(
            name, await asyncio.to_thread(_lines, self._issuer, now, await self._seals(parts), parts)
        )
        try:
            await self._examine(shelf, name)
            await self._still_ours(parts)
            await self._checkpoints.tell(now, tuple(_seal(part, digest) for part in parts))
        except (ArchiveFailed, Contradiction, Crowded, Problem):
            await shelf.discard(name)
            raise
        await self._checkpoints.ship()
        return Archived(name, sum([await self._drop(part, name, by) for part in parts]))

    async def _due(self, before: int) -> list[_Part]:
        """Return the oldest records of each chain up to the first one that is younger. Raises ArchiveFailed."""
        room, parts = _MOST, list[_Part]()
        for end in await self._log.chains():
            found = await self._old(end, before, room)
            if found:
                parts.append(_Part(end, found))
            room -= len(found)
            if room <= 0:
                break
        return parts

    async def _old(self, end: ChainEnd, before: int, room: int) -> tuple[StoredRecord, ...]:
        found: list[StoredRecord] = []
        after = end.anchor
        while len(found) < room and (page := await self._log.records(end.chain, after, min(_PAGE, room - len(found)))):
            if page[0].seq != after + 1:
                await self._explain(end, after + 1)
                return ()
            old = [item for item in page if item.at < before]
            kept = next((place for place, item in enumerate(page) if item.at >= before), len(old))
            found += page[:kept]
            if kept < len(page):
                break
            after = page[-1].seq
        return tuple(found)

    async def _explain(self, end: ChainEnd, seq: int) -> None:
        """Raise ArchiveFailed for a record that is not there, unless another node has just archived it."""
        now = await self._log.chain_end(end.chain)
        if now is None or now.anchor < seq:
            text = f"record {seq} of chain {end.chain} is missing; look with `accredit audit verify`"
            raise ArchiveFailed(text)

    async def _seals(self, parts: Sequence[_Part]) -> list[Seal]:
        """Return the seals that say something of these records, or of what was archived before them."""
        found: list[Seal] = []
        for part in parts:
            found += await self._kept.seals_of(part.end.chain, part.end.anchor, part.records[-1].seq)
        return sorted(found, key=lambda seal: seal.number)

    async def _examine(self, shelf: Shelf, name: str) -> None:
        """Read the file back and verify it. Raises ArchiveFailed."""
        lines = await shelf.lines(name)
        flaw = await asyncio.to_thread(_first_flaw, self._keyring.verifying(KeyUse.CHECKPOINT), lines)
        if flaw is not None:
            where = f"record {flaw.seq} of chain {flaw.chain}"
            raise ArchiveFailed(f"{name} does not verify ({where}: {flaw.sentence}); look with `accredit audit verify`")

    async def _still_ours(self, parts: Sequence[_Part]) -> None:
        """Raise Problem when another node has moved some of these records meanwhile."""
        anchors = {end.chain: end.anchor for end in await self._log.chains()}
        if any(anchors.get(part.end.chain) != part.end.anchor for part in parts):
            text = "another node archives at the same time; nothing was dropped here: do it again when that has ended"
            raise Problem(ProblemCode.CONFLICT, text)

    async def _drop(self, part: _Part, name: str, by: str) -> int:
        """Drop what was archived, page by page, and keep a record of it; return how many.

        Where another node drops the same at the same time, only one has each page: the other one ends there. What it
        has not dropped itself is in the file of the first, or still in the database.
        """
        chain, first, last = part.end.chain, part.records[0].seq, part.records[-1].seq
        after, event = (
            part.end.anchor,
            self._changes.event("audit.archive", chain, by, f"records {first} to {last} into {name}"),
        )
        for start in range(0, len(part.records), _PAGE):
            page = part.records[start : start + _PAGE]
            found = tuple((term, item.at, item.seq) for item in page for term in terms.of(item))
            claim = DropRecords(chain, after, page[-1].seq, page[-1].hash, found)
            events = (event,) if page[-1].seq == last else ()
            if await self._changes.attempt(Outcome(None, (claim,), events=events)) is not None:
                summary = f"{name} repeats records {after + 1} to {last}: another node moved them at the same time"
                event = self._changes.event("audit.archive", chain, by, summary)
                await self._changes.attempt(Outcome(None, events=(event,)))
                break
            after = page[-1].seq
        return after - part.end.anchor


def _lines(issuer: str, now: int, seals: Sequence[Seal], parts: Sequence[_Part]) -> list[bytes]:
    """Return the lines of a file; with twenty thousand records that takes its time."""
    lines = [export.beginning(issuer, now, part=True), *map(export.seal, seals)]
    for part in parts:
        end, last = part.end, part.records[-1]
        anchor = Head(end.chain, end.anchor, end.anchor_hash)
        lines.append(export.chain(end.chain, end.guard, anchor, Head(end.chain, last.seq, last.hash)))
        lines += map(export.line, part.records)
    return [*lines, export.end()]


def _first_flaw(keys: Mapping[str, VerifyingKey], lines: Sequence[bytes]) -> Flaw | None:
    """Verify a file; with twenty thousand records that takes its time."""
    examination = Examination(keys)
    for line in lines:
        examination.line(line)
    return examination.report().first


def _seal(part: _Part, digest: bytes) -> Seal:
    last = part.records[-1]
    return Seal(0, SealKind.ARCHIVED, part.end.chain, last.seq, last.hash, digest)
