"""Where checkpoints are kept out of reach of whoever can write to the database."""

from collections.abc import Sequence
from typing import Protocol

from accredit.ports.audit_log import Kept


class OutsideFailed(Exception):
    """The place outside cannot be read or written; the text says why."""


class Outside(Protocol):
    """A place that is only ever added to."""

    async def last(self) -> bytes:
        """Return the last checkpoint there, as it was signed; nothing when there is none. Raises OutsideFailed."""
        ...

    async def append(self, kept: Sequence[Kept], keys: bytes) -> None:
        """Add checkpoints, at least one, in order; `keys` is the key set that verifies them. Raises OutsideFailed."""
        ...
