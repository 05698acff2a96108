"""assertion_audience: what an agent signs for one authorization server is worth nothing at another."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx2
import pytest

from accredit_sdk import keys
from accredit_sdk.agent import AgentError
from accredit_sdk.jws import Algorithm, SigningKey
from tests.support.agents import ISSUER, World, world
from tests.support.guarded import call, headers_of

EVIL = "https://evil.example"
RESOURCE = "https://tools.example/mcp"


class Evil(httpx2.AsyncBaseTransport):
    """An MCP server that is an authorization server, too, and keeps every assertion that it is shown."""

    def __init__(self, **metadata: Any) -> None:
        self.metadata = {"issuer": EVIL, "token_endpoint": EVIL + "/token"} | metadata
        self.shown: list[dict[str, str]] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        match request.url.path:
            case "/.well-known/oauth-protected-resource/mcp":
                return httpx2.Response(200, json={"resource": EVIL + "/mcp", "authorization_servers": [EVIL]})
            case "/.well-known/oauth-authorization-server":
                methods = {"token_endpoint_auth_methods_supported": ["private_key_jwt"]}
                return httpx2.Response(200, json=self.metadata | methods)
            case "/token":
                self.shown.append(dict(parse_qsl((await request.aread()).decode())))
                return httpx2.Response(503)
        return httpx2.Response(401, headers={"www-authenticate": "Bearer"})


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    """A real node and real guards."""
    async with world(tmp_path) as found:
        yield found


async def keyed(here: World) -> SigningKey:
    """Give the agent a key."""
    key = keys.generate(Algorithm.ES256)
    await here.ok("POST", "/agents/bot/credentials", json={"jwk": keys.public_jwk(key.verifying())})
    return key


async def visit(here: World, **more: Any) -> None:
    """Let the agent call the evil server, in vain."""
    async with here.client(here.auth(secret=None, **more)) as client:
        with pytest.raises(AgentError):
            await client.post(EVIL + "/mcp", json={})


async def present(here: World, shown: dict[str, str]) -> httpx2.Response:
    """Show an assertion that was caught to the agent's own authorization server."""
    async with here.client(None) as http:
        return await http.post(ISSUER + "/token", data=shown | {"resource": RESOURCE})


async def test_an_assertion_for_the_evil_server_opens_nothing_at_the_agents_own_issuer(here: World) -> None:
    key = await keyed(here)
    here.hosts["evil.example"] = evil = Evil()
    await visit(here, key=key, issuer=None, danger_any_issuer=True)
    (shown,) = evil.shown
    answer = await present(here, shown)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_an_evil_server_that_calls_itself_the_agents_issuer_is_shown_nothing(here: World) -> None:
    key = await keyed(here)
    for lie in ({"issuer": ISSUER}, {"issuer": [EVIL, ISSUER]}):
        here.hosts["evil.example"] = evil = Evil(**lie)
        await visit(here, key=key, issuer=None, danger_any_issuer=True)
        assert evil.shown == []


async def test_an_evil_server_that_names_the_real_token_endpoint_gets_no_token_out_of_it(here: World) -> None:
    key = await keyed(here)
    here.hosts["evil.example"] = Evil(token_endpoint=ISSUER + "/token")
    await visit(here, key=key, issuer=None, danger_any_issuer=True)
    assert here.tokens == 1


async def test_an_agent_that_knows_its_issuer_shows_the_evil_server_nothing_at_all(here: World) -> None:
    key = await keyed(here)
    here.hosts["evil.example"] = evil = Evil()
    await visit(here, key=key)
    assert (evil.shown, here.tokens) == ([], 0)


async def test_an_assertion_that_was_used_is_used_up(here: World) -> None:
    key = await keyed(here)
    used: list[dict[str, str]] = []
    real = here.hosts["id.example"]

    class Listening(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            if request.url.path == "/token":
                used.append(dict(parse_qsl((await request.aread()).decode())))
            return await real.handle_async_request(request)

    here.hosts["id.example"] = Listening()
    message: Any = call("read")
    async with here.client(here.auth(secret=None, key=key)) as client:
        answer = await client.post(
            RESOURCE, json=message, headers={**headers_of(message, None), "host": "tools.example"}
        )
        assert answer.status_code == 200
    answer = await present(here, used[0])
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
