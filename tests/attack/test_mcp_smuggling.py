"""mcp_smuggling: a message that two readers could take differently is refused; the server never sees it."""

import json
from collections.abc import AsyncIterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest

from accredit_sdk.guard.messages import VERSION, VERSION_KEY
from tests.support.authority import FakeAccredit
from tests.support.guarded import META, Guarded, call, guarded, headers_of

GOOD = json.dumps(call(), separators=(",", ":"))
OLD = json.dumps({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "read", "arguments": {}}})
BODIES: dict[str, bytes] = {
    "batch": f"[{GOOD}]".encode(),
    "batch-of-two": f"[{GOOD},{GOOD}]".encode(),
    "nested-batch": f"[[{GOOD}]]".encode(),
    "empty-batch": b"[]",
    "two-messages": (GOOD + GOOD).encode(),
    "two-lines": (GOOD + "\n" + GOOD).encode(),
    "bom": b"\xef\xbb\xbf" + GOOD.encode(),
    "utf-16": GOOD.encode("utf-16"),
    "utf-16-le": GOOD.encode("utf-16-le"),
    "utf-32": GOOD.encode("utf-32"),
    "utf-7": GOOD.replace("{", "+AHs-").encode(),
    "latin-1": GOOD.replace('"read"', '"r\xe9ad"').encode("latin-1"),
    "overlong": GOOD.encode().replace(b"/", b"\xc0\xaf"),
    "surrogate": GOOD.replace('"read"', '"\\ud800"').encode(),
    "nul": GOOD.encode() + b"\x00",
    "nul-inside": GOOD.replace('"read"', '"re\x00ad"').encode(),
    "comment": f"/* */{GOOD}".encode(),
    "trailing-comma": (GOOD[:-1] + ",}").encode(),
    "single-quotes": GOOD.replace('"', "'").encode(),
    "nan": GOOD.replace('"name"', '"arguments":{"a":NaN},"name"').encode(),
    "infinity": GOOD.replace('"name"', '"arguments":{"a":-Infinity},"name"').encode(),
    "overflow": GOOD.replace('"name"', '"arguments":{"a":1e999},"name"').encode(),
    "huge-number": GOOD.replace('"name"', f'"arguments":{{"a":{"9" * 5000}}},"name"').encode(),
    "duplicate-method": GOOD.replace('"method"', '"method":"tools/list","method"').encode(),
    "duplicate-params": GOOD.replace('"params"', '"params":{"name":"purge"},"params"').encode(),
    "duplicate-name": GOOD.replace('"name"', '"name":"purge","name"').encode(),
    "duplicate-escaped": GOOD.replace('"name"', '"n\\u0061me":"purge","name"').encode(),
    "duplicate-id": GOOD.replace('"id"', '"id":8,"id"').encode(),
    "duplicate-meta": GOOD.replace('"_meta"', '"_meta":{},"_meta"').encode(),
    "duplicate-version": GOOD.replace(f'"{VERSION_KEY}"', f'"{VERSION_KEY}":"2025-11-25","{VERSION_KEY}"').encode(),
    "duplicate-deep": GOOD.replace('"name"', '"arguments":{"a":[{"b":{"c":1,"c":2}}]},"name"').encode(),
    "duplicate-empty": GOOD.replace('"name"', '"arguments":{"":1,"":1},"name"').encode(),
    "method-case": GOOD.replace('"method"', '"Method":"tools/list","method"').encode(),
    "name-case": GOOD.replace('"name"', '"NAME":"purge","name"').encode(),
    "arguments-case": GOOD.replace('"name"', '"Arguments":{"a":1},"name"').encode(),
    "meta-case": GOOD.replace('"_meta"', '"_META":{},"_meta"').encode(),
    "result-beside": GOOD.replace('"id"', '"result":{},"id"').encode(),
    "error-beside": GOOD.replace('"id"', '"error":{"code":1,"message":""},"id"').encode(),
    "name-list": GOOD.replace('"read"', '["read"]').encode(),
    "name-object": GOOD.replace('"read"', '{"name":"read"}').encode(),
    "name-number": GOOD.replace('"read"', "0").encode(),
    "name-null": GOOD.replace('"read"', "null").encode(),
    "params-list": b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":["read",{}]}',
    "params-text": b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":"read"}',
    "arguments-list": GOOD.replace('"name"', '"arguments":[1],"name"').encode(),
    "arguments-text": GOOD.replace('"name"', '"arguments":"{}","name"').encode(),
    "json-in-json": json.dumps(GOOD).encode(),
    "jsonrpc-1": GOOD.replace('"2.0"', '"1.0"').encode(),
    "jsonrpc-number": GOOD.replace('"2.0"', "2.0").encode(),
    "jsonrpc-list": GOOD.replace('"2.0"', '["2.0"]').encode(),
    "id-null": GOOD.replace('"id":7', '"id":null').encode(),
    "id-float": GOOD.replace('"id":7', '"id":7.0').encode(),
    "id-exponent": GOOD.replace('"id":7', '"id":7e0').encode(),
    "id-bool": GOOD.replace('"id":7', '"id":true').encode(),
    "id-huge": GOOD.replace('"id":7', f'"id":{"9" * 400}').encode(),
    "id-long": GOOD.replace('"id":7', f'"id":"{"x" * 100_000}"').encode(),
    "id-object": GOOD.replace('"id":7', '"id":{}').encode(),
    "deep-array": GOOD.replace('"name"', f'"arguments":{{"a":{"[" * 50_000}{"]" * 50_000}}},"name"').encode(),
    "deep-object": GOOD.replace('"name"', '"arguments":' + '{"a":' * 20_000 + "1" + "}" * 20_000 + ',"name"').encode(),
    "empty": b"",
    "spaces": b"  \n",
    "null": b"null",
    "text": b'"tools/call"',
}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Guarded]:
    """A guard around a server that notes what reaches it."""
    async with guarded(tmp_path / "guard", FakeAccredit()) as found:
        yield found


