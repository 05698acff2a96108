"""The state of this node over the management API."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from fastapi import APIRouter

from accredit.identity.agent import Agent
from accredit.identity.application import Application
from accredit.identity.principal import Principal
from accredit.service import modes
from accredit.web.api.fields import View
from accredit.web.api.routes import Routes
from accredit.web.api.services import Services
from accredit_sdk.decision import Mode

_PAGE = 1000

Item = TypeVar("Item")


class CountsView(View):
    """How many there are of each noun; built-in servers do not count."""

    servers: int
    roles: int
    agents: int
    applications: int
    guards: int


class NotEnforcingView(View):
    """A server that does not simply enforce its policy, and what it does instead."""

    server: str
    mode: Mode


class StatusView(View):
    """What this node is, and how much it manages. `not_enforcing` should be empty, or not be so for long."""

    issuer: str
    version: str
    database: str
    counts: CountsView
    not_enforcing: list[NotEnforcingView]


class StatusApi:
    """The handler of `/status`."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @classmethod
    def router(cls) -> APIRouter:
        """Return the route."""
        found = Routes(cls, tag="status")
        found.add_api_route("/status", cls.show, methods=["GET"])
        return found

    async def show(self) -> StatusView:
        """Show what this node is."""
        known = self._services
        counts = CountsView(
            servers=sum(not server.builtin for server in known.servers.all()),
            roles=len(known.roles.all()),
            agents=await _count(known.agents.page, _slug),
            applications=await _count(known.applications.page, _slug),
            guards=await _count(known.guards.page, _guard_slug),
        )
        return StatusView(
            issuer=known.issuer,
            version=known.version,
            database=known.database,
            counts=counts,
            not_enforcing=[
                NotEnforcingView(server=server.slug, mode=server.mode) for server in modes.relaxed(known.servers.all())
            ],
        )


async def _count(page: Callable[[str, int], Awaitable[Sequence[Item]]], slug: Callable[[Item], str]) -> int:
    total, after = 0, ""
    while found := await page(after, _PAGE):
        total += len(found)
        after = slug(found[-1])
    return total


def _slug(found: Agent | Application) -> str:
    return found.client.slug


def _guard_slug(guard: Principal) -> str:
    return guard.client.slug
