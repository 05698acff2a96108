"""What a server says: lists without what the listener may not see, and no request that its policy does not allow."""

import asyncio
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit_sdk.guard.asks import Ask
from accredit_sdk.guard.outgoing import Dropped, Refused, Screen, Unreadable
from accredit_sdk.guard.seals import Seals
from accredit_sdk.methods import Era
from accredit_sdk.policy import Policy, Target, Visibility
from accredit_sdk.snapshot import TargetEntry
from tests.support.authority import TARGETS, FakeAccredit
from tests.support.guarded import Guarded, call, event, says, streams, told

HIDING = (
    *TARGETS,
    TargetEntry("tool", "hidden", ["ledger:hidden"], visibility="hide"),
    TargetEntry("tool", "secret", ["ledger:secret"], visibility="conceal"),
    TargetEntry("resource", "ledger://page/{n}", ["ledger:page"], visibility="hide"),
    TargetEntry("prompt", "hidden", ["ledger:hidden"], visibility="hide"),
)
KINDS = {"tool": ("tools", "name"), "prompt": ("prompts", "name"), "resource": ("resources", "uri")}


@pytest.fixture
async def hiding(site: Guarded, accredit: FakeAccredit) -> Guarded:
    """A guard whose policy hides something."""
    accredit.targets = HIDING
    accredit.signal("policy")
    await site.catch_up()
    return site


def listing(**more: Any) -> dict[str, Any]:
    names = ["read", "hidden", "secret", "post", "unheard-of"]
    result = {
        "tools": [{"name": name, "n": 1.50, "inputSchema": {"type": "object"}} for name in names],
        "prompts": [{"name": "summary"}, {"name": "hidden"}, {"title": "no name"}, "x", {"name": 7}],
        "resources": [{"uri": "ledger://book/%31"}, {"uri": "ledger://page/1"}, {"uri": "ledger://other"}],
        "resourceTemplates": [{"uriTemplate": "ledger://page/{n}"}, {"uriTemplate": "ledger://x/{n}"}],
        "nextCursor": "c",
    }
    return {"jsonrpc": "2.0", "id": 7, "result": {**result, **more}}


def seen(document: Any) -> dict[str, list[Any]]:
    lists = {name: document["result"][name] for name in ("tools", "prompts", "resources", "resourceTemplates")}
    return {
        name: [one.get("name", one.get("uri", one.get("uriTemplate"))) for one in found]
        for name, found in lists.items()
    }


PLAIN = {"tools": ["read", "post"], "prompts": ["summary"], "resources": ["ledger://book/%31"], "resourceTemplates": []}
WIDE = {
    "tools": ["read", "hidden", "secret", "post"],
    "prompts": ["summary", "hidden"],
    "resources": ["ledger://book/%31", "ledger://page/1"],
    "resourceTemplates": ["ledger://page/{n}"],
}


@pytest.mark.parametrize(("scope", "visible"), [("ledger:read", PLAIN), ("", PLAIN), ("ledger", WIDE)])
async def test_every_list_in_every_form_of_answer_is_filtered(
    hiding: Guarded, accredit: FakeAccredit, scope: str, visible: Any
) -> None:
    token = accredit.token(scope)
    request = call(method="tools/list")
    hiding.inner.script = says(listing(cacheScope="public"))
    response = await hiding.send(request, token=token)
    assert seen(response.json()) == visible
    assert response.json()["result"]["cacheScope"] == "private"
    assert response.json()["result"]["nextCursor"] == "c"
    assert int(response.headers["content-length"]) == len(response.body)
    before = {"jsonrpc": "2.0", "id": 7, "method": "tools/list"}
    assert seen((await hiding.before(before, token=token)).json()) == visible
    hiding.inner.script = streams(event(listing(), "e1"))
    assert seen(told((await hiding.send(request, token=token)).body)[0]) == visible
    assert seen(told((await hiding.before(before, token=token)).body)[0]) == visible
    first = await hiding.before(token=token, method="GET")
    assert seen(told(first.body)[0]) == visible
    (line,) = [one for one in first.body.decode().split("\n") if one.startswith("id: ")]
    replayed = await hiding.before(token=token, method="GET", last_event_id=line.removeprefix("id: "))
    assert dict(hiding.inner.calls[-1][0]["headers"])[b"last-event-id"] == b"e1"
    assert seen(told(replayed.body)[0]) == visible


