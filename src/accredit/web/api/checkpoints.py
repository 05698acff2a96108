"""Checkpoints of the audit log over the management API, and the keys that verify them."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from accredit.identity import times
from accredit.web.api.fields import CURSOR, Body, Limit, View
from accredit.web.api.routes import Routes
from accredit.web.api.services import Services


class CheckpointView(View):
    """A checkpoint: its number, when it was signed, and the document, a compact JWS (RFC 7515)."""

    number: int
    at: str | None
    document: str


class CheckpointPage(View):
    """Checkpoints in order; `next` is the cursor of the page that follows, or null."""

    items: list[CheckpointView]
    next: str | None


class KeySetView(View):
    """A key set (RFC 7517, 5): the keys of checkpoints of all times."""

    keys: list[dict[str, str]]


class Wanted(Body):
    """Which page is wanted: at most `limit` checkpoints behind the one with the number `cursor`."""

    cursor: int = Field(default=0, ge=0, lt=2**63, description=CURSOR)
    limit: Limit = 50


class CheckpointApi:
    """The handlers of `/checkpoints`."""

    def __init__(self, services: Services) -> None:
        self._checkpoints = services.checkpoints

    @classmethod
    def router(cls) -> APIRouter:
        """Return the routes."""
        found = Routes(cls, "/checkpoints")
        found.add_api_route("", cls.list_checkpoints, methods=["GET"])
        found.add_api_route("/keys", cls.keys, methods=["GET"])
        return found

    async def list_checkpoints(self, wanted: Annotated[Wanted, Query()]) -> CheckpointPage:
        """List the checkpoints that the database still has, oldest first."""
        found = await self._checkpoints.page(wanted.cursor, wanted.limit + 1)
        shown = found[: wanted.limit]
        items = [
            CheckpointView(number=item.number, at=times.render(item.at), document=item.document.decode())
            for item in shown
        ]
        return CheckpointPage(items=items, next=str(shown[-1].number) if len(found) > len(shown) else None)

    async def keys(self) -> KeySetView:
        """Show the keys that verify checkpoints."""
        return KeySetView(keys=list(self._checkpoints.keys()))
