"""Past calls under a changed policy: what a file would have refused, and what it would have let through."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from accredit.identity.client import ClientKind
from accredit.identity.manifest import Document, Shape
from accredit.identity.plan import applied
from accredit.identity.principal import Principal
from accredit.identity.tally import at_servers
from accredit.oauth.replay import Party, Turned, World, turned
from accredit.ports.clock import Clock
from accredit.service.calls import Calls, Past
from accredit.service.directory import Directory
from accredit.service.manifests import Manifests
from accredit.service.telling import is_client_id


@dataclass(frozen=True, slots=True)
class Replayed:
    """What one request found. `fingerprint` is that of the plan: when it changes between two requests, begin again."""

    fingerprint: str
    past: Past
    parties: Mapping[str, Party]
    turned: tuple[Turned, ...]


class Replays:
    """Replays past calls."""

    def __init__(self, issuer: str, directory: Directory, manifests: Manifests, calls: Calls, clock: Clock) -> None:
        self._issuer = issuer
        self._directory = directory
        self._manifests = manifests
        self._calls = calls
        self._clock = clock

    async def replay(self, wanted: Document, *, prune: bool, since: int, cursor: str | None) -> Replayed:
        """Judge a page of the calls since then, as things are and as the file wants them. Raises Faulty."""
        estate, current, plan = await self._manifests.compared(wanted, prune=prune)
        past = await self._calls.since(since, cursor)
        uses = at_servers(past.tally.found.items(), {server.id: server.slug for server in estate.servers})
        parties = await self._parties({use.client for use in uses})
        before, after = self._world(current, parties), self._world(applied(current, plan), parties)
        found = await asyncio.to_thread(lambda: tuple(turned(before, after, uses)))
        return Replayed(plan.fingerprint(), past, parties, found)

    def _world(self, shape: Shape, parties: Mapping[str, Party]) -> World:
        return World(self._issuer, shape, parties, self._clock.now())

    async def _parties(self, names: Iterable[str]) -> dict[str, Party]:
        """Return those clients that are still there, by client_id."""
        found = {name: await self._directory.principal(name) for name in names if is_client_id(name)}
        return {name: self._party(principal) for name, principal in found.items() if principal is not None}

    def _party(self, principal: Principal) -> Party:
        client = principal.client
        agent = client.slug if client.kind is ClientKind.AGENT else None
        held = self._directory.held(principal)
        bound = tuple((item.role.slug, item.ends_at) for item in held if agent is None or item.through is not None)
        return Party(principal, agent, bound)