async def test_a_filtered_page_is_private_whatever_the_server_says(site: Guarded, accredit: FakeAccredit) -> None:
    for result in ({"tools": []}, {"tools": [], "cacheScope": "public"}, {"contents": [], "cacheScope": "public"}):
        site.inner.script = says({"jsonrpc": "2.0", "id": 7, "result": result})
        response = await site.send(call(method="tools/list"), token=accredit.token())
        assert response.json()["result"]["cacheScope"] == "private"


async def test_a_list_of_tasks_is_emptied(site: Guarded, accredit: FakeAccredit) -> None:
    site.inner.script = says({"jsonrpc": "2.0", "id": 7, "result": {"tasks": [{"taskId": "t"}]}})
    assert (await site.send(call(), token=accredit.token())).json()["result"] == {"tasks": []}


async def test_an_answer_with_nothing_to_change_keeps_its_bytes(site: Guarded, accredit: FakeAccredit) -> None:
    body = b' {"jsonrpc":"2.0", "id":7,\n"result":{"content":[{"type":"text","text":"\xc3\xa4"}],"n":1.50}} '
    site.inner.script = says(body)
    assert (await site.send(call(), token=accredit.token())).body == body


LEAK = '{"jsonrpc":"2.0","id":7,"result":{"tools":[{"name":"secret"}]}}'


@pytest.mark.parametrize(
    "body",
    [
        LEAK.encode("utf-16"),
        LEAK.encode("utf-16-le"),
        LEAK.encode("utf-32"),
        b"\xef\xbb\xbf" + LEAK.encode(),
        f"[{LEAK}]".encode(),
        f"{LEAK}{LEAK}".encode(),
        f"{LEAK}x".encode(),
        LEAK.replace("7,", '7,"method":"ping",').encode(),
        LEAK.replace("7,", '7,"method":"notifications/x",').encode(),
        LEAK.replace("7,", '7,"error":{},').encode(),
        LEAK.replace("7,", '7,"result":{},').encode(),
        LEAK[:-1].encode() + b',"result":{}}',
        LEAK[:-1].encode() + b',"r\\u0065sult":{}}',
        LEAK.replace('"tools"', '"tools":[],"tools"').encode(),
        LEAK.replace('"tools"', '"Tools"').encode(),
        LEAK.replace('"tools"', '"tool\u017f"').encode(),
        LEAK.replace('"result"', '"RESULT"').encode(),
        LEAK.replace('"name"', '"name":"read","name"').encode(),
        LEAK.replace("secret", "\\ud800").encode(),
        LEAK.replace("7", "NaN").encode(),
        b'{"jsonrpc":"2.0","id":1,"method":["sampling/createMessage"]}',
        b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}',
        b'{"jsonrpc":"2.0","method":"notifications/tasks/status","params":{"TaskId":"t"}}',
        b'"method"',
    ],
)
async def test_what_two_clients_could_read_differently_is_not_passed_on(
    hiding: Guarded, accredit: FakeAccredit, body: bytes
) -> None:
    hiding.inner.script = says(body)
    response = await hiding.send(call(), token=accredit.token())
    assert (response.status, response.json()["error"]["code"], response.json()["id"]) == (502, 502, 7)
    if b"\n" not in body:
        hiding.inner.script = streams(b"data: " + body + b"\n\n")
        assert [one["error"]["code"] for one in told((await hiding.send(call(), token=accredit.token())).body)] == [502]
    assert [record["reason"] for record in await hiding.records()][:2] == ["ok", "encoded"]


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip", "x"])
@pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
async def test_an_encoded_answer_is_not_passed_on(
    site: Guarded, accredit: FakeAccredit, encoding: str, kind: str
) -> None:
    site.inner.script = says(b"\x1f\x8b", content_type=kind, content_encoding=encoding)
    response = await site.send(call(), token=accredit.token(), headers={"accept-encoding": "gzip"})
    assert (response.status, "content-encoding" in response.headers) == (502, False)
    ((scope, _),) = site.inner.calls
    assert b"accept-encoding" not in dict(scope["headers"])
    assert (await site.records())[-1]["reason"] == "encoded"
    site.inner.script = says({}, content_encoding="Identity")
    assert (await site.send(call(), token=accredit.token())).status == 200


