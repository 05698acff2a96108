"""What is on its way to webhooks: each has a lane of its own, so that one that is slow or dead makes no other wait.

Of several nodes, the one that takes a delivery tries it. It is left to that one for LEASE; if the process dies, it is
tried again after that, with the same id. So it comes at least once, and whoever hears it can tell a repetition.
"""

import asyncio
import logging
from typing import Final

from accredit.identity.changes import ForgetDeliveries, SettleDelivery, TakeDelivery
from accredit.identity.webhook import Delivery, DeliveryState, Webhook, next_attempt
from accredit.oauth.outcome import Lost, Outcome
from accredit.ports.clock import Clock
from accredit.ports.journal import Journal, Overloaded, StoreError, WriterStopped
from accredit.ports.measures import Measures
from accredit.ports.randomness import Randomness
from accredit.ports.webhooks import WebhookStore
from accredit.service.sending import Attempt, Sender

LEASE: Final = 60_000_000
"""Microseconds for which a delivery is left to who took it: longer than an attempt can take."""

KEPT_DELIVERED: Final = 86_400_000_000
"""Microseconds for which what was delivered is shown."""

KEPT_FAILED: Final = 7 * 86_400_000_000
"""Microseconds for which what failed is shown."""

_TIDY_EVERY: Final = 60_000_000
_AT_ONCE: Final = 100

_log = logging.getLogger("accredit.webhooks")


class Deliveries:
    """Delivers what is due. Lives on the event loop."""

    def __init__(
        self,
        store: WebhookStore,
        journal: Journal,
        sender: Sender,
        clock: Clock,
        randomness: Randomness,
        measures: Measures,
    ) -> None:
        self._store = store
        self._journal = journal
        self._sender = sender
        self._clock = clock
        self._randomness = randomness
        self._measures = measures
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._tidy_at = 0
        self._waiting = 0

    def waiting(self) -> int:
        """Return how many deliveries waited when this node last counted them."""
        return self._waiting

    async def round(self, now: int) -> None:
        """Begin what is due at `now` (microseconds UTC), without waiting for any answer."""
        self._lanes = {hook: lane for hook, lane in self._lanes.items() if not lane.done()}
        for hook in await self._store.due(now):
            if hook.id not in self._lanes:
                self._lanes[hook.id] = asyncio.create_task(self._lane(hook), name=f"webhook-{hook.slug}")
        if now >= self._tidy_at:
            self._tidy_at = now + _TIDY_EVERY
            await self._tidy(now)

    async def close(self) -> None:
        """Begin nothing more, and let go of what has no answer yet: it is tried again."""
        lanes = list(self._lanes.values())
        for lane in lanes:
            lane.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)

    async def _tidy(self, now: int) -> None:
        counts = await self._store.counts()
        self._waiting = sum(count for (_, state), count in counts.items() if state is DeliveryState.WAITING)
        if await self._store.all() or counts:
            over = ForgetDeliveries(now - KEPT_DELIVERED, now - KEPT_FAILED, now)
            await self._journal.submit(Outcome(None, writes=(over,)))

    async def _lane(self, hook: Webhook) -> None:
        """Try what is due for one webhook, one after the other."""
        try:
            for _ in range(_AT_ONCE):
                delivery = await self._store.next_due(hook.id, self._clock.now())
                if delivery is None:
                    return
                await self._try(hook, delivery)
        except (StoreError, Overloaded, WriterStopped) as error:
            _log.warning("what waits for the webhook %s is tried again later: %s", hook.slug, error)
        except Exception:  # noqa: BLE001  (whatever one webhook does, the others go on)
            _log.exception("the webhook %s failed in a way that nobody foresaw", hook.slug)

    async def _try(self, hook: Webhook, delivery: Delivery) -> None:
        now = self._clock.now()
        mine = TakeDelivery(delivery.event, hook.id, delivery.attempts, now + LEASE)
        if isinstance(await self._journal.submit(Outcome(None, (mine,))), Lost):
            return
        attempt = await self._sender.send(hook, delivery.event, delivery.body, now)
        settled = self._settled(delivery, attempt)
        await self._journal.submit(Outcome(None, writes=(settled,)))
        outcome = "retried" if settled.state is DeliveryState.WAITING else settled.state.value
        self._measures.delivered(outcome)
        if settled.state is DeliveryState.FAILED:
            _log.error("webhook %s was not told of %s: given up", hook.slug, delivery.event)

    def _settled(self, delivery: Delivery, attempt: Attempt) -> SettleDelivery:
        now, attempts = self._clock.now(), delivery.attempts + 1
        again = None if attempt.delivered else next_attempt(attempts, now, self._randomness.bytes(4))
        state = DeliveryState.DELIVERED if attempt.delivered else DeliveryState.FAILED
        if again is not None:
            state = DeliveryState.WAITING
        return SettleDelivery(
            event=delivery.event,
            webhook=delivery.webhook,
            attempts=attempts,
            state=state,
            due_at=now if again is None else again,
            status=attempt.status,
            failure=attempt.failure,
            at=now,
        )
