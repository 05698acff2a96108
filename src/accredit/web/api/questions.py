"""Questions over the management API: would this client be allowed to use that tool, and if not, what would help."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AfterValidator, Field, StringConstraints

from accredit.identity import times
from accredit.identity.role_change import Way
from accredit.identity.server import TargetKind
from accredit.oauth.question import Topic
from accredit.service.questions import Asked, Questions, Told
from accredit.web.api.fields import Body, Instant, Slug, View
from accredit.web.api.permissions import Who
from accredit.web.api.routes import Routes
from accredit.web.api.services import Services
from accredit_sdk.decision import Mode


def _visible(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be one line of visible characters")
    return text


Named = Annotated[str, StringConstraints(min_length=1, max_length=256), AfterValidator(_visible)]
"""A name, as whoever gave it spells it."""


class Wanted(Body):
    """Who would use what, and when; without `at`, now."""

    client: Named = Field(description="The client that would use it: a slug or a `client_id`.")
    tool: Named = Field(description="What it would use, as the server spells it.")
    kind: TargetKind = Field(TargetKind.TOOL, description="What the name stands for.")
    at: Instant | None = Field(None, description="When it would; left out: now.")


class FactorView(View):
    """One thing that has to hold: whether it does, and if not, what would change it and who can."""

    factor: Topic
    holds: bool
    scopes: list[str]
    why: str
    remedy: str
    who: str


class ShareView(View):
    """A role of the client: what it carries on the server, until when, and whether it counts."""

    role: str
    scopes: list[str]
    ends_at: str | None
    counts: bool


class WayView(View):
    """A change of roles that would help; `opens` and `elsewhere` count what else it would let the client do."""

    way: Way
    role: str | None
    scopes: list[str]
    opens: int
    elsewhere: int
    command: str


class AnswerView(View):
    """What would be decided, every factor of it, and the smallest changes of roles that would allow it.

    `observed`: it would be let through only because the server does not enforce.
    """

    allowed: bool
    observed: bool
    mode: Mode
    client: str
    server: str
    tool: str
    kind: TargetKind
    at: str | None
    sentence: str
    needs: list[str]
    factors: list[FactorView]
    roles: list[ShareView]
    changes: list[WayView]


class QuestionApi:
    """The handler of `/servers/{slug}/explain`."""

    def __init__(self, services: Services) -> None:
        self._questions: Questions = services.questions

    @classmethod
    def router(cls) -> APIRouter:
        """Return the route."""
        found = Routes(cls, tag="questions")
        found.add_api_route("/servers/{slug}/explain", cls.ask, methods=["GET"])
        return found

    async def ask(self, who: Who, slug: Slug, wanted: Annotated[Wanted, Query()]) -> AnswerView:
        """Tell whether a client could use a tool of the server, and change nothing."""
        asked = Asked(wanted.client, slug, wanted.tool, wanted.kind, wanted.at)
        return view(await self._questions.ask(asked, who))


def view(told: Told) -> AnswerView:
    """Return an answer as the API shows it."""
    matter, answer = told.matter, told.answer
    return AnswerView(
        allowed=answer.allowed,
        observed=answer.observed,
        mode=matter.server.mode,
        client=matter.client,
        server=matter.server.slug,
        tool=matter.tool,
        kind=matter.kind,
        at=times.render(matter.now),
        sentence=told.sentence,
        needs=sorted(answer.needs),
        factors=[
            FactorView(
                factor=point.topic,
                holds=point.holds,
                scopes=sorted(point.scopes),
                why=said.why,
                remedy=said.remedy,
                who=said.who,
            )
            for point, said in told.advice
        ],
        roles=[
            ShareView(
                role=one.held.role.slug,
                scopes=sorted(one.scopes),
                ends_at=times.render(one.held.ends_at),
                counts=one.counts,
            )
            for one in answer.shares
        ],
        changes=[
            WayView(
                way=change.way,
                role=change.role.slug if change.role is not None else None,
                scopes=sorted(change.scopes),
                opens=change.opens,
                elsewhere=change.elsewhere,
                command=command,
            )
            for change, command in told.changes
        ],
    )