def raw(*headers: tuple[bytes, bytes], status: int = 200, body: bytes = b"{}", **more: Any) -> Any:
    """Return a script that sends these headers as they are."""

    async def script(_: Any, __: bytes, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": headers, **more})
        await send({"type": "http.response.start", "status": 500, "headers": []})
        await send({"type": "http.response.body", "body": body})

    return script


@pytest.mark.parametrize(
    "headers",
    [
        [(b"content-type", b"application/json"), (b"content-type", b"text/event-stream")],
        [(b"Content-Type", b"text/event-stream"), (b"content-type", b"application/json")],
        [(b"content-type", b"application/json"), (b"content-encoding", b"gzip"), (b"content-encoding", b"identity")],
        [(b"content-type", b"text/html")],
        [(b"content-type", b"application/jsonx")],
        [(b"content-type", b"text/event-stream+x")],
    ],
)
async def test_an_answer_with_two_labels_or_a_strange_one_is_not_passed_on(
    site: Guarded, accredit: FakeAccredit, headers: Any
) -> None:
    site.inner.script = raw(*headers)
    assert (await site.send(call(), token=accredit.token())).status == 502


async def test_an_answer_is_labelled_as_what_it_was_read_as(site: Guarded, accredit: FakeAccredit) -> None:
    labels = [
        (b"Content-Type", b"Application/JSON; charset=utf-7"),
        (b"Transfer-Encoding", b"chunked"),
        (b"Content-Length", b"9999"),
        (b"Trailer", b"x"),
        (b"Access-Control-Allow-Origin", b"*"),
        (b"X-Kept", b"1"),
    ]
    site.inner.script = raw(*labels, trailers=True)
    live = await site.live(call(), token=accredit.token())
    response = await live.ended()
    assert response.headers == {"x-kept": "1", "content-type": "application/json", "content-length": "2"}
    assert set(live.sent[0]) == {"type", "status", "headers"}
    site.inner.script = says(b"data: 1\n\n", content_type="text/event-stream; charset=utf-16")
    assert (await site.send(call(), token=accredit.token())).headers == {"content-type": "text/event-stream"}
    site.inner.script = says(b"<p>", 404, content_type="text/html; charset=x")
    response = await site.send(call(), token=accredit.token())
    assert (response.status, response.headers["content-type"]) == (404, "text/html; charset=x")


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_that_has_no_body_gets_none_and_no_length(
    site: Guarded, accredit: FakeAccredit, status: int
) -> None:
    site.inner.script = raw(status=status, body=LEAK.encode())
    response = await site.send(call(), token=accredit.token())
    assert (response.status, response.body, response.headers) == (status, b"", {})


async def test_a_body_under_202_is_screened_too(hiding: Guarded, accredit: FakeAccredit) -> None:
    hiding.inner.script = raw(status=202, body=LEAK.encode())
    response = await hiding.send(call(), token=accredit.token())
    assert (response.status, response.json()["result"]["tools"]) == (202, [])


async def test_the_server_has_no_way_around_the_screen(site: Guarded, accredit: FakeAccredit) -> None:
    async def script(scope: Any, _: bytes, receive: Any, send: Any) -> None:
        assert not scope.get("extensions")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.pathsend", "path": "/etc/passwd"})
        await send({"type": "http.response.body", "body": b"{}"})
        await send({"type": "http.response.trailers", "headers": [(b"mcp-session-id", b"s")]})

    site.inner.script = script
    live = await site.live(call(), token=accredit.token())
    assert (await live.ended()).body == b"{}"
    assert len(live.sent) == 2


# ------------------------------------------------------------------------------------------------ notifications
async def test_news_of_a_resource_reach_only_who_may_read_it(hiding: Guarded, accredit: FakeAccredit) -> None:
    news = [
        {"jsonrpc": "2.0", "method": "notifications/resources/updated", "params": {"uri": uri}}
        for uri in ("ledger://book/1", "ledger://page/1", "ledger://unheard-of", 7)
    ]
    bare = {"jsonrpc": "2.0", "method": "notifications/resources/updated"}
    hiding.inner.script = streams(*(event(one) for one in [*news, bare]))
    assert told((await hiding.before(token=accredit.token(), method="GET")).body) == news[:1]
    assert told((await hiding.before(token=accredit.token(""), method="GET")).body) == []
    assert told((await hiding.before(token=accredit.token("ledger"), method="GET")).body) == news[:2]
    hiding.inner.script = says(news[1])
    assert (await hiding.send(call(), token=accredit.token())).body == b""


# --------------------------------------------------------------------------------------------- what a server asks
SAMPLE = {"jsonrpc": "2.0", "id": "s-1", "method": "sampling/createMessage", "params": {"messages": []}}
ELICIT = {
    "jsonrpc": "2.0",
    "id": 3,
    "method": "elicitation/create",
    "params": {"mode": "url", "url": "https://Pay.example:8443/x?y", "elicitationId": "e", "message": "m"},
}
ROOTS = {"jsonrpc": "2.0", "id": 4, "method": "roots/list"}
PING = {"jsonrpc": "2.0", "id": 5, "method": "ping"}
OTHER = {"jsonrpc": "2.0", "id": 6, "method": "x/y", "params": None}
DONE = {"jsonrpc": "2.0", "id": 7, "result": {"content": []}}


async def allow(site: Guarded, accredit: FakeAccredit, *words: str) -> None:
    accredit.may_ask = words
    accredit.signal("policy")
    await site.catch_up()


def asking(*documents: Any) -> Any:
    """Return a script that streams these to a caller, and takes in what is posted back."""
    stream = streams(*(event(one) for one in documents))

    async def script(scope: Any, body: bytes, receive: Any, send: Any) -> None:
        posted = json.loads(body) if body else {}
        if "error" in posted:
            await send({"type": "http.response.start", "status": 202, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        else:
            await stream(scope, body, receive, send)

    return script


async def session(site: Guarded, token: str) -> str:
    """Return the sealed id of a session that the server calls `s`."""
    site.inner.script = says({"jsonrpc": "2.0", "id": 1, "result": {}}, mcp_session_id="s")
    message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25"}}
    response = await site.before(message, token=token)
    site.inner.calls.clear()
    return response.headers["mcp-session-id"]


CALL = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "read"}}


async def test_by_default_a_server_asks_nothing_and_is_told_so(site: Guarded, accredit: FakeAccredit) -> None:
    token = accredit.token()
    sealed = await session(site, token)
    site.inner.script = asking(SAMPLE, ELICIT, PING, ROOTS, OTHER, DONE)
    response = await site.before(CALL, token=token, session=sealed)
    assert told(response.body) == [PING, DONE]
    await asyncio.gather(*site.guard._way._declining)
    posted = [(scope, json.loads(body)) for scope, body in site.inner.calls[1:]]
    assert [(one["id"], one["error"]["code"]) for _, one in posted] == [(n, -32601) for n in ("s-1", 3, 4, 6)]
    for scope, _ in posted:
        fields = dict(scope["headers"])
        assert (scope["method"], fields[b"mcp-session-id"]) == ("POST", b"s")
        assert b"authorization" not in fields
        assert len([name for name, _ in scope["headers"] if name == b"content-length"]) == 1
    found = [(one["method"], one.get("target")) for one in await site.records() if one["reason"] == "ask_refused"]
    assert found == [
        ("sampling/createMessage", None),
        ("elicitation/create", "pay.example"),
        ("roots/list", None),
        ("x/y", None),
    ]


async def test_what_a_server_may_ask_reaches_the_client_and_is_recorded_with_its_host(
    site: Guarded, accredit: FakeAccredit
) -> None:
    await allow(site, accredit, "elicitation", "roots")
    site.inner.script = asking(SAMPLE, ELICIT, ROOTS, OTHER, DONE)
    response = await site.before(CALL, token=accredit.token())
    assert told(response.body) == [ELICIT, ROOTS, DONE]
    found = {(one["method"], one.get("target"), one["outcome"]) for one in await site.records()}
    assert ("elicitation/create", "pay.example", "allow") in found
    assert ("sampling/createMessage", None, "deny") in found


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example\\@good.example/",
        "https://a@b@evil.example/",
        "https:///evil.example/",
        "https:evil.example",
        "https://evil.example\t/",
        "https://evil\u3002example/",
        "https://evil%2eexample/",
        "https://",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "",
        7,
        None,
    ],
)
async def test_a_url_that_readers_take_to_different_places_is_not_passed_on(
    site: Guarded, accredit: FakeAccredit, url: Any
) -> None:
    await allow(site, accredit, "elicitation")
    ask = {**ELICIT, "params": {"mode": "url", "url": url}} if url is not None else {**ELICIT, "params": {"URL": "x:y"}}
    site.inner.script = asking(ask, DONE)
    assert told((await site.before(CALL, token=accredit.token())).body) == [DONE]


