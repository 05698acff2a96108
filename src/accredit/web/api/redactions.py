"""Persons are taken out of the audit log over the management API."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from accredit.audit.redact import SHORTEST
from accredit.web.api.fields import Body, View, example
from accredit.web.api.permissions import Who
from accredit.web.api.routes import Routes
from accredit.web.api.services import Services


class Person(Body):
    """Whom to redact: an id, an agent, `app:NAME`, an address, any name of at least three characters."""

    model_config = example(subject="someone@example.com")

    subject: Annotated[str, StringConstraints(min_length=SHORTEST, max_length=500)] = Field(
        description="Whom: an id, an agent, app:NAME, an address, any name."
    )


class RedactedView(View):
    """How many records have lost their person part."""

    records: int


class RedactionApi:
    """The handler of `/redactions`."""

    def __init__(self, services: Services) -> None:
        self._redaction = services.redaction

    @classmethod
    def router(cls) -> APIRouter:
        """Return the route."""
        found = Routes(cls, "/redactions")
        found.add_api_route("", cls.redact, methods=["POST"])
        return found

    async def redact(self, who: Who, wanted: Person) -> RedactedView:
        """Take the person part from every record that names them. It cannot be undone; the chains still hold."""
        return RedactedView(records=await self._redaction.redact(wanted.subject, who.name))
