"""The management API as those who come with a token meet it: on the public listener of a node in this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2

from tests.support.admin import Admin, enrolled, tokens

ISSUER: Final = "http://127.0.0.1:8700"
MANAGEMENT: Final = ISSUER + "/api"
ARCHIVE: Final = "http://127.0.0.1:9001/mcp"
OFFICES: Final[dict[str, dict[str, Any]]] = {
    "root": {"administrator": True},
    "eye": {"auditor": True},
    "ann": {"servers": ["ledger"]},
    "bea": {"servers": ["archive"]},
}
"""Who holds which office: an administrator, an auditor, and the administrators of one server each."""


@dataclass(frozen=True, slots=True)
class Staff:
    """The node, and a client for each who may come in. `secrets` are their ids and secrets."""

    admin: Admin
    clients: dict[str, httpx2.AsyncClient]
    secrets: dict[str, tuple[str, str]] = field(repr=False)

    async def ask(self, name: str, scope: str = "", resource: str = MANAGEMENT) -> httpx2.Response:
        """Ask for a token as the agent with that name."""
        return await tokens(self.admin)(*self.secrets[name], scope, resource)

    async def token(self, name: str, scope: str = "", resource: str = MANAGEMENT) -> str:
        """Return a token of the agent with that name."""
        answer = await self.ask(name, scope, resource)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    async def come(self, token: str, method: str = "GET", where: str = "/servers", **more: Any) -> httpx2.Response:
        """Send a request with `token`."""
        return await self.clients["nobody"].request(
            method, where, headers={"authorization": f"Bearer {token}"} | more.pop("headers", {}), **more
        )

    async def state(self) -> dict[str, Any]:
        """Return all that can be administered, as the local administrator sees it."""
        nouns = ("servers", "roles", "guards", "agents", "applications", "groups", "administrators", "keys", "webhooks")
        found = {noun: (await self.admin.ok("GET", f"/{noun}"))["items"] for noun in nouns}
        shown = [await self.admin.ok("GET", f"/agents/{item['slug']}") for item in found["agents"]]
        shown += [await self.admin.ok("GET", f"/applications/{item['slug']}") for item in found["applications"]]
        shown += [await self.admin.ok("GET", f"/groups/{item['slug']}") for item in found["groups"]]
        return found | {"shown": shown}


def public_client(admin: Admin, **more: Any) -> httpx2.AsyncClient:
    """Return a client of the node's public listener."""
    transport = httpx2.ASGITransport(app=admin.node.public, raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url=MANAGEMENT + "/v1", **more)


async def furnish(admin: Admin) -> dict[str, tuple[str, str]]:
    """Make two servers with a guard and a role each, a role over both, and an agent for each office."""
    await admin.ledger()
    await admin.ledger("archive", ARCHIVE)
    for name, servers in (("reader", ["ledger"]), ("keeper", ["archive"]), ("both", ["archive", "ledger"])):
        scopes = {server: ["ledger:read"] for server in servers}
        await admin.ok("POST", "/roles", json={"slug": name, "scopes": scopes})
    await enrolled(admin, "front-way")
    await enrolled(admin, "back-way", "archive")
    secrets = {}
    for name in (*OFFICES, "bot"):
        made = await admin.ok("POST", "/agents", json={"slug": name, "owner": "dana", "roles": ["both"]})
        secrets[name] = (made["client_id"], made["secret"])
    await admin.ok("POST", "/applications", json={"slug": "portal", "owner": "dana", "roles": ["both"]})
    for name, role in (("readers", "reader"), ("keepers", "keeper"), ("everybody", "both"), ("nobody", "")):
        await admin.ok("POST", "/groups", json={"slug": name})
        if role:
            await admin.ok("PUT", f"/roles/{role}/assignments/group:{name}")
    await admin.ok("POST", "/webhooks", json={"slug": "pager", "url": "https://hooks.invalid/in"})
    for name, office in OFFICES.items():
        await admin.ok("PUT", f"/administrators/{name}", json=office)
    return secrets


@asynccontextmanager
async def staffed(admin: Admin) -> AsyncIterator[Staff]:
    """Furnish the node, and let everybody get a token for all that their office carries."""
    secrets = await furnish(admin)
    clients = {"nobody": public_client(admin)}
    found = Staff(admin, clients, secrets)
    for name in OFFICES:
        scope = "admin audit server" if name == "root" else ""
        header = {"authorization": f"Bearer {await found.token(name, scope)}"}
        clients[name] = public_client(admin, headers=header)
    try:
        yield found
    finally:
        for client in clients.values():
            await client.aclose()
