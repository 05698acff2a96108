"""Webhooks and what is on its way to them, as the services look them up."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from accredit.identity.webhook import Delivery, DeliveryState, Webhook


class WebhookStore(Protocol):
    """Reads webhooks and the queue."""

    async def all(self) -> tuple[Webhook, ...]:
        """Return every webhook by slug."""
        ...

    async def due(self, now: int) -> tuple[Webhook, ...]:
        """Return the webhooks for which something is to be tried at `now` (microseconds UTC)."""
        ...

    async def next_due(self, webhook: str, now: int) -> Delivery | None:
        """Return the delivery for the webhook with that id whose turn it is, or None."""
        ...

    async def newest(self, webhook: str, limit: int) -> tuple[Delivery, ...]:
        """Return at most `limit` deliveries for the webhook with that id, the newest first."""
        ...

    async def counts(self) -> Mapping[tuple[str, DeliveryState], int]:
        """Return how many deliveries each webhook (an id) has in each state; none are left out."""
        ...

    async def told(self, keys: Sequence[str]) -> frozenset[tuple[str, str]]:
        """Return which webhook (an id) was told of which of these keys."""
        ...
