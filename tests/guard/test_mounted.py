"""Mounted or outermost: the guard finds its endpoint, its metadata and its beginning by itself."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from accredit_sdk import Guard
from accredit_sdk.guard.folder import Folder
from tests.support.authority import FakeAccredit
from tests.support.guarded import call, headers_of

RESOURCE = "https://tools.example/ledger/mcp"
METADATA = "/.well-known/oauth-protected-resource/ledger/mcp"


def _server() -> MCPServer:
    server = MCPServer("Ledger")

    @server.tool()
    def read() -> str:
        return "read it"

    return server


@contextlib.asynccontextmanager
async def _site(folder: Path) -> AsyncIterator[tuple[httpx2.AsyncClient, FakeAccredit]]:
    accredit = FakeAccredit(resource=RESOURCE)
    await accredit.enrol(Folder(folder))
    fetch = accredit.fetch()
    anywhere = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    app = _server().streamable_http_app(json_response=True, stateless_http=True, transport_security=anywhere)
    guard = Guard(app, issuer=accredit.issuer, resource=RESOURCE, folder=folder, clock=accredit.clock, fetch=fetch)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with app.router.lifespan_context(app):
            yield

    outer = Starlette(routes=[Mount("/ledger", guard), Route(METADATA, guard)], lifespan=lifespan)
    async with outer.router.lifespan_context(outer):
        transport = httpx2.ASGITransport(outer)
        async with httpx2.AsyncClient(transport=transport, base_url="https://tools.example") as http:
            yield http, accredit
    await guard._stop()
    await fetch.close()


async def _call(http: httpx2.AsyncClient, message: Any, token: str | None) -> httpx2.Response:
    fields = headers_of(message, token)
    fields["host"] = "tools.example"
    return await http.post("/ledger/mcp", json=message, headers=fields)


async def test_a_mounted_guard_begins_with_its_first_request_and_judges_it(tmp_path: Path) -> None:
    async with _site(tmp_path / "guard") as (http, accredit):
        answer = await _call(http, call(), accredit.token())
        assert answer.status_code == 200
        assert answer.json()["result"]["content"][0]["text"] == "read it"
        assert (await _call(http, call("post"), accredit.token())).status_code == 403
        assert (await _call(http, call(), None)).status_code == 401


async def test_its_metadata_is_where_the_challenge_says_once_it_is_mounted_there_too(tmp_path: Path) -> None:
    async with _site(tmp_path / "guard") as (http, _):
        challenge = (await _call(http, call(), None)).headers["www-authenticate"]
        url = challenge.partition('resource_metadata="')[2].partition('"')[0]
        assert url == f"https://tools.example{METADATA}"
        assert (await http.get(url)).json()["resource"] == RESOURCE
