"""Whether a log is what was written: every link, every seal, every checkpoint. Pure; what is fed may be of any size.

Feed in this order: seals, checkpoints, then chain after chain with its records. Of each chain the first bad record is
named. Memory grows with chains and checkpoints, never with records.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from accredit.audit import checkpoint as checkpoints
from accredit.audit.chain import START, Head
from accredit.audit.checkpoint import Checkpoint, NotACheckpoint
from accredit.identity.changes import Seal, SealKind
from accredit_sdk import record
from accredit_sdk.jws import VerifyingKey
from accredit_sdk.record import Record

_DIGEST: Final = 32
_SOURCE: Final = 8
_PLACE: Final = 8 + _DIGEST + _SOURCE
_MOST_FLAWS: Final = 100


class Fault(StrEnum):
    """What is wrong with a record, a chain, a seal or a checkpoint."""

    UNREADABLE = "unreadable"
    MISSING = "record_missing"
    HALF_REDACTED = "half_redacted"
    PERSON_CHANGED = "person_changed"
    HEADER_CHANGED = "header_changed"
    REWRITTEN = "rewritten"
    END_MISSING = "end_missing"
    CHAIN_MISSING = "chain_missing"
    BEGINNING_MISSING = "beginning_missing"
    SEALS_CHANGED = "seals_changed"
    CHECKPOINT_FORGED = "checkpoint_forged"
    CHECKPOINT_REPLAYED = "checkpoint_replayed"
    EXPORT_DAMAGED = "export_damaged"
    EXPORT_INCOMPLETE = "export_incomplete"


_WORDS: Final[Mapping[Fault, str]] = {
    Fault.UNREADABLE: "the header cannot be read",
    Fault.MISSING: "a record is missing or out of order",
    Fault.HALF_REDACTED: "only half of what redaction takes is gone",
    Fault.PERSON_CHANGED: "the person part was changed",
    Fault.HEADER_CHANGED: "the header was changed, or the record before it",
    Fault.REWRITTEN: "this record, or one that follows it, was written anew",
    Fault.END_MISSING: "records are missing at the end of the chain",
    Fault.CHAIN_MISSING: "the whole chain is missing",
    Fault.BEGINNING_MISSING: "the beginning of the chain is missing, and no seal says that it was archived",
    Fault.SEALS_CHANGED: "the seals are not those that were signed",
    Fault.CHECKPOINT_FORGED: "this is no checkpoint that Accredit signed",
    Fault.CHECKPOINT_REPLAYED: "the checkpoints are not in the order in which they were signed",
    Fault.EXPORT_DAMAGED: "a line of the export cannot be read",
    Fault.EXPORT_INCOMPLETE: "the export ends too early",
}


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something that is not as it was written. `checkpoint` is the number of the one that proves it, 0 for none.

    `seq` is the first record that is or may be bad (0: no record in particular), `decision` its id as far as known. Of
    a checkpoint or a line of an export that is bad itself, `seq` is its place.
    """

    fault: Fault
    chain: str = ""
    seq: int = 0
    decision: str = ""
    checkpoint: int = 0

    @property
    def sentence(self) -> str:
        """The flaw in words, without the place."""
        proof = f"; checkpoint {self.checkpoint} proves it" if self.checkpoint else ""
        return _WORDS[self.fault] + proof


@dataclass(frozen=True, slots=True)
class Examined:
    """A chain: who wrote it (the id of a guard, None for the server), how many records hold, and its first flaw."""

    chain: str
    guard: str | None
    records: int
    flaw: Flaw | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """The last good checkpoint of a sequence: what was recorded until then is proved by it."""

    number: int
    at: int


@dataclass(frozen=True, slots=True)
class Report:
    """What was found: all chains, flaws that are no record's, and how far each sequence of checkpoints proves."""

    chains: tuple[Examined, ...]
    flaws: tuple[Flaw, ...]
    proofs: Mapping[str, Proof]

    @property
    def first(self) -> Flaw | None:
        """The first flaw, None when everything holds."""
        return next(self.all_flaws(), None)

    def all_flaws(self) -> Iterator[Flaw]:
        """Yield the flaws of the chains, then the others."""
        yield from (item.flaw for item in self.chains if item.flaw is not None)
        yield from self.flaws


