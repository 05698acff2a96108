"""The deployment's own row: what must never change between two starts."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Deployment:
    """One organisation, one issuer, one master key. `key_check` recognises the key without giving it away.

    `epoch` counts from 1 how often an older state was brought back, `epoch_at` is when the last time was (microseconds
    UTC, 0: never): what was decided before is void.
    """

    issuer: str
    key_check: bytes
    created_at: int
    epoch: int = 1
    epoch_at: int = 0


class Deployments(Protocol):
    """Reads the row, and writes it once."""

    async def read(self) -> Deployment | None:
        """Return the row, or None in a database that was never started."""
        ...

    async def establish(self, deployment: Deployment) -> Deployment:
        """Write the row unless there is one; return the one that is stored now."""
        ...