def required(*asks: Any, **more: Any) -> dict[str, Any]:
    wanted = {f"k{at}": one for at, one in enumerate(asks)}
    return {"jsonrpc": "2.0", "id": 7, "result": {"resultType": "input_required", "inputRequests": wanted, **more}}


def body_of(ask: Any) -> dict[str, Any]:
    return {"method": ask["method"], "params": ask.get("params", {})}


URL_ERROR = {
    "jsonrpc": "2.0",
    "id": 7,
    "error": {"code": -32042, "message": "m", "data": {"elicitations": [ELICIT["params"]]}},
}
IN_ANSWERS = [
    required(body_of(ELICIT)),
    {"jsonrpc": "2.0", "id": 7, "result": {"task": {"inputRequests": {"k": body_of(ELICIT)}}}},
    URL_ERROR,
]


@pytest.mark.parametrize("answer", IN_ANSWERS, ids=["result", "task", "error"])
async def test_what_is_asked_in_the_place_of_an_answer_is_judged_and_the_client_told(
    site: Guarded, accredit: FakeAccredit, answer: Any
) -> None:
    progress = {"jsonrpc": "2.0", "method": "notifications/progress"}
    for script, in_stream in ((says(answer), False), (streams(event(progress) + event(answer)), True)):
        site.inner.script = script
        response = await site.send(call(), token=accredit.token())
        said = told(response.body) if in_stream else [response.json()]
        assert response.status == (200 if in_stream else 502)
        assert (said[-1]["id"], said[-1]["error"]["code"]) == (7, 502)
        assert "elicitations" not in response.body.decode()
        assert said[:-1] == ([progress] if in_stream else [])
    await allow(site, accredit, "elicitation")
    site.inner.script = says(answer)
    assert (await site.send(call(), token=accredit.token())).json() == answer
    record = (await site.records())[-1]
    assert (record["method"], record["target"], record["outcome"]) == ("elicitation/create", "pay.example", "allow")


