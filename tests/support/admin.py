"""A node in this process, and its management API without a socket in between."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from accredit import app, config
from accredit.ports.fetch import Fetch
from accredit.testing.serving import MovingClock
from accredit_sdk import keys
from accredit_sdk.jws import Algorithm
from tests.support import migrated

RESOURCE = "http://127.0.0.1:9000/mcp"


@dataclass(frozen=True, slots=True)
class Admin:
    """The API's client, the node behind it, and its clock."""

    http: httpx2.AsyncClient
    node: app.Node
    clock: MovingClock

    async def ok(self, method: str, where: str, **more: Any) -> Any:
        """Return the answer to a request that must succeed. A change is one of whatever is there now."""
        answer = await self.http.request(method, where, **_whatever(method, more))
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def refused(self, method: str, where: str, **more: Any) -> tuple[int, str]:
        """Return status and kind of the problem with which a request must be refused."""
        answer = await self.http.request(method, where, **_whatever(method, more))
        assert answer.headers["content-type"] == "application/problem+json", answer.text
        problem = answer.json()
        assert problem["status"] == answer.status_code
        assert problem["detail"]
        return answer.status_code, problem["type"].removeprefix("urn:accredit:problem:")

    async def ledger(self, name: str = "ledger", resource: str = RESOURCE) -> Any:
        """Register a server with two scopes and two tools."""
        body = {
            "slug": name,
            "resource": resource,
            "scopes": [{"word": "ledger:read", "description": "Read"}, {"word": "ledger:purge"}],
            "tools": [
                {"name": "list_invoices", "needs": ["ledger:read"], "read_only": True},
                {"name": "purge_ledger", "needs": ["ledger:purge"], "destructive": True},
            ],
            "default_scopes": ["ledger:read"],
        }
        return await self.ok("POST", "/servers", json=body)


def _whatever(method: str, more: dict[str, Any]) -> dict[str, Any]:
    return (
        more if method not in ("PUT", "PATCH", "DELETE") or "headers" in more else more | {"headers": {"If-Match": "*"}}
    )


@asynccontextmanager
async def administration(
    folder: Path,
    database: str | None = None,
    clock: MovingClock | None = None,
    outside: Fetch | None = None,
    **given: Any,
) -> AsyncIterator[Admin]:
    """Run a node until the block ends. `given` are further settings."""
    clock = clock or MovingClock()
    settings = config.load(data=folder, issuer="http://127.0.0.1:8700", database=database, **given)
    if database is None:
        migrated.furnish(folder)
    async with app.node(settings, clock, fetch=outside) as node:
        transport = httpx2.ASGITransport(app=node.admin, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://accredit/api/v1") as http:
            yield Admin(http, node, clock)


Token = Callable[..., Awaitable[httpx2.Response]]
"""Asks the token endpoint of a node."""


def tokens(admin: Admin) -> Token:
    """Return a function that asks the node's token endpoint, as an agent would."""

    async def ask(client_id: str, secret: str, scope: str = "", resource: str = RESOURCE) -> httpx2.Response:
        form = {"grant_type": "client_credentials", "resource": resource, "scope": scope}
        transport = httpx2.ASGITransport(app=admin.node.public)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8700") as http:
            return await http.post("/token", data=form, auth=(client_id, secret))

    return ask


async def key_set(admin: Admin) -> httpx2.Response:
    """Return the key set of the node, from where its metadata says that it is."""
    transport = httpx2.ASGITransport(app=admin.node.public)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8700") as http:
        where = (await http.get("/.well-known/oauth-authorization-server")).json()["jwks_uri"]
        return await http.get(where)


async def enrolled(admin: Admin, name: str, server: str = "ledger") -> str:
    """Enrol a guard of a server, as its own process would, and return its id."""
    code = (await admin.ok("POST", f"/servers/{server}/enrolments", json={"name": name}))["code"]
    jwk = keys.public_jwk(keys.generate(Algorithm.ES256).verifying())
    transport = httpx2.ASGITransport(app=admin.node.public)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8700") as http:
        answer = await http.post("/guard/v1/enrol", json={"code": code, "jwk": jwk})
    assert answer.status_code == 201
    return str(answer.json()["client_id"])
