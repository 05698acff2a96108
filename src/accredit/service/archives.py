"""Old records leave the database: archived, read back and verified, told of in a checkpoint, and only then dropped."""

from dataclasses import dataclass
from typing import Final

from accredit.audit import export, terms
from accredit.audit.chain import Head
from accredit.audit.export import Examination
from accredit.identity.changes import DropRecords, Seal, SealKind, StoredRecord
from accredit.identity.signing_key import KeyUse
from accredit.identity.times import render
from accredit.oauth.outcome import Outcome
from accredit.ports.archive import ArchiveFailed, Shelf
from accredit.ports.audit_log import ChainEnd
from accredit.ports.outside import OutsideFailed
from accredit.service.changes import Changes
from accredit.service.checkpoints import Checkpoints, Contradiction
from accredit.service.exports import Exports
from accredit.service.keyring import Keyring
from accredit.service.problem import Problem, ProblemCode
from accredit.service.projection import Projection

_MOST: Final = 20_000
_PAGE: Final = 250
_PATIENCE: Final = 100_000


@dataclass(frozen=True, slots=True)
class Archived:
    """The file that was made, None when nothing was old enough, and how many records went into it."""

    file: str | None
    records: int


@dataclass(frozen=True, slots=True)
class _Part:
    end: ChainEnd
    records: tuple[StoredRecord, ...]


class Archives:
    """Moves old records to `shelf`."""

    def __init__(
        self,
        changes: Changes,
        exports: Exports,
        checkpoints: Checkpoints,
        projection: Projection,
        keyring: Keyring,
        shelf: Shelf | None,
    ) -> None:
        self._changes = changes
        self._issuer, self._log, self._kept = exports.issuer, exports.log, exports.kept
        self._checkpoints = checkpoints
        self._projection = projection
        self._keyring = keyring
        self._shelf = shelf

    async def archive(self, before: int, by: str) -> Archived:
        """Archive the oldest records from before that moment (microseconds UTC), at most one file full of them.

        Raises Problem, and then nothing has left the database that is not in an archive.
        """
        if self._shelf is None:
            raise Problem(ProblemCode.INVALID, "no archive is configured: set `archive` to a folder and restart")
        parts = await self._due(before)
        if not parts:
            return Archived(None, 0)
        try:
            name, seals = await self._keep(self._shelf, parts)
            await self._tell(seals)
        except (ArchiveFailed, OutsideFailed, Contradiction) as error:
            raise Problem(ProblemCode.UNAVAILABLE, f"nothing was dropped: {error}") from error
        for part in parts:
            await self._drop(part, name, by)
        return Archived(name, sum(len(part.records) for part in parts))

    async def _due(self, before: int) -> list[_Part]:
        """Return the oldest records of each chain up to the first one that is younger, and findable ones only."""
        for _ in range(_PATIENCE):
            if not await self._projection.catch_up(_PAGE):
                break
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
            old = [item for item in page if item.at < before]
            kept = next((place for place, item in enumerate(page) if item.at >= before), len(old))
            found += page[:kept]
            if kept < len(page):
                break
            after = page[-1].seq
        return tuple(found)

    async def _keep(self, shelf: Shelf, parts: list[_Part]) -> tuple[str, tuple[Seal, ...]]:
        """Write the archive, read it back, verify it; return its name and the seals that tell of it."""
        now = self._changes.clock.now()
        name = f"audit-{(render(now) or '').replace(':', '').replace('.', '-')}.jsonl"
        lines = [export.beginning(self._issuer, now, part=True)]
        number = 0
        while seals := await self._kept.seals(number, _PAGE):
            lines += [export.seal(item) for item in seals]
            number = seals[-1].number
        for part in parts:
            end, last = part.end, part.records[-1]
            anchor = Head(end.chain, end.anchor, end.anchor_hash)
            lines.append(export.chain(end.chain, end.guard, anchor, Head(end.chain, last.seq, last.hash)))
            lines += [export.line(item) for item in part.records]
        digest = await shelf.put(name, [*lines, export.end()])
        examination = Examination(self._keyring.verifying(KeyUse.CHECKPOINT))
        for line in await shelf.lines(name):
            examination.line(line)
        flaw = examination.report().first
        if flaw is not None:
            where = f"record {flaw.seq} of chain {flaw.chain}"
            raise ArchiveFailed(f"{name} does not verify ({where}: {flaw.sentence}); look with `accredit audit verify`")
        lasts = ((part.end.chain, part.records[-1]) for part in parts)
        return name, tuple(Seal(0, SealKind.ARCHIVED, chain, last.seq, last.hash, digest) for chain, last in lasts)

    async def _tell(self, seals: tuple[Seal, ...]) -> None:
        """Sign a checkpoint that tells of the archive, and bring it outside. Raises Contradiction, OutsideFailed."""
        for _ in range(3):
            if await self._checkpoints.make(self._changes.clock.now(), seals) is not None:
                await self._checkpoints.ship()
                return
        raise ArchiveFailed("other nodes sign checkpoints all the time; try again")

    async def _drop(self, part: _Part, name: str, by: str) -> None:
        """Drop what was archived, page by page; the last page brings the record of it."""
        chain, count = part.end.chain, len(part.records)
        for start in range(0, count, _PAGE):
            page = part.records[start : start + _PAGE]
            found = tuple((term, item.at, item.seq) for item in page for term in terms.of(item))
            claim = DropRecords(chain, page[-1].seq, page[-1].hash, found)
            summary = f"records {part.records[0].seq} to {part.records[-1].seq} into {name}"
            event = self._changes.event("audit.archive", chain, by, summary)
            events = (event,) if start + _PAGE >= count else ()
            await self._changes.attempt(Outcome(None, (claim,), events=events))
