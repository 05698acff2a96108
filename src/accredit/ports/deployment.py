"""The deployment's own row: what must never change between two starts."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Deployment:
    """One organisation, one issuer, one master key. `key_check` recognises the key without giving it away."""

    issuer: str
    key_check: bytes
    created_at: int


class Deployments(Protocol):
    """Reads the row, and writes it once."""

    async def read(self) -> Deployment | None:
        """Return the row, or None in a database that was never started."""
        ...

    async def establish(self, deployment: Deployment) -> Deployment:
        """Write the row unless there is one; return the one that is stored now."""
        ...
