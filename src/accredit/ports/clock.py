"""Time, as the services see it."""

from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> int:
        """Return the time in microseconds UTC."""
        ...