@pytest.mark.parametrize(
    "answer",
    [
        required(body_of(ROOTS), body_of(SAMPLE)),
        required("x"),
        required({"Method": "roots/list"}),
        required({"method": ["roots/list"]}),
        required({"method": "roots/list", "params": []}),
        required({"method": "roots/list", "Params": {}}),
        {"jsonrpc": "2.0", "id": 7, "result": {"inputRequests": [body_of(ROOTS)]}},
        {"jsonrpc": "2.0", "id": 7, "error": {"Data": {"elicitations": []}}},
        {"jsonrpc": "2.0", "id": 7, "error": {"data": {"Elicitations": []}}},
        {"jsonrpc": "2.0", "method": "notifications/tasks", "params": {"inputRequests": {"k": body_of(SAMPLE)}}},
    ],
)
async def test_one_thing_that_may_not_be_asked_is_enough(site: Guarded, accredit: FakeAccredit, answer: Any) -> None:
    await allow(site, accredit, "roots", "elicitation")
    site.inner.script = says(answer)
    assert (await site.send(call(), token=accredit.token())).status == 502
    assert (await site.records())[-2]["reason"] == "ask_refused"


@pytest.mark.parametrize(
    "answer",
    [
        {"jsonrpc": "2.0", "id": 7, "error": {"code": 1, "message": '"method"', "data": ["elicitations"]}},
        {"jsonrpc": "2.0", "id": 7, "error": {"code": 1, "message": "m", "data": {"elicitations": "x"}}},
        {"jsonrpc": "2.0", "id": 7, "result": [{"tools": 1}]},
        {"jsonrpc": "2.0", "id": 7, "result": {"tools": {"read": 1}, "requestState": 1, "taskId": None, "task": 1}},
        {"jsonrpc": "2.0", "id": 7, "result": {"structuredContent": {"method": "x", "Method": "y", "Tools": []}}},
    ],
)
async def test_what_only_looks_like_it_keeps_its_bytes(site: Guarded, accredit: FakeAccredit, answer: Any) -> None:
    site.inner.script = says(answer)
    response = await site.send(call(), token=accredit.token())
    assert (response.status, response.json()) == (200, answer)


