"""The reading port of webhooks, over a database; see `readers.py`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from accredit.identity.webhook import Delivery, DeliveryState, Webhook
from accredit.store import webhooks
from accredit.store.engines import Database


@dataclass(frozen=True, slots=True)
class Webhooks:
    """Implements `ports.webhooks.WebhookStore`."""

    database: Database

    async def all(self) -> tuple[Webhook, ...]:
        """Return every webhook by slug."""
        return await self.database.read(webhooks.everyone)

    async def due(self, now: int) -> tuple[Webhook, ...]:
        """Return the webhooks for which something is to be tried at `now` (microseconds UTC)."""
        return await self.database.read(lambda conn: webhooks.due(conn, now))

    async def next_due(self, webhook: str, now: int) -> Delivery | None:
        """Return the delivery for the webhook with that id whose turn it is, or None."""
        return await self.database.read(lambda conn: webhooks.next_due(conn, webhook, now))

    async def newest(self, webhook: str, limit: int) -> tuple[Delivery, ...]:
        """Return at most `limit` deliveries for the webhook with that id, the newest first."""
        return await self.database.read(lambda conn: webhooks.newest(conn, webhook, limit))

    async def counts(self) -> Mapping[tuple[str, DeliveryState], int]:
        """Return how many deliveries each webhook (an id) has in each state; none are left out."""
        return await self.database.read(webhooks.counts)

    async def told(self, keys: Sequence[str]) -> frozenset[tuple[str, str]]:
        """Return which webhook (an id) was told of which of these keys."""
        return await self.database.read(lambda conn: webhooks.told(conn, keys))
