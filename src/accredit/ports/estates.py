"""The whole of what files describe, read at one moment."""

from typing import Protocol

from accredit.identity.estate import Estate


class Estates(Protocol):
    """Reads the estate."""

    async def read(self) -> Estate:
        """Return everything as it is at one moment, with the number of the last signal that it contains."""
        ...