async def test_what_cannot_be_recorded_is_not_asked(
    site: Guarded, accredit: FakeAccredit, monkeypatch: pytest.MonkeyPatch
) -> None:
    await allow(site, accredit, "elicitation")
    monkeypatch.setattr(site.guard._gate, "asked", lambda seen, ask, allowed: False)
    site.inner.script = asking(ELICIT, DONE)
    assert told((await site.before(CALL, token=accredit.token())).body) == [DONE]
    await asyncio.gather(*site.guard._way._declining)
    assert json.loads(site.inner.calls[-1][1])["error"]["code"] == -32601
    for script in (says(required(body_of(ELICIT))), streams(event(required(body_of(ELICIT))))):
        site.inner.script = script
        response = await site.send(call(), token=accredit.token())
        assert b"inputRequests" not in response.body
        assert b"503" in response.body


async def test_a_server_that_asks_without_end_does_not_fill_the_guard(site: Guarded, accredit: FakeAccredit) -> None:
    stream = streams(*(event({**ROOTS, "id": number}) for number in range(150)), event(DONE))
    held = asyncio.Event()

    async def script(scope: Any, body: bytes, receive: Any, send: Any) -> None:
        if b"-32601" in body:
            await held.wait()
        else:
            await stream(scope, body, receive, send)

    site.inner.script = script
    assert told((await site.before(CALL, token=accredit.token())).body) == [DONE]
    assert len(site.guard._way._declining) == 100
    held.set()
    await asyncio.gather(*site.guard._way._declining)


async def test_a_server_that_fails_when_it_is_told_harms_nobody(
    site: Guarded, accredit: FakeAccredit, caplog: pytest.LogCaptureFixture
) -> None:
    stream = streams(event(SAMPLE), event(DONE))

    async def script(scope: Any, body: bytes, receive: Any, send: Any) -> None:
        if b"-32601" in body:
            raise RuntimeError
        await stream(scope, body, receive, send)

    site.inner.script = script
    assert told((await site.before(CALL, token=accredit.token())).body) == [DONE]
    await asyncio.gather(*site.guard._way._declining)
    assert "could not be told" in caplog.text


# ---------------------------------------------------------------------------------------------- for any document
def names() -> Any:
    return st.sampled_from(["open", "hidden", "secret", "gone", "Open", "op\u00e9n"])