class _Claims:
    """What is claimed of one chain: at these numbers, these links, says that checkpoint (0: a seal or the database)."""

    def __init__(self) -> None:
        self.places = bytearray()

    def add(self, seq: int, link: bytes, source: int) -> None:
        """Add a claim; one that only repeats the one before takes its place."""
        if self.places[-_PLACE:-_SOURCE] == _packed(seq, link):
            del self.places[-_PLACE:]
        self.places.extend(_packed(seq, link) + source.to_bytes(_SOURCE, "big"))

    def end(self, end: Head) -> None:
        """Add what the log says of its own end, unless a checkpoint says just that. Raises ValueError."""
        if self.places[-_PLACE:-_SOURCE] != _packed(end.seq, end.hash):
            self.add(end.seq, end.hash, 0)

    def in_order(self) -> Iterator[tuple[int, bytes, int]]:
        """Yield number, link and source, the smallest number first."""
        found = bytes(self.places)
        for place in sorted(found[start : start + _PLACE] for start in range(0, len(found), _PLACE)):
            yield int.from_bytes(place[:8], "big"), place[8:-_SOURCE], int.from_bytes(place[-_SOURCE:], "big")

    def cut(self, most: int) -> None:
        """Forget what is claimed of records with a higher number."""
        kept = b"".join(
            seq.to_bytes(8, "big") + link + source.to_bytes(_SOURCE, "big")
            for seq, link, source in self.in_order()
            if seq <= most
        )
        self.places[:] = kept

    def newest(self) -> int:
        """Return the number of the last checkpoint that claims anything."""
        return max(source for _, _, source in self.in_order())


def _packed(seq: int, link: bytes) -> bytes:
    """Return number and link in forty bytes. Raises ValueError for what is no record's."""
    if len(link) != _DIGEST or not 0 <= seq < 2**63:
        raise ValueError("no place in a chain")
    return seq.to_bytes(8, "big") + link


class _Walk:
    """One chain being walked."""

    def __init__(self, chain: str, guard: str | None, anchor: Head, claims: _Claims) -> None:
        self.chain = chain
        self.guard = guard
        self.flaw: Flaw | None = None
        self._claims = claims.in_order()
        self._seq, self._link = anchor.seq, anchor.hash
        self._anchor = anchor.seq
        self._suspect = (anchor.seq + 1, "")
        self._next = next(self._claims, None)
        while self._next is not None and self._next[0] < anchor.seq:
            self._next = next(self._claims, None)
        self._compare()

    def take(self, item: Record) -> None:
        if self.flaw is not None:
            return
        expected = self._seq + 1
        try:
            header = record.decode_header(item.header)
        except ValueError:
            self.flaw = Flaw(Fault.UNREADABLE, self.chain, expected)
            return
        if header.seq != expected or header.chain != self.chain:
            self.flaw = Flaw(Fault.MISSING, self.chain, expected)
            return
        fault = self._fault(item)
        if fault is not None:
            self.flaw = Flaw(fault, self.chain, expected, header.decision)
            return
        if self._suspect[0] == expected:
            self._suspect = (expected, header.decision)
        self._seq, self._link = expected, item.hash
        self._compare()

    def bad(self, fault: Fault, seq: int) -> None:
        """Take over what was found outside of the records themselves."""
        self.flaw = self.flaw or Flaw(fault, self.chain, seq)

    def cut_off(self) -> None:
        self._next = None

    def done(self) -> Examined:
        if self.flaw is None and self._next is not None:
            source = max(source for _, _, source in (self._next, *self._claims))
            self.flaw = Flaw(Fault.END_MISSING, self.chain, self._seq + 1, "", source)
        reached = self._seq if self.flaw is None else min(self._seq, self.flaw.seq - 1)
        return Examined(self.chain, self.guard, max(0, reached - self._anchor), self.flaw)

    def _fault(self, item: Record) -> Fault | None:
        if (item.person is None) != (item.salt is None):
            return Fault.HALF_REDACTED
        if (
            item.person is not None
            and item.salt is not None
            and record.commit(item.salt, item.person) != item.commitment
        ):
            return Fault.PERSON_CHANGED
        if record.link(self._link, item.header, item.commitment) != item.hash:
            return Fault.HEADER_CHANGED
        return None

    def _compare(self) -> None:
        """Compare with every claim about the record where the walk stands; only a signed one clears what is behind."""
        proved = False
        while self._next is not None and self._next[0] == self._seq:
            _, link, source = self._next
            if link != self._link:
                seq, decision = self._suspect
                self.flaw = Flaw(Fault.REWRITTEN, self.chain, seq, decision, source)
                return
            proved = proved or source > 0
            self._next = next(self._claims, None)
        if proved:
            self._suspect = (self._seq + 1, "")


