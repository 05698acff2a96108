"""Leases of guards, as other nodes and an earlier run have left them."""

from typing import Protocol

from accredit.identity.lease import Lease


class LeaseStore(Protocol):
    """Reads leases."""

    async def leases(self) -> tuple[Lease, ...]:
        """Return all that are kept."""
        ...