@pytest.mark.parametrize("version", [VERSION, "2025-11-25", None])
@pytest.mark.parametrize("name", BODIES)
async def test_a_body_with_two_meanings_reaches_nobody(site: Guarded, name: str, version: str | None) -> None:
    headers: dict[str, str | None] = {"mcp-protocol-version": version}
    if version == VERSION:
        headers |= {"mcp-method": "tools/call", "mcp-name": "read"}
    answer = await site.send(token=site.accredit.token(), body=BODIES[name], headers=headers)
    assert answer.status == 400
    assert answer.json()["error"]["code"] in (-32700, -32600, -32602)
    assert site.inner.calls == []
    assert len(answer.body) < 1000


@pytest.mark.parametrize(
    "method", ["Tools/Call", "TOOLS/CALL", "tools/call ", "tools//call", "tools\\/call", "tools/c\u0430ll"]
)
async def test_a_method_in_another_spelling_is_another_method(site: Guarded, method: str) -> None:
    message = json.loads(GOOD) | {"method": method}
    for version, header, status in ((VERSION, method, 404), (VERSION, "tools/call", 400), ("2025-11-25", None, 200)):
        headers: dict[str, str | None] = {"mcp-protocol-version": version}
        headers["mcp-method"] = header.encode().decode("latin-1") if header is not None else None
        body = message if version == VERSION else {**message, "params": {"name": "read"}}
        answer = await site.send(body, token=site.accredit.token(), headers=headers)
        assert (answer.status, answer.json()["error"]["code"]) == (status, -32020 if status == 400 else -32601)
    assert site.inner.calls == []


@pytest.mark.parametrize(
    "lie",
    [
        {"mcp-method": "tools/list"},
        {"mcp-method": "tools/Call"},
        {"mcp-method": None},
        {"mcp-method": ""},
        {"mcp-method": "tools/call, tools/list"},
        {"mcp-name": "purge"},
        {"mcp-name": "Read"},
        {"mcp-name": "read "},
        {"mcp-name": None},
        {"mcp-name": ""},
        {"mcp-name": "=?base64?cHVyZ2U=?="},
        {"mcp-name": "=?base64?cmVhZA?="},
        {"mcp-name": "=?base64?cmVhZB==?="},
        {"mcp-name": "=?BASE64?cmVhZA==?="},
        {"mcp-name": "=?base64? cmVhZA==?="},
        {"mcp-name": "=?utf-8?q?read?="},
        {"mcp-name": "re%61d"},
        {"mcp-protocol-version": "2025-11-25"},
        {"mcp-protocol-version": "2026-07-28 "},
        {"mcp-protocol-version": "2026-07-28, 2025-11-25"},
        {"mcp-protocol-version": "9999-01-01"},
        {"mcp-protocol-version": ""},
        {"mcp-protocol-version": None},
    ],
    ids=str,
)
async def test_headers_that_do_not_say_what_the_body_says_stop_it(site: Guarded, lie: dict[str, str | None]) -> None:
    answer = await site.send(call(), token=site.accredit.token(), headers=lie)
    assert answer.status == 400
    assert answer.json()["error"]["code"] in (-32020, -32022)
    assert site.inner.calls == []


@pytest.mark.parametrize("name", ["mcp-method", "mcp-name", "mcp-protocol-version", "mcp-session-id", "mcp-param-x"])
async def test_a_second_header_of_the_protocol_stops_it_even_if_it_says_the_same(site: Guarded, name: str) -> None:
    value = {"mcp-method": "tools/call", "mcp-name": "read", "mcp-protocol-version": VERSION}.get(name, "x")
    pairs = [(name.encode(), value.encode())] * 2
    answer = await site.send(call(), token=site.accredit.token(), headers={name: None}, raw=pairs)
    assert (answer.status, answer.json()["error"]["code"]) == (400, -32020)
    assert site.inner.calls == []


