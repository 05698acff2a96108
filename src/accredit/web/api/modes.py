"""Whether a server's policy is enforced, over the management API: observing, and dry runs of another policy."""

from typing import Any

from fastapi import APIRouter, Response

from accredit.identity.server import Tool
from accredit.service.candidates import Candidates
from accredit.web.api import servers
from accredit.web.api.fields import Body, Slug, example
from accredit.web.api.permissions import Who
from accredit.web.api.preconditions import IfMatch, check, tagged
from accredit.web.api.routes import Routes
from accredit.web.api.servers import ServerView
from accredit.web.api.services import Services
from accredit_sdk.decision import Mode


class ModeBody(Body):
    """Whether the policy is enforced. `candidate`: for a dry run, a file that changes this server alone."""

    model_config = example(mode="observe")

    mode: Mode
    candidate: dict[str, Any] | None = None


class ModeApi:
    """The handler of `/servers/{slug}/mode`."""

    def __init__(self, services: Services) -> None:
        self._servers = services.servers
        self._candidates = Candidates(services.manifests)

    @classmethod
    def router(cls) -> APIRouter:
        """Return the route."""
        found = Routes(cls, tag="modes")
        found.add_api_route("/servers/{slug}/mode", cls.put, methods=["PUT"])
        return found

    async def put(self, who: Who, slug: Slug, body: ModeBody, response: Response, match: IfMatch = None) -> ServerView:
        """Enforce the policy, observe what it would refuse, or compare it with a candidate in a dry run."""
        self._check(slug, match)
        candidate: tuple[Tool, ...] = ()
        if body.candidate is not None:
            candidate = await self._candidates.tools(self._servers.get(slug), body.candidate, who)
            self._check(slug, match)
        found = servers.view(await self._servers.put_mode(slug, body.mode, candidate, who.name))
        tagged(response, found)
        return found

    def _check(self, slug: str, match: str | None) -> None:
        check(match, servers.view(self._servers.get(slug)), required=True)
