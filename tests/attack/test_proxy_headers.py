"""proxy_headers: what a client claims about proxies, hosts and paths changes nothing that the guard decides or says."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser

from tests.support.authority import AGENT, FakeAccredit
from tests.support.guarded import Guarded, call, guarded

LIES = {
    "forwarded": "for=127.0.0.1;host=evil.example;proto=http",
    "x-forwarded-for": "127.0.0.1",
    "x-forwarded-host": "evil.example",
    "x-forwarded-proto": "http",
    "x-forwarded-port": "1",
    "x-forwarded-prefix": "/evil",
    "x-forwarded-server": "evil.example",
    "x-forwarded-user": "admin",
    "x-forwarded-email": "admin@tools.example",
    "x-remote-user": "admin",
    "x-real-ip": "127.0.0.1",
    "x-host": "evil.example",
    "x-original-host": "evil.example",
    "x-original-url": "/health",
    "x-rewrite-url": "/health",
    "x-http-method": "GET",
    "x-http-method-override": "GET",
    "x-method-override": "GET",
    "x-script-name": "/evil",
    "true-client-ip": "127.0.0.1",
    "via": "1.1 evil.example",
    "x-accel-redirect": "/health",
    "proxy-authorization": "Bearer nonsense",
    "x-authorization": "Bearer nonsense",
    "cookie": "access_token=nonsense",
}
METADATA = "/.well-known/oauth-protected-resource/mcp"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Guarded]:
    """A guard of https://tools.example/mcp with one public path."""
    async with guarded(tmp_path / "guard", FakeAccredit(), public=("/health",)) as found:
        yield found


@pytest.mark.parametrize("name", LIES)
async def test_a_header_of_a_proxy_lets_nobody_in_and_moves_no_address(site: Guarded, name: str) -> None:
    lie: dict[str, str | None] = {name: LIES[name]}
    honest = await site.send(call())
    told = await site.send(call(), headers=lie)
    assert (told.status, told.challenge) == (401, honest.challenge)
    assert 'resource_metadata="https://tools.example/.well-known/oauth-protected-resource/mcp"' in told.challenge
    document = [await site.send(body=b"", headers=more, method="GET", path=METADATA) for more in (lie, {})]
    assert document[0].body == document[1].body
    assert (await site.send(call("post"), token=site.accredit.token(), headers=lie)).status == 403
    assert (await site.send(call("nowhere"), token=site.accredit.token(), headers=lie)).status == 400
    assert site.inner.calls == []


async def test_a_forwarded_host_does_not_stand_in_for_a_foreign_one(site: Guarded) -> None:
    for name in ("x-forwarded-host", "x-host", "x-original-host", "forwarded"):
        for value in ("tools.example", "host=tools.example"):
            headers: dict[str, str | None] = {"host": "evil.example", name: value}
            assert (await site.send(call(), token=site.accredit.token(), headers=headers)).status == 403
    assert site.inner.calls == []


async def test_a_header_that_looks_like_the_token_in_another_spelling_is_none(site: Guarded) -> None:
    good = f"Bearer {site.accredit.token()}"
    for name in ("x-authorization", "proxy-authorization", "x-forwarded-authorization", "authorization_", "cookie"):
        assert (await site.send(call(), headers={name: good})).status == 401
    for query in (b"access_token=", b"x=1&access_token=", b"%61ccess_token=", b"access%5Ftoken="):
        answer = await site.send(call(), query=query + good[7:].encode())
        assert answer.status in (400, 401)
    assert site.inner.calls == []


@pytest.mark.parametrize(
    "path",
    [
        "/mcp/",
        "//mcp",
        "/mcp//",
        "/MCP",
        "/mcp/../health",
        "/health/../mcp",
        "/health/",
        "/health/x",
        "/healthz",
        "/HEALTH",
        "//health",
        "/./health",
        "/health;/mcp",
        "/mcp;/health",
        "/health\x00",
        "/mcp/health",
        "/",
        "",
        "*",
        "https://tools.example/health",
    ],
)
async def test_only_the_exact_public_path_is_public_and_nothing_but_the_endpoint_is_served(
    site: Guarded, path: str
) -> None:
    for method in ("GET", "POST"):
        assert (await site.send(call(), method=method, path=path)).status == 401
        assert (await site.send(call(), token=site.accredit.token(), method=method, path=path)).status == 404
    assert site.inner.calls == []
    assert (await site.send(body=b"", method="GET", path="/health")).status == 200


async def test_the_server_hears_of_the_caller_by_the_guard_alone(site: Guarded) -> None:
    token = site.accredit.token()
    await site.send(call(), token=token, headers={"authorization": f"bearer  {token}", "x-forwarded-user": "admin"})
    ((scope, _),) = site.inner.calls
    assert b"authorization" not in dict(scope["headers"])
    assert token.encode() not in b"".join(value for _, value in scope["headers"])
    assert isinstance(scope["user"], AuthenticatedUser)
    assert scope["user"].access_token.client_id == AGENT
    assert scope["user"].access_token.token != token