@pytest.mark.parametrize("name", ["content-type", "content-length", "content-encoding", "transfer-encoding", "host"])
async def test_a_second_header_that_frames_the_body_stops_it(site: Guarded, name: str) -> None:
    known = {"content-type": b"application/json", "content-length": b"%d" % len(GOOD), "host": b"tools.example"}
    pairs = [(name.encode(), known.get(name, b"identity"))] * 2
    answer = await site.send(call(), token=site.accredit.token(), headers={name: None}, raw=pairs)
    assert answer.status == 400
    assert site.inner.calls == []


async def test_the_older_era_is_no_way_round_what_the_newer_one_demands(site: Guarded) -> None:
    token = site.accredit.token()
    with_meta: dict[str, Any] = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "read"}}
    with_meta["params"]["_meta"] = META
    for version in ("2025-11-25", "2025-06-18", "2025-03-26", None):
        lies: dict[str, str | None] = {"mcp-protocol-version": version, "mcp-method": None, "mcp-name": None}
        assert (await site.send(with_meta, token=token, headers=lies)).status == 400
        for name, value in (("mcp-method", "tools/list"), ("mcp-name", "purge")):
            answer = await site.send(body=OLD.encode(), token=token, headers=lies | {name: value})
            assert (answer.status, answer.json()["error"]["code"]) == (400, -32020)
        assert site.inner.calls == []
        assert (await site.send(body=OLD.encode(), token=token, headers=lies)).status == 200
        assert (
            await site.send(body=OLD.replace('"read"', '"purge"').encode(), token=token, headers=lies)
        ).status == 403
        site.inner.calls.clear()


async def test_what_is_passed_on_has_one_length_and_no_framing_of_the_client(site: Guarded) -> None:
    spaced = json.dumps(call(), indent=3).encode()
    headers: dict[str, str | None] = {"transfer-encoding": "chunked", "accept-encoding": "gzip", "mcp-name": "read"}
    headers |= {"mcp-method": "tools/call", "content-length": None}
    assert (await site.send(token=site.accredit.token(), body=spaced, headers=headers)).status == 200
    ((scope, body),) = site.inner.calls
    fields = dict(scope["headers"])
    assert len(fields) == len(scope["headers"])
    assert fields[b"content-length"] == b"%d" % len(body)
    assert not {b"transfer-encoding", b"accept-encoding", b"authorization"} & fields.keys()
    assert json.loads(body) == call()


@pytest.mark.parametrize("version", [VERSION, "2025-11-25"])
async def test_a_trailer_that_comes_with_the_end_of_the_body_does_not_reach_the_server(
    site: Guarded, version: str
) -> None:
    """Uvicorn adds trailers to the list of headers while the body is read, after everything was judged."""
    message = call() if version == VERSION else json.loads(OLD)
    honest = headers_of(message, site.accredit.token()) | {"mcp-protocol-version": version}
    given = [(name.encode(), value.encode()) for name, value in honest.items()]
    late = [(b"mcp-protocol-version", b"2025-11-25"), (b"mcp-name", b"purge"), (b"host", b"evil.example")]
    late += [(b"mcp-session-id", b"of-another"), (b"x-forwarded-user", b"admin"), (b"authorization", b"Bearer x")]
    pieces = [json.dumps(message).encode(), b""]

    async def receive() -> dict[str, Any]:
        piece = pieces.pop(0)
        if not pieces:
            given.extend(late)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    async def send(_: MutableMapping[str, Any]) -> None:
        """Nobody needs the answer."""

    scope = {"type": "http", "method": "POST", "path": "/mcp", "query_string": b"", "headers": given}
    await site.guard(scope, receive, send)
    ((passed, _),) = site.inner.calls
    fields = dict(passed["headers"])
    assert len(fields) == len(passed["headers"])
    assert (fields[b"mcp-protocol-version"], fields[b"host"]) == (version.encode(), b"tools.example")
    assert fields.get(b"mcp-name") in (b"read", None)
    assert not {b"authorization", b"mcp-session-id", b"x-forwarded-user"} & fields.keys()


@pytest.mark.parametrize("coding", ["gzip", "gzip, chunked", "identity", "chunked, chunked", "Chunked;q=1", ""])
async def test_a_transfer_coding_that_is_not_undone_is_not_read(site: Guarded, coding: str) -> None:
    answer = await site.send(call(), token=site.accredit.token(), headers={"transfer-encoding": coding})
    assert answer.status == 501
    assert site.inner.calls == []
