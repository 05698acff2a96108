"""What was answered, as the management API asks for it when a request comes again."""

from typing import Protocol

from accredit.identity.answer import KeptAnswer


class Answers(Protocol):
    """Reads kept answers."""

    async def find(self, key: bytes) -> KeptAnswer | None:
        """Return what is kept under the key with that digest, or None. Raises StoreError."""
        ...
