"""The audit log, as the services read it."""

from dataclasses import dataclass
from typing import Protocol

from accredit.identity.changes import StoredRecord


@dataclass(frozen=True, slots=True)
class ChainEnd:
    """A chain and its last record. `guard` is the id of the guard that wrote it, or None for the server's own."""

    chain: str
    guard: str | None
    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Filter:
    """What to look for; None matches everything. Times are microseconds UTC, `until` is exclusive."""

    decision: str | None = None
    kind: str | None = None
    server: str | None = None
    outcome: str | None = None
    since: int | None = None
    until: int | None = None


class AuditLog(Protocol):
    """Reads the log."""

    async def search(self, wanted: Filter, before: str | None, limit: int) -> tuple[tuple[str, StoredRecord], ...]:
        """Return at most `limit` records that match, newest first, each with the cursor to continue behind it.

        `before` is such a cursor, or None to begin with the newest. Raises ValueError for a cursor we did not make.
        """
        ...

    async def chain_end(self, chain: str) -> ChainEnd | None:
        """Return the end of that chain, or None when nothing was ever written to it."""
        ...

    async def chains(self) -> tuple[ChainEnd, ...]:
        """Return the ends of all chains."""
        ...

    async def records(self, chain: str, after: int, limit: int) -> tuple[StoredRecord, ...]:
        """Return at most `limit` records of `chain` with a number above `after`, in order."""
        ...