ITEMS = st.lists(
    st.fixed_dictionaries({"name": names()}, optional={"x": st.floats(allow_nan=False) | st.text(max_size=3)}),
    max_size=4,
)
RESULTS = st.dictionaries(
    st.sampled_from(["tools", "prompts", "content", "nextCursor", "Tools", "t"]),
    ITEMS | st.text(max_size=3),
    max_size=3,
)
ENVELOPES = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0")},
    optional={"id": st.integers(0, 9), "result": RESULTS, "Result": RESULTS, "error": RESULTS},
)
OPEN = Policy(
    server_id="s",
    resource="r",
    issuer="i",
    version=1,
    targets={
        ("tool", "open"): Target("tool", "open", frozenset({"a"})),
        ("tool", "hidden"): Target("tool", "hidden", frozenset({"b"}), visibility=Visibility.HIDE),
        ("tool", "secret"): Target("tool", "secret", frozenset({"c"}), visibility=Visibility.CONCEAL),
        ("prompt", "open"): Target("prompt", "open", frozenset({"a"})),
    },
    scopes=frozenset(),
    default_scopes=frozenset(),
)
SCREEN = Screen(OPEN, Seals(bytes(32)), b"o", frozenset({"a"}), Era.HANDSHAKE, "tools/list", None)


@st.composite
def spelled(draw: st.DrawFn, value: Any) -> str:
    """Spell a JSON value with drawn spaces and escapes, and now and then a repeated member."""
    space = draw(st.sampled_from(["", "", " ", "\n"]))
    if isinstance(value, dict):
        members = list(value.items())
        if members and draw(st.integers(0, 9)) == 0:
            members.append(draw(st.sampled_from(members)))
        inside = ",".join(f"{space}{draw(spelled(key))}:{space}{draw(spelled(item))}" for key, item in members)
        return f"{{{inside}}}"
    if isinstance(value, list):
        return "[" + ",".join(draw(spelled(item)) for item in value) + space + "]"
    text = json.dumps(value, ensure_ascii=draw(st.booleans()))
    if isinstance(value, str) and value and draw(st.integers(0, 4)) == 0:
        return f'"\\u{ord(value[0]):04x}{json.dumps(value[1:])[1:]}' if ord(value[0]) < 0x10000 else text
    return text


def pairs_of(text: str) -> list[Any]:
    """Return every reading of a document: all members of every object, the repeated ones too."""
    found: list[Any] = []

    def keep(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found.extend(pairs)
        return dict(pairs)

    json.loads(text, object_pairs_hook=keep)
    return found


@given(ENVELOPES.flatmap(spelled))
def test_no_name_that_may_not_be_seen_is_left_in_any_list_and_what_stays_keeps_its_bytes(text: str) -> None:
    try:
        said, asks = SCREEN.told(text.encode())
    except Unreadable:
        return
    assert asks == ()
    shown = {"tools": {"open"}, "prompts": {"open"}}
    read = pairs_of(said.decode())
    for key, value in read:
        if key == "result":
            assert all(name.lower() not in shown or name in shown for name in value)
            for name, allowed in shown.items():
                items = value.get(name)
                assert not isinstance(items, list) or all(one["name"] in allowed for one in items)
    assert [key for key, _ in read].count("result") <= 1
    if not any(f'"{word}"' in said.decode().lower() for word in ("tools", "prompts")) and "\\u" not in text:
        assert said.decode() == text


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_bytes_end_in_anything_but_a_message_or_a_refusal(document: bytes) -> None:
    with contextlib.suppress(Unreadable, Refused, Dropped):
        assert SCREEN.told(document)[0] is not None


def test_an_item_that_stays_keeps_every_byte() -> None:
    item = b'{ "name" : "open", "n":1.50000000000000000001, "t":"\\u00e4\\/" }'
    said, _ = SCREEN.told(b'{"id":1,"result":{"x":[ 1.0 ],"tools":[{"name":"gone"},%b,{"name":"secret"}]}}' % item)
    assert said == b'{"id":1,"result":{"x":[ 1.0 ],"tools":[%b]}}' % item


def test_a_refusal_names_what_was_asked_and_the_servers_own_id() -> None:
    with pytest.raises(Refused) as caught:
        SCREEN.told(b'{"id": 1.0 ,"method":"roots/list"}')
    assert caught.value.ask == Ask("roots/list", None, b"1.0")
