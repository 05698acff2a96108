"""Credentials with what is known of their use, as the services look them up."""

from typing import Protocol

from accredit.identity.credential import Credential
from accredit.identity.outlook import Holding


class Credentials(Protocol):
    """Looks credentials up: each with the end that its age gives it, where there is such a limit."""

    def aged(self, credential: Credential) -> Credential:
        """Return a credential that was just made as it will be read."""
        ...

    async def of_client(self, client: str) -> tuple[Holding, ...]:
        """Return every credential that the client with the id `client` ever had, oldest first, with its use."""
        ...

    async def over(self, now: int, limit: int) -> tuple[Holding, ...]:
        """Return at most `limit` credentials whose time is over at `now` (microseconds UTC), and not ended yet."""
        ...
