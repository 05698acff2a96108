"""Where parts of the log are kept that the database has no more."""

from collections.abc import Sequence
from typing import Protocol


class ArchiveFailed(Exception):
    """The archive cannot be written or read; the text says why."""


class Shelf(Protocol):
    """A place for archived parts of the log. What is there is never changed, and stays once it was told of."""

    async def put(self, name: str, lines: Sequence[bytes]) -> bytes:
        """Keep `lines` under a new name; return the SHA-256 of the whole once the disk has it. Raises ArchiveFailed."""
        ...

    async def discard(self, name: str) -> None:
        """Take away what nobody was told of yet. Raises ArchiveFailed."""
        ...

    async def lines(self, name: str) -> tuple[bytes, ...]:
        """Return what is kept under that name, line by line. Raises ArchiveFailed."""
        ...
