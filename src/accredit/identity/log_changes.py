"""What is written to the audit log, and what becomes of its records; part of `changes`."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """One audit record as it is kept: the columns to search by, and the parts that the hash covers."""

    seq: int
    at: int
    kind: str
    decision: str
    server: str
    outcome: str
    header: bytes
    person: bytes | None
    salt: bytes | None
    commitment: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class AppendRecords:
    """Claim: append a guard's records to its chain. Loses unless the stored chain ends at `after` with hash `head`.

    `after` is 0 and `head` 32 zero bytes for a new chain; `lines` are the records as they came, already verified.
    """

    chain: str
    guard: str
    after: int
    head: bytes
    lines: tuple[StoredRecord, ...]


@dataclass(frozen=True, slots=True)
class IndexRecords:
    """Claim: make records of a chain (its name) findable. Loses unless the search tables end at `after` for it.

    They end at `upto` then. `terms` are a number of `audit.terms` each, with the time and the number of its record.
    So many of the records as `redacted` had no person part when they were read; it loses when there are more by now.
    """

    chain: str
    after: int
    upto: int
    terms: tuple[tuple[int, int, int], ...]
    redacted: int = 0


@dataclass(frozen=True, slots=True)
class ForgetTerms:
    """Write: empty the search tables, to be filled anew. A large one goes bit by bit: see `EmptyTerms`.

    Until it is empty, nothing becomes findable.
    """


@dataclass(frozen=True, slots=True)
class EmptyTerms:
    """Write: where the search tables are being emptied, take some more away; when all is gone, fill them."""


@dataclass(frozen=True, slots=True)
class RedactRecord:
    """Write: take person part and salt from a record (of a chain, by name), and it out of the search tables.

    `terms` are those that it is found by and should not be any more, `at` its time. May be repeated.
    """

    chain: str
    seq: int
    at: int
    terms: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DropRecords:
    """Claim: let a chain (by name) that begins behind `after` begin behind `anchor`, whose link is `hash`.

    Loses unless it begins there.
    The records up to there go, from the search tables too; `terms` are a number of `audit.terms` each, with the time
    and the number of its record.
    """

    chain: str
    after: int
    anchor: int
    hash: bytes
    terms: tuple[tuple[int, int, int], ...]


class SealKind(StrEnum):
    """What a seal says of its chain: CLOSED, nothing more was expected; ARCHIVED, everything up to there was."""

    CLOSED = "closed"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True)
class Seal:
    """A chain (its name) had reached record `seq` with that link. Seals are numbered from 1, without gaps.

    `archive` is the SHA-256 of the file that an archived part was put into, else empty. A closed chain may go on: a
    guard that was away delivers late. The seal stays true of its beginning.
    """

    number: int
    kind: SealKind
    chain: str
    seq: int
    hash: bytes
    archive: bytes = b""


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """Claim: keep a signed checkpoint with the seals that it tells of first. Loses when its number is taken.

    `document` is the checkpoint as signed, `at` its time (microseconds UTC).
    """

    number: int
    at: int
    document: bytes
    seals: tuple[Seal, ...] = ()
