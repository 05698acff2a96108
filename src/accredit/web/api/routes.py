"""Routes that are built once for the whole process: the node that a request is for comes with the request."""

import inspect
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Annotated, Any, Final, Protocol

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from accredit.service.problem import Crossed
from accredit.web.api.services import Services

_AGAIN: Final = 4
"""How often a request that crossed another one is carried out again before it is told so."""


class ForNode:
    """The application as one node serves it: requests bring the services of that node."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        await self._app({**scope, "state": {**scope.get("state", {}), "services": self._services}}, receive, send)


def services_of(request: Request) -> Services:
    """Return the services of the node that a request is for."""
    found = request.scope["state"]["services"]
    if not isinstance(found, Services):
        raise TypeError("this request is for no node")
    return found


class Noun(Protocol):
    """A class of handlers. Each request gets an instance of its own, with the services of its node."""

    def __init__(self, services: Services) -> None: ...

    @classmethod
    def router(cls) -> APIRouter:
        """Return the routes."""
        ...


class Routes(APIRouter):
    """The routes of one noun; their endpoints are methods of its class."""

    def __init__(self, noun: type[Noun], prefix: str = "", tag: str = "") -> None:
        super().__init__(prefix=prefix, tags=[tag or prefix.removeprefix("/")])
        self._noun = noun

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **more: Any) -> None:
        """Add a route that calls `endpoint` on an instance of the noun."""
        super().add_api_route(path, _on_instance(self._noun, endpoint), **more)


def _on_instance(noun: type[Noun], method: Callable[..., Any]) -> Callable[..., Any]:
    """Return `method` as a function that FastAPI can read: its `self` is made of the services of the request.

    What crossed another change is done again: everything is read anew, and judged anew, before it is.
    """

    def instance(request: Request) -> Noun:
        return noun(services_of(request))

    @wraps(method)
    async def handler(**given: Any) -> Any:
        for _ in range(_AGAIN):
            with suppress(Crossed):
                return await method(**given)
        return await method(**given)

    first, *others = inspect.signature(method).parameters.values()
    made = Annotated[noun, Depends(instance)]  # type: ignore[valid-type]
    itself = first.replace(annotation=made, kind=inspect.Parameter.KEYWORD_ONLY)
    named = [item.replace(kind=inspect.Parameter.KEYWORD_ONLY) for item in others]
    handler.__signature__ = inspect.signature(method).replace(parameters=[itself, *named])  # type: ignore[attr-defined]
    return handler
