"""Signing keys over the management API: their lives, and their rotation. Private keys never leave the store."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from accredit.identity import times
from accredit.identity.signing_key import KeyUse, StoredKey
from accredit.web.api.fields import CURSOR, Body, Limit, View
from accredit.web.api.idempotency import Repeatable, once
from accredit.web.api.permissions import Who
from accredit.web.api.routes import Routes
from accredit.web.api.services import Services

Kid = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
"""The id of a key: its thumbprint."""


class KeyView(View):
    """A signing key. It signs since `active_at`; from `gone_at` on nothing that it signed is alive."""

    kid: str
    use: KeyUse
    algorithm: str
    state: str
    created_at: str | None
    active_at: str | None
    gone_at: str | None


class KeyPage(View):
    """Published keys by use and age; `next` is the cursor of the page that follows, or null."""

    items: list[KeyView]
    next: str | None


class Wanted(Body):
    """Which page is wanted: at most `limit` keys that follow the one with the id `cursor`."""

    cursor: Kid | None = Field(None, description=CURSOR)
    limit: Limit = 50


class KeyApi:
    """The handlers of `/keys`."""

    def __init__(self, services: Services) -> None:
        self._keys = services.keys

    @classmethod
    def router(cls) -> APIRouter:
        """Return the routes."""
        found = Routes(cls, "/keys")
        found.add_api_route("", cls.list_keys, methods=["GET"])
        found.add_api_route("/{use}/rotate", cls.rotate, methods=["POST"])
        found.add_api_route("/{kid}/withdraw", cls.withdraw, methods=["POST"])
        return found

    async def list_keys(self, wanted: Annotated[Wanted, Query()]) -> KeyPage:
        """List the published keys. A cursor whose key is published no more begins again."""
        ordered = sorted(self._keys.all(), key=lambda key: (key.use, key.created_at, key.kid))
        ids = [key.kid for key in ordered]
        begin = ids.index(wanted.cursor) + 1 if wanted.cursor in ids else 0
        shown = ordered[begin : begin + wanted.limit]
        more = len(ordered) > begin + len(shown)
        return KeyPage(items=[_view(key) for key in shown], next=shown[-1].kid if more else None)

    async def rotate(self, who: Who, use: KeyUse, asked: Repeatable = None) -> KeyView:
        """Sign with the upcoming key from now on; the present one stays published until its last token is dead."""
        return _view(await self._keys.rotate(use, who.name, once(asked, _view)))

    async def withdraw(self, who: Who, kid: Kid) -> KeyView:
        """Trust nothing any more that this key signed. If it was the active one, the upcoming key signs from now on."""
        return _view(await self._keys.withdraw(kid, who.name))


def _view(key: StoredKey) -> KeyView:
    return KeyView(
        kid=key.kid,
        use=key.use,
        algorithm=key.algorithm.value,
        state=key.state.value,
        created_at=times.render(key.created_at),
        active_at=times.render(key.active_at),
        gone_at=times.render(key.gone_at),
    )
