"""Webhooks over the management API: who outside is told what ends, what was rotated, what was denied to everybody."""

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response
from pydantic import AfterValidator, Field, WithJsonSchema

from accredit.identity import times
from accredit.identity.credential import resembles
from accredit.identity.web_address import LONGEST, parse
from accredit.identity.webhook import SUBSCRIBED, Delivery, DeliveryState, Webhook, WebhookKind
from accredit.service.webhooks import NewWebhook
from accredit.web.api.fields import Body, Page, Slug, View, example
from accredit.web.api.idempotency import Repeatable, once
from accredit.web.api.permissions import Who
from accredit.web.api.preconditions import IfMatch, check, tagged
from accredit.web.api.routes import Routes
from accredit.web.api.services import Services

_KINDS: Final = sorted(kind.value for kind in SUBSCRIBED)


def _address(text: str) -> str:
    if resembles(text):
        raise ValueError("looks as if it held a secret of ours; no address holds one")
    parse(text)
    return text


def _kind(text: str) -> WebhookKind:
    if text not in _KINDS:
        raise ValueError(f"must be one of {', '.join(_KINDS)}")
    return WebhookKind(text)


Address = Annotated[
    str,
    AfterValidator(_address),
    WithJsonSchema(
        {"type": "string", "maxLength": LONGEST, "pattern": r"^https://[a-z0-9-]+(\.[a-z0-9-]+)*/[a-z0-9/-]*$"}
    ),
]
"""Where a webhook is told: https, a host in lower case, no user, no fragment."""

Kind = Annotated[str, AfterValidator(_kind), WithJsonSchema({"type": "string", "enum": _KINDS})]
"""What a webhook can be told of."""


class WebhookBody(Body):
    """A new webhook. Without kinds it is told of everything."""

    model_config = example(slug="pager", url="https://hooks.example.com/accredit", kinds=["credential.expiring"])

    slug: Slug
    url: Address
    kinds: Annotated[tuple[Kind, ...], Field(max_length=len(_KINDS))] = ()


class WebhookView(View):
    """A webhook, and what it is told of."""

    id: str
    slug: str
    url: str
    kinds: list[str]
    created_at: str | None
    created_by: str


class NewWebhookView(WebhookView):
    """A new webhook with its signing secret, which is shown this once; null when the request is repeated."""

    secret: str | None


class WebhookSummary(WebhookView):
    """A webhook in a list. `waiting` and `failed` count what is to be sent, and what could not be within the last week.

    `lost` counts what found no place in the queue since the webhook is there.
    """

    waiting: int
    failed: int
    lost: int


class DeliveryView(View):
    """What a webhook was told, or is to be. `status` is that of the last answer, null for none; `failure` says why."""

    event: str
    kind: str
    state: DeliveryState
    attempts: int
    status: int | None
    failure: str | None
    created_at: str | None
    next_at: str | None
    ended_at: str | None


class WebhookDetail(WebhookSummary):
    """A webhook with its newest deliveries."""

    deliveries: list[DeliveryView]


class WebhookPage(View):
    """Webhooks by slug; `next` is the cursor of the page that follows, or null."""

    items: list[WebhookSummary]
    next: str | None


class AttemptView(View):
    """What came of an attempt: the status of the answer, or why there is none."""

    webhook: str
    delivered: bool
    status: int | None
    failure: str | None


class WebhookApi:
    """The handlers of `/webhooks`."""

    def __init__(self, services: Services) -> None:
        self._webhooks = services.webhooks

    @classmethod
    def router(cls) -> APIRouter:
        """Return the routes."""
        found = Routes(cls, "/webhooks")
        found.add_api_route("", cls.list_webhooks, methods=["GET"])
        found.add_api_route("", cls.add, methods=["POST"], status_code=201)
        found.add_api_route("/{slug}", cls.show, methods=["GET"])
        found.add_api_route("/{slug}", cls.remove, methods=["DELETE"], status_code=204)
        found.add_api_route("/{slug}/test", cls.test, methods=["POST"])
        return found

    async def list_webhooks(self, page: Annotated[Page, Query()]) -> WebhookPage:
        """List webhooks."""
        found = [hook for hook in await self._webhooks.all() if hook.slug > page.cursor]
        shown = found[: page.limit]
        following = shown[-1].slug if len(found) > len(shown) else None
        counts = await self._webhooks.counts()
        return WebhookPage(items=[_summary(hook, counts) for hook in shown], next=following)

    async def add(self, who: Who, body: WebhookBody, asked: Repeatable = None) -> NewWebhookView:
        """Tell an address of what happens, from now on. The answer holds the signing secret, this once."""

        def shown(made: NewWebhook) -> NewWebhookView:
            return NewWebhookView(**dict(_view(made.webhook)), secret=made.secret)

        kinds = [WebhookKind(kind) for kind in body.kinds]
        return shown(await self._webhooks.add(body.slug, body.url, kinds, who.name, once(asked, shown)))

    async def show(self, slug: Slug, response: Response) -> WebhookDetail:
        """Show a webhook with what it was told of late, and what it could not be told."""
        hook = await self._webhooks.get(slug)
        tagged(response, _view(hook))
        deliveries = [_delivery(item) for item in await self._webhooks.newest(hook)]
        return WebhookDetail(**dict(_summary(hook, await self._webhooks.counts())), deliveries=deliveries)

    async def remove(self, who: Who, slug: Slug, match: IfMatch = None) -> None:
        """Tell a webhook nothing any more. Its secret is gone, and so is what waited for it."""
        hook = await self._webhooks.get(slug)
        check(match, _view(hook))
        await self._webhooks.remove(hook, who.name)

    async def test(self, who: Who, slug: Slug) -> AttemptView:
        """Send a test event now, once, and tell what was answered."""
        hook = await self._webhooks.get(slug)
        found = await self._webhooks.test(hook, who.name)
        return AttemptView(
            webhook=slug, delivered=found.delivered, status=found.status or None, failure=found.failure or None
        )


def _summary(hook: Webhook, counts: Mapping[tuple[str, DeliveryState], int]) -> WebhookSummary:
    return WebhookSummary(
        **dict(_view(hook)),
        waiting=counts.get((hook.id, DeliveryState.WAITING), 0),
        failed=counts.get((hook.id, DeliveryState.FAILED), 0),
        lost=hook.lost,
    )


def _view(hook: Webhook) -> WebhookView:
    return WebhookView(
        id=hook.id,
        slug=hook.slug,
        url=hook.url,
        kinds=sorted(kind.value for kind in hook.kinds),
        created_at=times.render(hook.created_at),
        created_by=hook.created_by,
    )


def _delivery(item: Delivery) -> DeliveryView:
    waits = item.state is DeliveryState.WAITING
    return DeliveryView(
        event=item.event,
        kind=item.kind.value,
        state=item.state,
        attempts=item.attempts,
        status=item.status or None,
        failure=item.failure or None,
        created_at=times.render(item.created_at),
        next_at=times.render(item.due_at) if waits else None,
        ended_at=times.render(item.ended_at),
    )
