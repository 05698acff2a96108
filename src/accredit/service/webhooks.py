"""Webhooks, as administrators manage them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from accredit.identity import announcing
from accredit.identity import webhook as webhooks
from accredit.identity.changes import AddWebhook, RemoveWebhook
from accredit.identity.sealing import MasterKey
from accredit.identity.slug import SlugError, slug
from accredit.identity.web_address import WebAddressError, parse
from accredit.identity.webhook import MOST, SECRET_BYTES, SUBSCRIBED, Delivery, DeliveryState, Webhook, WebhookKind
from accredit.oauth.outcome import Outcome
from accredit.ports.randomness import Randomness
from accredit.ports.webhooks import WebhookStore
from accredit.service.changes import Changes
from accredit.service.once import Once
from accredit.service.problem import Problem, ProblemCode, not_found, stale, taken
from accredit.service.sending import Attempt, Sender

SHOWN: Final = 20
"""How many deliveries are shown of a webhook."""


@dataclass(frozen=True, slots=True, repr=False)
class NewWebhook:
    """A new webhook with its signing secret, which is shown this once."""

    webhook: Webhook
    secret: str


class Webhooks:
    """Adds, tries and removes webhooks."""

    def __init__(
        self, changes: Changes, store: WebhookStore, sender: Sender, master: MasterKey, randomness: Randomness
    ) -> None:
        self._changes = changes
        self._store = store
        self._sender = sender
        self._master = master
        self._randomness = randomness

    async def all(self) -> tuple[Webhook, ...]:
        """Return every webhook by slug."""
        return await self._store.all()

    async def get(self, name: str) -> Webhook:
        """Return the webhook with that slug. Raises Problem."""
        found = next((hook for hook in await self._store.all() if hook.slug == name), None)
        if found is None:
            raise not_found("webhook", name)
        return found

    async def counts(self) -> Mapping[tuple[str, DeliveryState], int]:
        """Return how many deliveries each webhook (an id) has in each state."""
        return await self._store.counts()

    async def newest(self, hook: Webhook) -> tuple[Delivery, ...]:
        """Return the newest deliveries for a webhook, the last one first."""
        return await self._store.newest(hook.id, SHOWN)

    async def add(
        self, name: str, url: str, kinds: Iterable[WebhookKind], by: str, once: Once[NewWebhook] | None = None
    ) -> NewWebhook:
        """Tell `url` of `kinds` from now on; of none named, of all. Raises Problem."""
        host = self._judged(name, url)
        wanted = frozenset(kinds) or SUBSCRIBED
        if not wanted <= SUBSCRIBED:
            raise Problem(
                ProblemCode.INVALID, f"{WebhookKind.TEST.value} is not subscribed to: it comes when asked for"
            )
        if len(present := await self._store.all()) >= MOST:
            raise Problem(ProblemCode.CONFLICT, f"there are {MOST} webhooks, and that is the most; remove one first")
        if any(hook.slug == name for hook in present):
            raise taken("webhook", name)
        made = self._made(name, url, wanted, by)
        event = self._changes.event(
            "webhook.add", made.webhook.id, by, f"webhook {name}: {host} hears of {_told(wanted)}"
        )
        outcome = Outcome(made, (AddWebhook(made.webhook, self._master.check()),), (), (event,))
        await self._changes.commit(outcome, taken("webhook", name), once)
        return made

    async def remove(self, hook: Webhook, by: str) -> None:
        """Tell a webhook nothing any more; its secret is gone, and so is what waited for it. Raises Problem."""
        event = self._changes.event("webhook.remove", hook.id, by, f"webhook {hook.slug}")
        outcome = Outcome(None, (RemoveWebhook(hook.id),), (), (event,))
        await self._changes.commit(outcome, stale("webhook", hook.slug))

    async def test(self, hook: Webhook, by: str) -> Attempt:
        """Send something now, once, and return what came of it."""
        event = self._changes.event("webhook.test", hook.id, by, f"webhook {hook.slug}")
        await self._changes.commit(Outcome(None, events=(event,)), stale("webhook", hook.slug))
        now = self._changes.clock.now()
        said = announcing.test(self._changes.ids.new("event"), hook.id, hook.slug, now)
        return await self._sender.send(hook, said.id, said.body, now)

    def _judged(self, name: str, url: str) -> str:
        """Return the host of `url`. Raises Problem for one that could never be asked, and for what is no slug."""
        try:
            slug(name)
            where = parse(url)
        except (SlugError, WebAddressError) as error:
            raise Problem(ProblemCode.INVALID, str(error)) from error
        if self._sender.fetch.forbids(where):
            text = f"{where.host} is no public address; the setting fetch_allow names the networks that may be reached"
            raise Problem(ProblemCode.INVALID, text)
        return where.host

    def _made(self, name: str, url: str, kinds: frozenset[WebhookKind], by: str) -> NewWebhook:
        identity, secret = self._changes.ids.new("webhook"), self._randomness.bytes(SECRET_BYTES)
        sealed = self._master.seal(secret, webhooks.seal_context(identity), self._randomness.bytes(12))
        hook = Webhook(identity, name, url, kinds, sealed, self._changes.clock.now(), by)
        return NewWebhook(hook, webhooks.secret_text(secret))


def _told(kinds: frozenset[WebhookKind]) -> str:
    return "everything" if kinds == SUBSCRIBED else ", ".join(sorted(kinds))
