"""Decisions over the management API, found by what somebody has in hand: a token's id, or a trace's."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema, model_validator

from accredit.identity import ids, times
from accredit.service.lookup import Lookup
from accredit.web.api.fields import Body, View
from accredit.web.api.permissions import Who
from accredit.web.api.routes import Routes
from accredit.web.api.services import Services

_MOST_SERVERS = 50


def _token_id(text: str) -> str:
    if not ids.is_id(text, "token"):
        raise ValueError("must be the id of a token: tok_ and 26 letters and digits")
    return text


TokenId = Annotated[str, AfterValidator(_token_id), WithJsonSchema({"type": "string", "pattern": "^tok_[a-z0-9]{26}$"})]
"""The id of a token: its `jti`."""


class Sought(Body):
    """What somebody has in hand: the `jti` of a token, or the trace id of a call. One of the two."""

    token: TokenId | None = Field(None, description="The `jti` of a token.")
    trace: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")] | None = Field(
        None, description="The trace id of a call."
    )

    @model_validator(mode="after")
    def one(self) -> "Sought":
        """Raise ValueError unless exactly one is given."""
        if (self.token is None) is (self.trace is None):
            raise ValueError("give `token` or `trace`")
        return self


class FoundView(View):
    """A decision: explain it by its id."""

    decision: str
    at: str | None
    kind: str
    outcome: str


class FoundPage(View):
    """The decisions, oldest first; of a trace the thousand newest."""

    items: list[FoundView]


class DecisionApi:
    """The handler of `/decisions`."""

    def __init__(self, services: Services) -> None:
        self._lookup = Lookup(services.audit)
        self._directory = services.directory

    @classmethod
    def router(cls) -> APIRouter:
        """Return the route."""
        found = Routes(cls, "/decisions")
        found.add_api_route("", cls.find, methods=["GET"])
        return found

    async def find(self, who: Who, sought: Annotated[Sought, Query()]) -> FoundPage:
        """Find decisions. What the caller may not look at is left out, as if it were not there."""
        if sought.token is not None:
            found = await self._lookup.of_token(sought.token, who)
        else:
            own = tuple(server.id for server in self._directory.servers() if who.administers(server.id))
            found = await self._lookup.of_trace(sought.trace or "", None if who.sees_all() else own[:_MOST_SERVERS])
        items = [
            FoundView(decision=item.decision, at=times.render(item.at), kind=item.kind, outcome=item.outcome)
            for item in found
        ]
        return FoundPage(items=items)
