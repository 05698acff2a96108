"""Past calls under a changed policy, over the management API: what a file would have refused or let through."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from accredit.identity import times
from accredit.identity.server import TargetKind
from accredit.oauth.question import Topic
from accredit.oauth.replay import Effect
from accredit.service.calls import Calls
from accredit.service.replays import Replays
from accredit.web.api.fields import CURSOR, Instant, View, example
from accredit.web.api.manifests import PlanBody
from accredit.web.api.routes import Routes
from accredit.web.api.services import Services

Cursor = Annotated[str, StringConstraints(pattern=r"^[0-9.-]{1,80}$")]
"""Where a page of the log ended."""


class ReplayBody(PlanBody):
    """A file, and the time from which on past calls are judged by it; page by page, with `cursor`."""

    model_config = example(
        document={"accredit": 1, "roles": {"reader": {"scopes": {"ledger": ["ledger:read"]}}}},
        since="2030-01-01T00:00:00Z",
    )

    since: Instant
    cursor: Cursor | None = Field(None, description=CURSOR)


class TurnedView(View):
    """A use of a tool that the file would turn: how often it occurred, when last, and what is in its way."""

    client: str
    server: str
    kind: TargetKind
    tool: str
    effect: Effect
    because: list[Topic]
    calls: int
    last: str | None


class ReplayPage(View):
    """What the file would turn among the `looked_at` decisions of this page, newest first.

    `passed_over` counts the calls of uses beyond what one page can tell apart. A `fingerprint` that is another one than
    on the page before says that the state has changed meanwhile: begin again.
    """

    fingerprint: str
    items: list[TurnedView]
    looked_at: int
    passed_over: int
    next: str | None


class ReplayApi:
    """The handler of `/replay`."""

    def __init__(self, services: Services) -> None:
        calls = Calls(services.audit)
        self._replays = Replays(services.issuer, services.directory, services.manifests, calls, services.clock)

    @classmethod
    def router(cls) -> APIRouter:
        """Return the route."""
        found = Routes(cls, tag="replays")
        found.add_api_route("/replay", cls.replay, methods=["POST"])
        return found

    async def replay(self, body: ReplayBody) -> ReplayPage:
        """Judge past calls as things are and as the file wants them, and tell where that differs. Changes nothing.

        The log holds no arguments, so what depends on them cannot be judged.
        """
        found = await self._replays.replay(body.document, prune=body.prune, since=body.since, cursor=body.cursor)
        items = [
            TurnedView(
                client=found.parties[one.use.client].name,
                server=one.use.server,
                kind=one.use.kind,
                tool=one.use.name,
                effect=one.effect,
                because=list(one.because),
                calls=one.count.calls,
                last=times.render(one.count.last),
            )
            for one in found.turned
        ]
        return ReplayPage(
            fingerprint=found.fingerprint,
            items=items,
            looked_at=found.past.looked_at,
            passed_over=found.past.tally.passed_over,
            next=found.past.next,
        )
