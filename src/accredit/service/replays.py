"""Past calls under a changed policy: what a file would have refused, and what it would have let through."""

import asyncio
from dataclasses import dataclass

from accredit.identity.manifest import Document, Shape
from accredit.identity.plan import applied
from accredit.identity.tally import by_name
from accredit.oauth.replay import Turned, World, turned
from accredit.ports.clock import Clock
from accredit.service.calls import Calls, Past
from accredit.service.manifests import Manifests


@dataclass(frozen=True, slots=True)
class Replayed:
    """What one request found. `fingerprint` is that of the plan: when it changes between two requests, begin again."""

    fingerprint: str
    past: Past
    turned: tuple[Turned, ...]


class Replays:
    """Replays past calls."""

    def __init__(self, issuer: str, manifests: Manifests, calls: Calls, clock: Clock) -> None:
        self._issuer = issuer
        self._manifests = manifests
        self._calls = calls
        self._clock = clock

    async def replay(self, wanted: Document, *, prune: bool, since: int, cursor: str | None) -> Replayed:
        """Judge a page of the calls since then, as things are and as the file wants them. Raises Faulty."""
        estate, current, plan = await self._manifests.compared(wanted, prune=prune)
        names = {server.id: server.slug for server in estate.servers}
        names |= {agent.client.client_id: agent.client.slug for agent in estate.agents}
        past = await self._calls.since(since, cursor)
        uses = by_name(past.tally.found.items(), names)
        before, after = self._world(current), self._world(applied(current, plan))
        found = await asyncio.to_thread(lambda: tuple(turned(before, after, uses)))
        return Replayed(plan.fingerprint(), past, found)

    def _world(self, shape: Shape) -> World:
        return World(self._issuer, shape, self._clock.now())
