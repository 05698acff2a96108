"""MCP transports 2026-07-28: whose requests are read, and headers that must say what the body says."""

import base64
from urllib.parse import quote

import pytest

from tests.support.guarded import VERSION, call
from tests.support.house import House

Headers = dict[str, str | None]


@pytest.mark.requirement("MCP-HTTP-origin")
@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://tools.example", "https://tools.example:8443", "https://tools.example.evil",
     "https://tools.example@evil.example", "https://tools.example/", "", "*", "https://tools.example, https://x"],
)  # fmt: skip
async def test_a_page_that_is_not_on_the_list_is_answered_with_403(deployed: House, origin: str) -> None:
    token = await deployed.token()
    assert (await deployed.reach(token, headers={"origin": origin})).status == 403
    assert (await deployed.reach(None, headers={"origin": origin})).status == 403
    assert (await deployed.reach(token, headers={"host": "evil.example"})).status == 403
    assert deployed.site.inner.calls == []
    assert (await deployed.reach(token, headers={"origin": "https://tools.example"})).status == 200


@pytest.mark.requirement("MCP-HTTP-header-mismatch")
@pytest.mark.parametrize(
    "headers",
    [
        {"mcp-method": None},
        {"mcp-method": ""},
        {"mcp-method": "tools/list"},
        {"mcp-method": "Tools/Call"},
        {"mcp-method": "tools/call "},
        {"mcp-name": None},
        {"mcp-name": ""},
        {"mcp-name": "purge_ledger"},
        {"mcp-name": "list_invoices,purge_ledger"},
        {"mcp-name": "LIST_INVOICES"},
        {"mcp-protocol-version": None},
        {"mcp-protocol-version": ""},
        {"mcp-protocol-version": "2025-11-25"},
        {"mcp-protocol-version": f"{VERSION} "},
    ],
    ids=str,
)
async def test_a_header_that_does_not_say_what_the_body_says_is_a_400(deployed: House, headers: Headers) -> None:
    answer = await deployed.reach(await deployed.token(), headers=headers)
    assert (answer.status, answer.json()["error"]["code"]) == (400, -32020)
    assert answer.json()["id"] == 7
    assert deployed.site.inner.calls == []


@pytest.mark.requirement("MCP-HTTP-header-mismatch")
@pytest.mark.parametrize("name", ["mcp-method", "mcp-name", "mcp-protocol-version"])
async def test_a_header_that_comes_twice_is_a_mismatch(deployed: House, name: str) -> None:
    values = {"mcp-method": "tools/call", "mcp-name": "list_invoices", "mcp-protocol-version": VERSION}
    raw = [(name.encode(), values[name].encode())]
    answer = await deployed.reach(await deployed.token(), raw=raw)
    assert (answer.status, answer.json()["error"]["code"]) == (400, -32020)
    assert deployed.site.inner.calls == []


@pytest.mark.requirement("MCP-HTTP-name-encoding")
async def test_an_encoded_name_is_decoded_before_it_is_compared(deployed: House) -> None:
    token = await deployed.token()
    for name in ("pr\u00fcfe", "\u30c4\u30fc\u30eb", " spaced ", "=?base64?eA==?=", "list_invoices"):
        body = {"needs": ["ledger:read"]}
        await deployed.admin.ok("PUT", f"/servers/ledger/tools/{quote(name, safe='')}", json=body)
        await deployed.site.catch_up()
        encoded = base64.b64encode(name.encode()).decode()
        answer = await deployed.site.send(call(name), token=token, headers={"mcp-name": f"=?base64?{encoded}?="})
        assert answer.status == 200, name
        sloppy = [encoded, f"=?base64?{encoded.rstrip('=')}?=" if "=" in encoded else "=?base64?eA?=",
                  f"=?BASE64?{encoded}?=", f"=?base64?{encoded} ?=", "=?base64?eA==?=x", "=?base64??=",
                  "=?base64?" + base64.b64encode(b"purge_ledger").decode() + "?="]  # fmt: skip
        for header in sloppy:
            answer = await deployed.site.send(call(name), token=token, headers={"mcp-name": header})
            assert (answer.status, answer.json()["error"]["code"]) == (400, -32020), header
