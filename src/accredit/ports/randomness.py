"""Randomness, as the services see it."""

from typing import Protocol


class Randomness(Protocol):
    """A cryptographically secure source."""

    def bytes(self, count: int) -> bytes:
        """Return `count` fresh random bytes."""
        ...
