"""Old records leave the database for the archive over the management API."""

from fastapi import APIRouter
from pydantic import Field

from accredit.web.api.fields import Body, Instant, View, example
from accredit.web.api.permissions import Who
from accredit.web.api.routes import Routes
from accredit.web.api.services import Services


class Threshold(Body):
    """What to archive: everything from before a moment."""

    model_config = example(before="2026-01-01T00:00:00Z")

    before: Instant = Field(description="Records from before this time.")


class ArchivedView(View):
    """The file that was made in the archive, null when nothing is old enough, and how many records are in it."""

    file: str | None
    records: int


class ArchiveApi:
    """The handler of `/archives`."""

    def __init__(self, services: Services) -> None:
        self._archives = services.archives

    @classmethod
    def router(cls) -> APIRouter:
        """Return the route."""
        found = Routes(cls, "/archives")
        found.add_api_route("", cls.archive, methods=["POST"])
        return found

    async def archive(self, who: Who, wanted: Threshold) -> ArchivedView:
        """Move the oldest records into the archive, at most one file full; call again while a file is made."""
        found = await self._archives.archive(wanted.before, who.name)
        return ArchivedView(file=found.file, records=found.records)
