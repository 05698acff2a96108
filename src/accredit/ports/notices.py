"""What one node tells the others: only that there is something new, and not for sure."""

from collections.abc import Callable
from typing import Protocol


class Notices(Protocol):
    """Hears of signals that other nodes raised, sooner than by looking."""

    async def listen(self, heard: Callable[[], None]) -> None:
        """Call `heard` whenever there may be new signals, until the connection is lost. Raises StoreError."""
        ...
