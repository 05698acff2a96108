"""Pages of listed origins may read answers, and no other page may, whatever the server behind says of that."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.authority import FakeAccredit
from tests.support.guarded import Guarded, call, guarded, says

PAGE = "https://app.example"
OWN = "https://tools.example"
EXPOSED = {"www-authenticate", "mcp-session-id", "dpop-nonce"}


@pytest.fixture
async def open_site(tmp_path: Path, accredit: FakeAccredit) -> AsyncIterator[Guarded]:
    """A guard that lets a page of another origin in."""
    async with guarded(tmp_path / "guard", accredit, origins=(PAGE,), public=("/health",)) as found:
        yield found


def split(text: str) -> set[str]:
    return {one.strip().lower() for one in text.split(",")}


def asks(origin: str, *names: str, method: str = "POST") -> dict[str, str | None]:
    wanted = {"access-control-request-headers": ", ".join(names)} if names else {}
    return {"origin": origin, "access-control-request-method": method, **wanted}


@pytest.mark.parametrize("origin", [PAGE, OWN])
async def test_a_listed_page_is_told_beforehand_what_it_may_send(open_site: Guarded, origin: str) -> None:
    names = (
        "Authorization",
        "Content-Type",
        "Mcp-Session-Id",
        "MCP-Protocol-Version",
        "Last-Event-ID",
        "X-Evil",
        "Cookie",
    )
    response = await open_site.send(method="OPTIONS", headers=asks(origin, *names))
    assert (response.status, response.body) == (204, b"")
    assert response.headers["access-control-allow-origin"] == origin
    assert split(response.headers["access-control-allow-methods"]) == {"get", "post", "delete"}
    assert split(response.headers["access-control-allow-headers"]) == {name.lower() for name in names[:5]}
    assert response.headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in response.headers
    assert open_site.inner.calls == []
    assert await open_site.records() == []


async def test_a_preflight_for_any_path_is_answered_and_one_without_headers_allows_none(open_site: Guarded) -> None:
    response = await open_site.send(method="OPTIONS", path="/elsewhere", headers=asks(PAGE))
    assert response.status == 204
    assert "access-control-allow-headers" not in response.headers


async def test_a_name_that_is_no_header_is_not_repeated(open_site: Guarded) -> None:
    for name in ('mcp-"', "mcp-a b", "mcp-\xe4", "mcp-", "mcp-x;y"):
        response = await open_site.send(method="OPTIONS", headers=asks(PAGE, name))
        assert (response.status, "access-control-allow-headers" in response.headers) == (204, False)


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "http://app.example",
        f"{PAGE}.evil.example",
        f"{PAGE}/",
        "https://app.exampl",
        "",
    ],
)
async def test_another_page_reads_nothing(open_site: Guarded, accredit: FakeAccredit, origin: str) -> None:
    open_site.inner.script = says({}, access_control_allow_origin="*")
    for response in (
        await open_site.send(method="OPTIONS", headers=asks(origin, "authorization")),
        await open_site.send(call(), token=accredit.token(), headers={"origin": origin}),
        await open_site.send(call(), headers={"origin": origin}),
        await open_site.before(token=accredit.token(), method="GET", origin=origin),
        await open_site.send(method="GET", path="/health", headers={"origin": origin}),
    ):
        assert response.status == 403
        assert not [name for name in response.headers if name.startswith("access-control")]
    assert open_site.inner.calls == []


async def test_a_listed_page_reads_answers_refusals_and_the_exposed_headers(
    open_site: Guarded, accredit: FakeAccredit
) -> None:
    open_site.inner.script = says(
        {},
        mcp_session_id="s",
        access_control_allow_origin="*",
        Access_Control_Expose_Headers="x-secret",
        access_control_allow_credentials="true",
        access_control_allow_headers="*",
    )
    page: dict[str, str | None] = {"origin": PAGE}
    responses = {
        200: await open_site.send(call(), token=accredit.token(), headers=page),
        401: await open_site.send(call(), headers=page),
        403: await open_site.send(call("post"), token=accredit.token(), headers=page),
        404: await open_site.send(call(), token=accredit.token(), headers=page, path="/elsewhere"),
        405: await open_site.send(call(), token=accredit.token(), headers=page, method="PUT"),
        415: await open_site.send(call(), token=accredit.token(), headers={**page, "content-type": "text/plain"}),
    }
    for status, response in responses.items():
        assert response.status == status
        assert response.headers["access-control-allow-origin"] == PAGE
        assert split(response.headers["access-control-expose-headers"]) == EXPOSED
        assert response.headers["vary"] == "Origin"
        assert not {"access-control-allow-credentials", "access-control-allow-headers"} & response.headers.keys()


async def test_without_an_origin_nothing_is_opened_even_if_the_server_would(
    site: Guarded, accredit: FakeAccredit
) -> None:
    site.inner.script = says({}, access_control_allow_origin="*", access_control_expose_headers="*")
    response = await site.send(call(), token=accredit.token())
    assert response.status == 200
    assert not [name for name in response.headers if name.startswith("access-control")]


async def test_options_that_ask_for_nothing_are_no_preflight(open_site: Guarded) -> None:
    for headers in ({"origin": PAGE}, {"access-control-request-method": "POST"}):
        response = await open_site.send(method="OPTIONS", headers={**headers})
        assert response.status == 405
