"""The search tables of the audit log are made anew over the management API."""

from fastapi import APIRouter

from accredit.web.api.fields import View
from accredit.web.api.permissions import Who
from accredit.web.api.routes import Routes
from accredit.web.api.services import Services


class ReindexingView(View):
    """How many records cannot be found until the search tables are filled again."""

    records: int


class ReindexingApi:
    """The handler of `/reindexings`."""

    def __init__(self, services: Services) -> None:
        self._reindexing = services.reindexing

    @classmethod
    def router(cls) -> APIRouter:
        """Return the route."""
        found = Routes(cls, "/reindexings")
        found.add_api_route("", cls.reindex, methods=["POST"])
        return found

    async def reindex(self, who: Who) -> ReindexingView:
        """Empty the search tables; they fill again by themselves. `behind` in a search tells how far they are."""
        return ReindexingView(records=(await self._reindexing.reindex(who.name)).records)