class Verifier:
    """Takes a log piece by piece and reports what is wrong with it. `keys` are those of checkpoints, by key id.

    Of a `part` of a log only what it has is compared: chains may be missing, and end before the log does, and seals may
    be left out.
    """

    def __init__(self, issuer: str, keys: Mapping[str, VerifyingKey], *, part: bool = False) -> None:
        self._part = part
        self._issuer = issuer
        self._keys = keys
        self._claims: dict[str, _Claims] = {}
        self._seals: dict[int, Seal] = {}
        self._newest_seal = 0
        self._links: list[bytes] = [START]
        self._archived: dict[str, int] = {}
        self._last: dict[str, tuple[Checkpoint, bytes]] = {}
        self._examined: dict[str, Examined] = {}
        self._flaws: list[Flaw] = []
        self._walk: _Walk | None = None

    def seal(self, seal: Seal) -> None:
        """Take the next seal. Raises ValueError for one that names no place in a chain."""
        skipped = seal.number - self._newest_seal - 1
        if skipped < 0 or (skipped and not self._part):
            self._wrong_seals(Flaw(Fault.SEALS_CHANGED, seal.chain, seal.seq))
            return
        self._claim(seal.chain, seal.seq, seal.hash, 0)
        self._seals[seal.number], self._newest_seal = seal, seal.number
        if seal.number == len(self._links):
            self._links.append(checkpoints.running(self._links[-1], seal))
        if seal.kind is SealKind.ARCHIVED:
            self._archived[seal.chain] = max(seal.seq, self._archived.get(seal.chain, 0))

    def checkpoint(self, document: bytes, sequence: str, place: int) -> None:
        """Take the next checkpoint of a sequence: those that the log itself keeps, or those that were kept outside.

        `place` is its line, for the report.
        """
        try:
            found = checkpoints.read(document, self._keys)
        except NotACheckpoint:
            self.flaw(Flaw(Fault.CHECKPOINT_FORGED, seq=place))
            return
        before = self._last.get(sequence)
        if found.issuer != self._issuer:
            self.flaw(Flaw(Fault.CHECKPOINT_FORGED, seq=place, checkpoint=found.number))
        elif before is not None and not _follows(found, *before):
            self.flaw(Flaw(Fault.CHECKPOINT_REPLAYED, seq=place, checkpoint=found.number))
        else:
            self._last[sequence] = (found, checkpoints.digest(document))
            self._believe(found)

    def begin(self, chain: str, guard: str | None, anchor: Head, end: Head) -> None:
        """Begin a chain; what lies before `anchor` was archived, and it has at least the records up to `end`."""
        self._end_walk()
        claims, readable = self._claims.pop(chain, _Claims()), True
        if self._part:
            claims.cut(end.seq)
        try:
            claims.end(end)
        except ValueError:
            readable = False
        self._walk = _Walk(chain, guard, anchor, claims)
        if not readable:
            self._walk.bad(Fault.UNREADABLE, 1)
        if anchor.seq > self._archived.get(chain, 0):
            self._walk.bad(Fault.BEGINNING_MISSING, 1)

    def cut_off(self) -> None:
        """Take it that nothing follows, though more is there: what is missing from here on is no flaw of the log."""
        self._part = True
        if self._walk is not None:
            self._walk.cut_off()

    def record(self, item: Record) -> None:
        """Take the next record of the chain that was begun. Raises ValueError when none was."""
        if self._walk is None:
            raise ValueError("a record of no chain")
        self._walk.take(item)

    def flaw(self, flaw: Flaw) -> None:
        """Take over a flaw that is no record's, unless there are too many already."""
        if len(self._flaws) < _MOST_FLAWS:
            self._flaws.append(flaw)

    def report(self) -> Report:
        """Return what was found, when everything was fed."""
        self._end_walk()
        for chain, claims in () if self._part else self._claims.items():
            flaw = Flaw(Fault.CHAIN_MISSING, chain, 1, "", claims.newest())
            self._examined[chain] = Examined(chain, None, 0, flaw)
        self._claims.clear()
        proofs = {name: Proof(found.number, found.at) for name, (found, _) in self._last.items()}
        return Report(tuple(self._examined.values()), tuple(self._flaws), proofs)

    def _believe(self, found: Checkpoint) -> None:
        """Take what a checkpoint says for true, and hold the log against it."""
        for head in found.heads:
            self._claim(head.chain, head.seq, head.hash, found.number)
        for seal in found.fresh:
            self._claim(seal.chain, seal.seq, seal.hash, found.number)
        wrong = next(filter(self._differs, found.fresh), None)
        if found.sealed < len(self._links):
            good = self._links[found.sealed] == found.link
        else:
            good = self._part and wrong is None
        if not good:
            chain, seq = (wrong.chain, wrong.seq) if wrong is not None else ("", 0)
            self._wrong_seals(Flaw(Fault.SEALS_CHANGED, chain, seq, "", found.number))

    def _differs(self, signed: Seal) -> bool:
        """Tell whether a seal that was signed is another one here, or is not here where all should be."""
        return self._seals.get(signed.number, signed if self._part else None) != signed

    def _wrong_seals(self, flaw: Flaw) -> None:
        """Say it once: behind the first wrong seal all of them are."""
        if not any(known.fault is Fault.SEALS_CHANGED for known in self._flaws):
            self.flaw(flaw)

    def _claim(self, chain: str, seq: int, link: bytes, source: int) -> None:
        self._claims.setdefault(chain, _Claims()).add(seq, link, source)

    def _end_walk(self) -> None:
        if self._walk is not None:
            self._examined[self._walk.chain] = self._walk.done()
            self._walk = None


def _follows(found: Checkpoint, before: Checkpoint, digest: bytes) -> bool:
    """Tell whether a checkpoint is a later one; of the very next one its own word is held against the one before."""
    return found.number > before.number and (found.number > before.number + 1 or found.previous == digest)
