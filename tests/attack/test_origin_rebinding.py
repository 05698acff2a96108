"""origin_rebinding: a page of a stranger, or a name that a stranger points here, is not heard (MCP transports)."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.authority import FakeAccredit
from tests.support.guarded import Guarded, Response, call, guarded

HOSTS = [
    "evil.example",
    "tools.example.evil.example",
    "eviltools.example",
    "tools.example:8443",
    "tools.example:80",
    "tools.example:",
    "tools.example.",
    "tools.example@evil.example",
    "evil.example@tools.example",
    "tools.example,evil.example",
    "tools.example evil.example",
    "tools.example/",
    "tools.example\\",
    "127.0.0.1",
    "localhost",
    "[::1]",
    "",
    None,
]
ORIGINS = [
    "https://evil.example",
    "https://tools.example.evil.example",
    "https://eviltools.example",
    "http://tools.example",
    "https://tools.example:8443",
    "https://tools.example/",
    "https://tools.example@evil.example",
    "https://sub.tools.example",
    "//tools.example",
    "tools.example",
    "https://tools.example, https://evil.example",
    "https://tools.example https://evil.example",
    "null",
    "file://",
    "chrome-extension://abcdef",
    "http://localhost",
    "",
]


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Guarded]:
    """A guard of https://tools.example/mcp."""
    async with guarded(tmp_path / "guard", FakeAccredit(), public=("/health",)) as found:
        yield found


async def every_way(site: Guarded, **headers: str | None) -> list[Response]:
    """Send a good call, a GET, a preflight, and a request for a public path."""
    token = site.accredit.token()
    return [
        await site.send(call(), token=token, headers=headers),
        await site.send(body=b"", token=token, headers=headers, method="GET"),
        await site.send(body=b"", headers={"access-control-request-method": "POST"} | headers, method="OPTIONS"),
        await site.send(body=b"", headers=headers, method="GET", path="/health"),
    ]


@pytest.mark.parametrize("host", HOSTS)
async def test_a_foreign_host_is_refused_whatever_the_token(site: Guarded, host: str | None) -> None:
    answers = await every_way(site, host=host)
    answers.append(
        await site.send(
            body=b"", headers={"host": host}, method="GET", path="/.well-known/oauth-protected-resource/mcp"
        )
    )
    for answer in answers:
        assert answer.status == 403
        assert "access-control-allow-origin" not in answer.headers
    assert site.inner.calls == []


@pytest.mark.parametrize("origin", ORIGINS)
async def test_a_foreign_origin_is_refused_whatever_the_token(site: Guarded, origin: str) -> None:
    for answer in await every_way(site, origin=origin):
        assert answer.status == 403
        assert "access-control-allow-origin" not in answer.headers
    assert site.inner.calls == []


async def test_a_second_host_or_origin_is_refused_in_either_order(site: Guarded) -> None:
    token = site.accredit.token()
    for name, good, bad in (
        (b"host", b"tools.example", b"evil.example"),
        (b"origin", b"https://tools.example", b"https://evil.example"),
    ):
        for pair in ([(name, good), (name, bad)], [(name, bad), (name, good)], [(name, good), (name, good)]):
            answer = await site.send(call(), token=token, headers={name.decode(): None}, raw=pair)
            assert answer.status in (400, 403)
    assert site.inner.calls == []


async def test_a_refused_origin_is_recorded_without_its_text(site: Guarded) -> None:
    answer = await site.send(call(), token=site.accredit.token(), headers={"origin": "https://evil.example"})
    (found,) = await site.records()
    assert (found["decision"], found["reason"]) == (answer.json()["decision_id"], "forbidden_origin")
    assert "evil" not in json.dumps(found)


async def test_the_own_origin_and_those_that_are_listed_may_read_what_they_ask_for(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"origins": ("https://inspector.example",), "hosts": ("tools.internal:8080",)}
    async with guarded(tmp_path / "guard", FakeAccredit(), **settings) as site:
        for origin in ("https://tools.example", "https://inspector.example", "HTTPS://Tools.Example"):
            answer = await site.send(call(), token=site.accredit.token(), headers={"origin": origin})
            assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, origin)
            answer = await site.send(call(), headers={"origin": origin})
            assert (answer.status, answer.headers["access-control-allow-origin"]) == (401, origin)
            exposed = answer.headers["access-control-expose-headers"].lower()
            assert {"www-authenticate", "mcp-session-id"} <= set(exposed.replace(" ", "").split(","))
            assert "access-control-allow-credentials" not in answer.headers
        for host in ("tools.example", "tools.example:443", "Tools.Example", "tools.internal:8080"):
            answer = await site.send(call(), token=site.accredit.token(), headers={"host": host})
            assert answer.status == 200
        assert len(site.inner.calls) == 7


async def test_on_loopback_every_name_of_loopback_counts_and_no_other(tmp_path: Path) -> None:
    async with guarded(tmp_path / "guard", FakeAccredit(resource="http://127.0.0.1:9000/mcp")) as site:
        token = site.accredit.token()
        for host, status in (
            ("127.0.0.1:9000", 200),
            ("localhost:9000", 200),
            ("[::1]:9000", 200),
            ("127.0.0.1", 403),
            ("127.0.0.1:9001", 403),
            ("127.0.0.2:9000", 403),
            ("0.0.0.0:9000", 403),
            ("127.0.0.1.evil.example:9000", 403),
            ("localhost.evil.example:9000", 403),
            ("2130706433:9000", 403),
            ("127.1:9000", 403),
            ("[::ffff:127.0.0.1]:9000", 403),
            ("rebound.example:9000", 403),
        ):
            answer = await site.send(call(), token=token, headers={"host": host})
            assert answer.status == status, host
            page = await site.send(call(), token=token, headers={"host": "127.0.0.1:9000", "origin": f"http://{host}"})
            assert page.status == status, host
