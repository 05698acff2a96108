"""Clients, as the services look them up."""

from collections.abc import Sequence
from typing import Protocol

from accredit.identity.agent import Agent
from accredit.identity.application import Application
from accredit.identity.client import ClientKind
from accredit.identity.principal import Principal
from accredit.identity.software import Software


class Clients(Protocol):
    """Looks clients up: their credentials with the end that their age gives them, where there is such a limit."""

    async def principal(self, client_id: str) -> Principal | None:
        """Return the client that calls itself `client_id`, with what belongs to it; deleted ones are not found."""
        ...

    async def by_slug(self, kind: ClientKind, slug: str) -> Principal | None:
        """Return the client of that kind and slug, with what belongs to it."""
        ...

    async def agent(self, client: str) -> Agent | None:
        """Return the agent whose client has the id `client`."""
        ...

    async def agents(self, after: str, limit: int) -> tuple[Agent, ...]:
        """Return at most `limit` agents whose slug sorts after `after`, by slug."""
        ...

    async def holders(self, role: str) -> tuple[Principal, ...]:
        """Return every client that holds the role with that id, also through a group, with what belongs to it."""
        ...

    async def members(self, group: str) -> tuple[Principal, ...]:
        """Return every client in the group with that id, with what belongs to it, by kind and slug."""
        ...

    async def of_software(self, software: Software) -> tuple[Principal, ...]:
        """Return every client of the software, with what belongs to it, by kind and slug."""
        ...

    async def application(self, client: str) -> Application | None:
        """Return the application whose client has the id `client`."""
        ...

    async def applications(self, after: str, limit: int) -> tuple[Application, ...]:
        """Return at most `limit` applications whose slug sorts after `after`, by slug."""
        ...

    async def agents_with(self, roles: Sequence[str], after: str, limit: int) -> tuple[Principal, ...]:
        """Return at most `limit` agents that hold one of `roles` (ids), whose slug sorts after `after`, by slug."""
        ...

    async def guards(self, after: str, limit: int) -> tuple[Principal, ...]:
        """Return at most `limit` guards whose slug sorts after `after`, by slug."""
        ...
