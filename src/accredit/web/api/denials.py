"""The emergency brake over the management API: what nobody may use until it is lifted, whatever roles say."""

from fastapi import APIRouter

from accredit.identity.server import TargetKind
from accredit.web.api.fields import Body, Slug, Text, example
from accredit.web.api.permissions import Who
from accredit.web.api.routes import Routes
from accredit.web.api.servers import ServerView, ToolName, view
from accredit.web.api.services import Services
from accredit_sdk.policy import WHOLE


class LiftBody(Body):
    """What is denied: the tool (or what `kind` says) of that name; without a name, the server as a whole."""

    model_config = example(name="purge_ledger")

    name: ToolName | None = None
    kind: TargetKind = TargetKind.TOOL

    def target(self) -> tuple[str, str]:
        """Return what is meant as the services know it."""
        return WHOLE if self.name is None else (self.kind.value, self.name)


class DenialBody(LiftBody):
    """The same, and why."""

    model_config = example(name="purge_ledger", reason="Deletes more than it says")

    reason: Text = ""


class DenialApi:
    """The handlers of `/servers/{slug}/denials`."""

    def __init__(self, services: Services) -> None:
        self._denials = services.denials

    @classmethod
    def router(cls) -> APIRouter:
        """Return the routes."""
        found = Routes(cls, "/servers/{slug}/denials", "denials")
        found.add_api_route("", cls.deny, methods=["POST"])
        found.add_api_route("/lift", cls.lift, methods=["POST"])
        return found

    async def deny(self, who: Who, slug: Slug, body: DenialBody) -> ServerView:
        """Let nobody use it until it is lifted; the guards of the server hear of it at once."""
        return view(await self._denials.deny(slug, body.target(), body.reason, who.name))

    async def lift(self, who: Who, slug: Slug, body: LiftBody) -> ServerView:
        """Let roles decide again."""
        return view(await self._denials.lift(slug, body.target(), who.name))
