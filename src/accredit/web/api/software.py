"""The emergency brake for a software over the management API: whom it would stop, what is denied, deny and lift."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AfterValidator, Field, StringConstraints

from accredit.identity import software, times
from accredit.identity.denial import SoftwareDenial
from accredit.identity.software import Software
from accredit.web.api.fields import Body, Text, View, example
from accredit.web.api.permissions import Who
from accredit.web.api.routes import Routes
from accredit.web.api.services import Services

SoftwareText = Annotated[
    str,
    StringConstraints(max_length=software.LONGEST, pattern=r"^[!-~]*$"),
    AfterValidator(software.text),
]
"""What a software or its version is called (RFC 7591, 2): visible ASCII."""

SoftwareId = Annotated[
    str,
    StringConstraints(min_length=1, max_length=software.LONGEST, pattern=r"^[!-~]+$"),
    AfterValidator(software.text),
]
"""What a software is called, and not empty."""


class SoftwareQuery(Body):
    """A software, in one version or in every one."""

    software_id: SoftwareId = Field(description="The `software_id` that clients declare.")
    software_version: SoftwareText = Field("", description="One version; left out, every one.")

    def software(self) -> Software:
        """Return what is meant as the services know it."""
        return Software(self.software_id, self.software_version)


class SoftwareLiftBody(Body):
    """A software as it was denied: in one version, or in every one."""

    model_config = example(software_id="acme-cli")

    software_id: SoftwareId
    software_version: SoftwareText = ""

    def software(self) -> Software:
        """Return what is meant as the services know it."""
        return Software(self.software_id, self.software_version)


class SoftwareDenialBody(SoftwareLiftBody):
    """The same, and why."""

    model_config = example(software_id="acme-cli", reason="Sends what it reads elsewhere")

    reason: Text = ""


class SoftwareDenialView(View):
    """A software that is denied to everybody; an empty version stands for all of them."""

    software_id: str
    software_version: str
    at: str | None
    by: str
    reason: str


class SoftwareDenialList(View):
    """All software that is denied, by id and version."""

    items: list[SoftwareDenialView]


class ConcernedView(View):
    """Whom the denial of a software stops.

    Its clients, the servers on which they hold roles now, and how many processes of guards are in front of those.
    """

    clients: list[str]
    servers: list[str]
    guards: int


class SoftwareApi:
    """The handlers of `/software`."""

    def __init__(self, services: Services) -> None:
        self._denials = services.software

    @classmethod
    def router(cls) -> APIRouter:
        """Return the routes."""
        found = Routes(cls, "/software")
        found.add_api_route("/concerned", cls.concerned, methods=["GET"])
        found.add_api_route("/denials", cls.list_denials, methods=["GET"])
        found.add_api_route("/denials", cls.deny, methods=["POST"])
        found.add_api_route("/denials/lift", cls.lift, methods=["POST"], status_code=204)
        return found

    async def concerned(self, wanted: Annotated[SoftwareQuery, Query()]) -> ConcernedView:
        """Tell whom the denial of a software would stop, and change nothing."""
        found = await self._denials.concerned(wanted.software())
        clients = [holder.render() for holder in found.clients]
        return ConcernedView(clients=clients, servers=list(found.servers), guards=found.guards)

    async def list_denials(self) -> SoftwareDenialList:
        """List the software that is denied."""
        return SoftwareDenialList(items=[_view(one) for one in self._denials.all()])

    async def deny(self, who: Who, body: SoftwareDenialBody) -> SoftwareDenialView:
        """Stop every client of a software, above all roles, until it is lifted; guards hear of it at once."""
        return _view(await self._denials.deny(body.software(), body.reason, who.name))

    async def lift(self, who: Who, body: SoftwareLiftBody) -> None:
        """Let the clients of a software get tokens again."""
        await self._denials.lift(body.software(), who.name)


def _view(found: SoftwareDenial) -> SoftwareDenialView:
    return SoftwareDenialView(
        software_id=found.software.id,
        software_version=found.software.version,
        at=times.render(found.at),
        by=found.by,
        reason=found.reason,
    )
