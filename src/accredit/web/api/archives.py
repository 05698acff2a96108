"""Old records leave the database for the archive over the management API."""

from fastapi import APIRouter
from pydantic import Field

from accredit.web.api.fields import Body, View
from accredit.web.api.permissions import Who
from accredit.web.api.routes import Routes
from accredit.web.api.services import Services

_LONGEST = 100 * 365 * 24 * 3600


class Wanted(Body):
    """What to archive: everything that is older than so many seconds."""

    older_than: int = Field(ge=0, le=_LONGEST, description="Seconds since a record was made.")


class ArchivedView(View):
    """The file that was made in the archive, null when nothing is old enough, and how many records are in it."""

    file: str | None
    records: int


class ArchiveApi:
    """The handler of `/archives`."""

    def __init__(self, services: Services) -> None:
        self._archives = services.archives
        self._clock = services.clock

    @classmethod
    def router(cls) -> APIRouter:
        """Return the route."""
        found = Routes(cls, "/archives")
        found.add_api_route("", cls.archive, methods=["POST"])
        return found

    async def archive(self, who: Who, wanted: Wanted) -> ArchivedView:
        """Move the oldest records into the archive, at most one file full; call again while a file is made."""
        found = await self._archives.archive(self._clock.now() - wanted.older_than * 1_000_000, who.name)
        return ArchivedView(file=found.file, records=found.records)
