"""A real node stops and starts again under a guard that is at work: over sockets, with the node's own signatures."""

from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
from mcp import MCPError

from accredit.testing.serving import MovingClock, Served, serve
from accredit_sdk import Guard
from tests.support.clients import connected, text
from tests.support.http import http_client
from tests.support.ledgers import PURGE, READ, Ledger
from tests.support.served import listening, served
from tests.support.until import eventually

SCOPE = f"{READ} {PURGE}"


async def administer(node: Served, method: str, where: str, **more: Any) -> Any:
    """Ask the management API of a node, as its local administrator."""
    transport = httpx2.AsyncHTTPTransport(uds=str(node.socket))
    async with httpx2.AsyncClient(transport=transport, base_url="http://accredit/api/v1") as http:
        answer = await http.request(method, where, **more)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


async def furnish(node: Served, resource: str) -> tuple[dict[str, Any], str]:
    """Register the ledger and an agent that may do everything; return the agent, and a code for the guard."""
    tools = [
        {"name": "read", "needs": [READ], "read_only": True},
        {"name": "purge", "needs": [PURGE], "destructive": True},
    ]
    scopes = [{"word": READ}, {"word": PURGE}]
    ledger = {"slug": "ledger", "resource": resource, "scopes": scopes, "tools": tools, "default_scopes": [READ]}
    await administer(node, "POST", "/servers", json=ledger)
    await administer(node, "POST", "/roles", json={"slug": "clerk", "scopes": {"ledger": [READ, PURGE]}})
    agent = await administer(node, "POST", "/agents", json={"slug": "bot", "owner": "dana", "roles": ["clerk"]})
    return agent, (await administer(node, "POST", "/servers/ledger/enrolments", json={}))["code"]


async def token_of(node: Served, agent: dict[str, Any], resource: str) -> str:
    """Return a token of the agent, with all that it may."""
    form = {"grant_type": "client_credentials", "resource": resource, "scope": SCOPE}
    async with http_client() as http:
        answer = await http.post(f"{node.issuer}/token", data=form, auth=(agent["client_id"], agent["secret"]))
    return str(answer.json()["access_token"])


async def status(url: str, token: str, tool: str = "read") -> int:
    """Return the HTTP status that the official client gets for a call."""
    async with connected(url, token) as (client, wire):
        try:
            assert await text(client.call_tool(tool)) == f"tool {tool} ran"
        except MCPError:
            assert wire.last.status >= 400
        return next(one.status for one in wire.heard if one.verb == "POST")


def is_now(url: str, token: str, wanted: int) -> Callable[[], Awaitable[bool]]:
    """Return a function that tells whether a call is answered with that status."""

    async def asked() -> bool:
        return await status(url, token) == wanted

    return asked


async def test_a_node_that_stops_and_starts_again_is_followed_again(tmp_path: Path) -> None:
    clock = MovingClock()
    reserved, issuer = listening()
    reserved.close()
    given = {"issuer": issuer, "port": int(issuer.rpartition(":")[2])}
    listener, origin = listening()
    url, folder = f"{origin}/mcp", tmp_path / "accredit"

    with ExitStack() as first:
        node = first.enter_context(serve(folder, clock, **given))
        agent, code = await furnish(node, url)
        token = await token_of(node, agent, url)
        app = Ledger("official").app(json=False, stateless=False)
        settings = {"code": code, "poll_interval": 0.1, "clock": clock.now}
        guard = Guard(app, issuer=issuer, resource=url, folder=tmp_path / "guard", **settings)
        with served(guard, listener, lifespan="on"):
            await eventually(is_now(url, token, 200))
            first.close()
            clock.advance(31)
            assert [await status(url, token, tool) for tool in ("read", "purge")] == [200, 503]
            clock.advance(270)
            assert [await status(url, token, tool) for tool in ("read", "purge")] == [503, 503]
            with serve(folder, clock, **given) as node:
                token = await token_of(node, agent, url)
                await eventually(is_now(url, token, 200))
                await administer(node, "POST", "/agents/bot/suspend")
                await eventually(is_now(url, token, 401))
                await administer(node, "POST", "/agents/bot/resume")
                await eventually(is_now(url, token, 200))
                assert await status(url, token, "purge") == 200
