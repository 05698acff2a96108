"""The entrances to the application: it is built once for the process, and serves every node and every door."""

from dataclasses import dataclass
from typing import Protocol

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from accredit.identity.management import Authority
from accredit.web.api.services import Services


class Door(Protocol):
    """Where a request comes in, and whom it lets in."""

    @property
    def metadata(self) -> str | None:
        """Return the address that a challenge names, or None where nobody is challenged."""
        ...

    async def judge(self, scope: Scope) -> Authority | Response:
        """Return what the caller may do, or the answer that turns them away. The body is not read before."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """An entrance to the application: through which door, and to the services of which node."""

    app: ASGIApp
    door: Door
    services: Services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Show the request in."""
        await self.app({**scope, "state": {**scope.get("state", {}), "entry": self}}, receive, send)


def entry(scope: Scope) -> Entry:
    """Return the entrance through which a request came."""
    found = scope["state"]["entry"]
    if not isinstance(found, Entry):
        raise TypeError("this request came in through no door")
    return found
