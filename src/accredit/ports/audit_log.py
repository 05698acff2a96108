"""The audit log, as the services read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from accredit.audit.chain import START
from accredit.identity.changes import Seal, StoredRecord


@dataclass(frozen=True, slots=True)
class ChainEnd:
    """A chain and its last record. `guard` is the id of the guard that wrote it, or None for the server's own.

    `sealed` is the record at which it was last closed. The records up to `anchor`, whose link is `anchor_hash`, were
    archived.
    """

    chain: str
    guard: str | None
    seq: int
    hash: bytes
    sealed: int = 0
    anchor: int = 0
    anchor_hash: bytes = START


@dataclass(frozen=True, slots=True)
class OpenEnd:
    """The end of a chain that is not closed: the kind of its last record, and when that happened (microseconds UTC)."""

    end: ChainEnd
    kind: str
    at: int


@dataclass(frozen=True, slots=True)
class Kept:
    """A checkpoint as it is kept: its number, its time (microseconds UTC), and the document as signed."""

    number: int
    at: int
    document: bytes


@dataclass(frozen=True, slots=True)
class Filter:
    """What to look for; None matches everything. Times are microseconds UTC, `until` is exclusive.

    `servers` are ids of which one must match; `member` is whoever took part, in any place; `token` is a `jti`. `own`
    leaves out what guards have delivered.
    """

    decision: str | None = None
    kind: str | None = None
    server: str | None = None
    outcome: str | None = None
    since: int | None = None
    until: int | None = None
    subject: str | None = None
    client: str | None = None
    tool: str | None = None
    member: str | None = None
    token: str | None = None
    trace: str | None = None
    servers: tuple[str, ...] = ()
    own: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """A chain that the search tables know up to `after`, and that has more."""

    chain: str
    after: int


@dataclass(frozen=True, slots=True)
class Lag:
    """How many records the search tables do not know yet, and when the oldest of them happened (microseconds UTC)."""

    records: int
    since: int | None


class AuditLog(Protocol):
    """Reads the log."""

    async def chain_end(self, chain: str) -> ChainEnd | None:
        """Return the end of that chain, or None when nothing was ever written to it."""
        ...

    async def chains(self) -> tuple[ChainEnd, ...]:
        """Return the ends of all chains."""
        ...

    async def records(self, chain: str, after: int, limit: int) -> tuple[StoredRecord, ...]:
        """Return at most `limit` records of `chain` with a number above `after`, in order."""
        ...

    async def open_ends(self) -> tuple[OpenEnd, ...]:
        """Return the ends of all chains that have grown since they were last closed."""
        ...

    async def links(self, places: Mapping[str, int]) -> Mapping[str, bytes]:
        """Return the link that the log has at a number of each chain (name to number); what is not there is left out.

        Where the records were archived, that is the link of the anchor, at its number only.
        """
        ...


class CheckpointLog(Protocol):
    """Reads seals and checkpoints."""

    async def newest(self) -> Kept | None:
        """Return the last checkpoint, None when there is none."""
        ...

    async def checkpoints(self, after: int, limit: int) -> tuple[Kept, ...]:
        """Return at most `limit` checkpoints with a number above `after`, in order."""
        ...

    async def seals(self, after: int, limit: int) -> tuple[Seal, ...]:
        """Return at most `limit` seals with a number above `after`, in order."""
        ...

    async def seals_of(self, chain: str, first: int, last: int) -> tuple[Seal, ...]:
        """Return the seals of a chain (its name) from record `first` to `last`, in the order of their numbers.

        Those that say that it was archived are among them however far they go.
        """
        ...


class SearchTables(Protocol):
    """Finds records by what the search tables know of them."""

    async def search(self, wanted: Filter, before: str | None, limit: int) -> tuple[tuple[str, StoredRecord], ...]:
        """Return at most `limit` records that match, newest first, each with the cursor to continue behind it.

        `before` is such a cursor, or None to begin with the newest. Raises ValueError for a cursor we did not make.
        """
        ...

    async def concerned(self, decision: str) -> tuple[str, ...]:
        """Return the ids of the servers about which something was recorded under the id of that decision."""
        ...

    async def waiting(self, limit: int) -> tuple[Waiting, ...]:
        """Return at most `limit` chains of which the search tables do not know everything, our own first.

        None while the tables are being emptied.
        """
        ...

    async def emptying(self) -> bool:
        """Tell whether the search tables are being emptied."""
        ...

    async def lag(self) -> Lag:
        """Return how far the search tables are behind the log."""
        ...

    async def begins(self) -> int | None:
        """Return when the oldest record of our own happened that can be found (microseconds UTC), None for none."""
        ...
