"""Sessions, events, tasks and request states of the server belong to the principal that they were given to."""

import json
from typing import Any

import pytest

from tests.support.authority import SERVER, FakeAccredit
from tests.support.guarded import META, Guarded, Response, call, event, events, says, streams

INITIALIZE = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25"}}
CALL = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "read"}}
REPLY = {"jsonrpc": "2.0", "id": 3, "result": {"roots": []}}
TASKS = "io.modelcontextprotocol/tasks"
TASKED = {**META, "io.modelcontextprotocol/clientCapabilities": {"extensions": {TASKS: {}}}}
OTHERS = [
    {"sub": "agt_other", "client_id": "agt_other", "rev": ["agt_other", SERVER]},
    {"client_id": "app_other"},
    {"sub": "usr_other"},
]


async def begun(site: Guarded, token: str, session: str = "s-1") -> str:
    """Return the sealed id of a session that the server calls `session`."""
    site.inner.script = says({"jsonrpc": "2.0", "id": 1, "result": {}}, mcp_session_id=session)
    response = await site.before(INITIALIZE, token=token)
    site.inner.script = says({"reached": True})
    site.inner.calls.clear()
    return response.headers["mcp-session-id"]


def reached(site: Guarded, name: bytes = b"mcp-session-id") -> list[bytes | None]:
    return [dict(scope["headers"]).get(name) for scope, _ in site.inner.calls]


async def test_a_session_id_leaves_sealed_and_the_server_gets_its_own_back(
    site: Guarded, accredit: FakeAccredit
) -> None:
    token = accredit.token()
    sealed = await begun(site, token)
    assert sealed != "s-1"
    assert sealed.startswith("s-1.")
    renewed = accredit.token("ledger", iat=accredit.seconds() - 1)
    for message, method in ((CALL, "POST"), (REPLY, "POST"), (None, "GET"), (None, "DELETE")):
        assert (await site.before(message, token=renewed, session=sealed, method=method)).status == 200
    assert reached(site) == [b"s-1"] * 4
    assert b"authorization" not in dict(site.inner.calls[0][0]["headers"])


@pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
@pytest.mark.parametrize("status", [200, 202, 400, 404, 500])
async def test_no_answer_carries_a_session_id_unsealed(
    site: Guarded, accredit: FakeAccredit, kind: str, status: int
) -> None:
    for name in ("mcp_session_id", "Mcp_Session_Id"):
        site.inner.script = says(event({}) if "event" in kind else {}, status, content_type=kind, **{name: "s-1"})
        response = await site.before(CALL, token=accredit.token())
        assert response.status == status
        assert response.headers["mcp-session-id"].startswith("s-1.")
        assert len(response.headers["mcp-session-id"]) == 36


@pytest.mark.parametrize("claims", OTHERS)
@pytest.mark.parametrize(
    ("message", "method"), [(CALL, "POST"), (REPLY, "POST"), (None, "GET"), (None, "DELETE"), (INITIALIZE, "POST")]
)
async def test_a_foreign_session_is_answered_like_one_that_never_was(
    site: Guarded, accredit: FakeAccredit, claims: dict[str, Any], message: Any, method: str
) -> None:
    sealed = await begun(site, accredit.token())
    other = accredit.token("ledger", **claims)
    answers = [
        await site.before(message, token=other, session=session, method=method)
        for session in (sealed, "s-1", "never", "s-1." + "A" * 32, sealed[:-1], f"{sealed}.{sealed}", "\xe4", ".")
    ]
    assert {answer.status for answer in answers} == {404}
    assert len({(answer.body, json.dumps(answer.headers)) for answer in answers}) == 1
    assert site.inner.calls == []
    assert {record["reason"] for record in (await site.records())[1:]} == {"session"}


async def test_a_session_of_another_server_key_is_unknown(site: Guarded, accredit: FakeAccredit) -> None:
    sealed = await begun(site, accredit.token())
    real = accredit.snapshot
    accredit.snapshot = lambda **more: real(**{"sealing_key": "ef" * 32, **more})  # type: ignore[method-assign]
    accredit.signal("policy")
    await site.catch_up()
    assert (await site.before(CALL, token=accredit.token(), session=sealed)).status == 404


async def test_an_event_id_is_no_session_id_and_the_other_way_round(site: Guarded, accredit: FakeAccredit) -> None:
    token = accredit.token()
    session = await begun(site, token, "x")
    site.inner.script = streams(event({"n": 1}, "x"))
    stream = await site.before(token=token, session=session, method="GET")
    (fields,) = events(stream.body)
    assert fields["id"] != session
    assert (await site.before(token=token, session=fields["id"], method="GET")).status == 404
    assert (await site.before(token=token, method="GET", last_event_id=session)).status == 404
    assert (await site.before(token=token, method="GET", last_event_id=fields["id"])).status == 200
    assert reached(site, b"last-event-id") == [None, b"x"]


@pytest.mark.parametrize("claims", OTHERS)
async def test_events_of_others_cannot_be_replayed(
    site: Guarded, accredit: FakeAccredit, claims: dict[str, Any]
) -> None:
    site.inner.script = streams(event({"n": 1}, "e"))
    (fields,) = events((await site.before(token=accredit.token(), method="GET")).body)
    site.inner.calls.clear()
    other = accredit.token(**claims)
    answers = [
        await site.before(token=other, method="GET", last_event_id=one) for one in (fields["id"], "e", "never", "0")
    ]
    assert {answer.status for answer in answers} == {404}
    assert len({answer.body for answer in answers}) == 1
    assert site.inner.calls == []


async def test_a_stream_without_a_session_is_the_servers_to_judge(site: Guarded, accredit: FakeAccredit) -> None:
    site.inner.script = says({"jsonrpc": "2.0", "error": {"code": -32600, "message": "Missing session"}}, 400)
    for method in ("GET", "DELETE"):
        for session in (None, ""):
            assert (await site.before(token=accredit.token(), session=session, method=method)).status == 400
            assert (await site.before(session=session, method=method)).status == 401
    assert reached(site) == [None] * 4
    assert [record["method"] for record in await site.records() if record["outcome"] == "allow"] == [
        "stream/open",
        "stream/open",
        "session/end",
        "session/end",
    ]


async def test_the_body_of_a_get_or_delete_reaches_nobody(site: Guarded, accredit: FakeAccredit) -> None:
    bodies = []

    async def script(_: Any, body: bytes, receive: Any, send: Any) -> None:
        bodies.append((body, (await receive())["type"]))
        await says({})(_, body, receive, send)

    site.inner.script = script
    for method in ("GET", "DELETE"):
        assert (await site.before(CALL, token=accredit.token(), method=method)).status == 200
    assert bodies == [(b"", "http.disconnect")] * 2


async def test_a_posted_response_needs_a_session_and_is_passed_on_in_our_words(
    site: Guarded, accredit: FakeAccredit
) -> None:
    token = accredit.token()
    for session in (None, ""):
        refused = await site.before(REPLY, token=token, session=session)
        assert (refused.status, refused.json()["error"]["code"]) == (400, -32600)
    assert (await site.before(REPLY)).status == 401
    assert site.inner.calls == []
    sealed = await begun(site, token)
    error = {"jsonrpc": "2.0", "id": "x", "error": {"code": -1, "message": "no"}, "extra": 1}
    await site.before(REPLY, token=token, session=sealed)
    await site.before(error, token=token, session=sealed)
    assert site.inner.messages() == [REPLY, {name: error[name] for name in ("jsonrpc", "id", "error")}]


@pytest.mark.parametrize(
    "reply",
    [
        {"jsonrpc": "2.0", "result": {}},
        {"jsonrpc": "2.0", "id": 3},
        {"jsonrpc": "2.0", "id": None, "result": {}},
        {"jsonrpc": "2.0", "id": 3, "result": {}, "error": {}},
        {"jsonrpc": "2.0", "id": 3, "result": []},
        {"jsonrpc": "1.0", "id": 3, "result": {}},
        {"jsonrpc": "2.0", "id": 3, "result": {}, "Result": {}},
        {"jsonrpc": "2.0", "id": 3, "result": {}, "Method": "tools/call"},
        {"jsonrpc": "2.0", "id": 3, "result": {}, "params": {}},
        [REPLY],
    ],
)
async def test_what_is_no_response_is_refused(site: Guarded, accredit: FakeAccredit, reply: Any) -> None:
    token = accredit.token()
    sealed = await begun(site, token)
    response = await site.before(reply, token=token, session=sealed)
    assert (response.status, site.inner.calls) == (400, [])
    modern = await site.send(REPLY, token=token)
    assert modern.status == 400


@pytest.mark.parametrize("method", ["tools/call", "ping", "notifications/unheard-of", "notifications/message"])
async def test_a_notification_that_no_server_knows_ends_at_the_guard(
    site: Guarded, accredit: FakeAccredit, method: str
) -> None:
    message = {"jsonrpc": "2.0", "method": method, "params": {"name": "read"}}
    assert (await site.before(message, token=accredit.token())).status == 202
    assert site.inner.calls == []
    known = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}
    assert (await site.before(known, token=accredit.token())).status == 200
    assert site.inner.messages() == [known]
    assert (await site.before(known)).status == 401


# -------------------------------------------------------------------------------------------------------- tasks
def about(task: Any, method: str = "tasks/get", **more: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 8, "method": method, "params": {"taskId": task, **more}}


async def started(site: Guarded, token: str, name: str = "read", shape: str = "task") -> str:
    """Return the id of a task that the server calls `t`, begun by a call of a tool."""
    inner = {"taskId": "t", "status": "working"}
    related = {"io.modelcontextprotocol/related-task": {"taskId": "t"}}
    result = {"task": {"task": inner}, "flat": inner, "related": {"_meta": related, "content": []}}[shape]
    site.inner.script = says({"jsonrpc": "2.0", "id": 7, "result": result})
    answer = (await site.before({**CALL, "params": {"name": name}}, token=token)).json()["result"]
    site.inner.script = says({"reached": True})
    site.inner.calls.clear()
    places = {"task": answer.get("task"), "flat": answer, "related": answer.get("_meta", {}).get(next(iter(related)))}
    found: str = places[shape]["taskId"]
    return found


@pytest.mark.parametrize("shape", ["task", "flat", "related"])
async def test_a_task_is_sealed_wherever_it_is_named_and_opens_for_its_principal(
    site: Guarded, accredit: FakeAccredit, shape: str
) -> None:
    token = accredit.token()
    task = await started(site, token, shape=shape)
    assert task.startswith("t.")
    for method in ("tasks/get", "tasks/result", "tasks/cancel"):
        assert (await site.before(about(task, method, more=1), token=token)).status == 200
    modern = call(method="tasks/update", taskId=task, _meta=TASKED)
    assert (await site.send(modern, token=token)).status == 200
    assert [one["params"]["taskId"] for one in site.inner.messages()] == ["t"] * 4
    assert site.inner.messages()[0] == about("t", more=1)
    assert [record.get("target") for record in await site.records()] == ["read"] * 5


def unknown(answer: Response, status: int) -> bool:
    error = {"code": -32602, "message": "Unknown task"}
    return answer.status == status and answer.json()["error"] == error


@pytest.mark.parametrize("claims", OTHERS)
async def test_the_task_of_another_is_answered_like_one_that_never_was(
    site: Guarded, accredit: FakeAccredit, claims: dict[str, Any]
) -> None:
    task = await started(site, accredit.token())
    other = accredit.token("ledger", **claims)
    tasks = (task, "t", "never", task[:-1], "t.cmVhZA." + "A" * 32)
    answers = [await site.before(about(one), token=other) for one in tasks]
    assert all(unknown(one, 200) for one in answers)
    assert len({(one.body, json.dumps(one.headers)) for one in answers}) == 1
    answers = [await site.send(call(method="tasks/get", taskId=one, _meta=TASKED), token=other) for one in tasks]
    assert all(unknown(one, 400) for one in answers)
    assert site.inner.calls == []
    assert {record["reason"] for record in (await site.records())[1:]} == {"session"}


async def test_a_client_that_did_not_declare_tasks_is_told_what_it_lacks(site: Guarded, accredit: FakeAccredit) -> None:
    answer = await site.send(call(method="tasks/get", taskId="t"), token=accredit.token())
    error = answer.json()["error"]
    assert (answer.status, error["code"]) == (400, -32021)
    assert error["data"] == {"requiredCapabilities": {"extensions": {TASKS: {}}}}


async def test_the_name_in_the_header_is_the_task_as_each_side_knows_it(site: Guarded, accredit: FakeAccredit) -> None:
    token = accredit.token()
    task = await started(site, token)
    message = call(method="tasks/get", taskId=task, _meta=TASKED)
    assert (await site.send(message, token=token, headers={"mcp-name": task})).status == 200
    ((scope, _),) = site.inner.calls
    assert dict(scope["headers"])[b"mcp-name"] == b"t"
    other = await site.send(message, token=token, headers={"mcp-name": "other"})
    assert (other.status, other.json()["error"]["code"]) == (400, -32020)


async def test_a_task_needs_the_scopes_of_its_tool(site: Guarded, accredit: FakeAccredit) -> None:
    task = await started(site, accredit.token("ledger"), "post")
    assert (await site.before(about(task), token=accredit.token("ledger"))).status == 200
    assert (await site.before(about(task), token=accredit.token("ledger:read"))).status == 403


@pytest.mark.parametrize("params", [{}, {"taskId": 7}, {"taskId": ""}, {"taskId": None}, {"TaskId": "t"}])
@pytest.mark.parametrize("method", ["tasks/get", "tasks/cancel", "tasks/result", "tasks/update"])
async def test_a_task_without_a_name_is_refused_and_never_a_failure_of_the_guard(
    site: Guarded, accredit: FakeAccredit, method: str, params: Any
) -> None:
    token = accredit.token()
    message = {"jsonrpc": "2.0", "id": 8, "method": method, "params": params}
    for answer in (
        await site.before(message, token=token),
        await site.send(call(method=method, **params), token=token),
    ):
        assert answer.status in (200, 400, 404)
        assert answer.json()["error"]["code"] in (-32602, -32600, -32601)
    assert site.inner.calls == []


async def test_a_task_in_a_stream_of_news_is_sealed_too(site: Guarded, accredit: FakeAccredit) -> None:
    news = {"jsonrpc": "2.0", "method": "notifications/tasks/status", "params": {"taskId": "t", "status": "working"}}
    site.inner.script = streams(event(news))
    response = await site.before(CALL, token=accredit.token())
    assert '"taskId":"t"' not in response.body.decode()
    assert '"taskId":"t.' in response.body.decode()
    # There the guard does not know by which tool the task was begun, so it would be another id.
    assert (await site.before(token=accredit.token(), method="GET")).body == b""


# ----------------------------------------------------------------------------------------------- request states
def retried(state: Any, name: str = "read", **more: Any) -> dict[str, Any]:
    return call(name, requestState=state, inputResponses={"k": {}}, **more)


async def state_of(site: Guarded, token: str, message: Any) -> str:
    """Return the state that the server calls `st`, given out in answer to `message`."""
    site.inner.script = says(
        {"jsonrpc": "2.0", "id": 7, "result": {"resultType": "input_required", "requestState": "st"}}
    )
    found: str = (await site.send(message, token=token)).json()["result"]["requestState"]
    site.inner.script = says({"reached": True})
    site.inner.calls.clear()
    return found


async def test_a_request_state_opens_for_a_retry_of_the_same_call(site: Guarded, accredit: FakeAccredit) -> None:
    token = accredit.token("ledger")
    state = await state_of(site, token, call())
    assert state != "st"
    assert (await site.send(retried(state), token=token)).status == 200
    (message,) = site.inner.messages()
    assert (message["params"]["requestState"], message["params"]["inputResponses"]) == ("st", {"k": {}})
    refused = [
        await site.send(retried(state, "post"), token=token),
        await site.send(call("summary", "prompts/get", requestState=state), token=token),
        await site.send(retried("st"), token=token),
        await site.send(retried(state[:-1]), token=token),
        *[await site.send(retried(state), token=accredit.token("ledger", **claims)) for claims in OTHERS],
        *[await site.send(retried(bad), token=token) for bad in ("", 7, None, {"st": 1}, ["st"])],
    ]
    assert {(one.status, one.json()["error"]["code"]) for one in refused} == {(400, -32602)}
    assert len(site.inner.calls) == 1


async def test_a_retry_is_judged_like_the_first_call(site: Guarded, accredit: FakeAccredit) -> None:
    state = await state_of(site, accredit.token("ledger"), call("post"))
    assert (await site.send(retried(state, "post"), token=accredit.token("ledger:read"))).status == 403


# --------------------------------------------------------------------------------------------------- two eras
@pytest.mark.parametrize(
    ("message", "status"),
    [
        ({"jsonrpc": "2.0", "id": 7, "method": "ping"}, 404),
        (INITIALIZE, 404),
        ({"jsonrpc": "2.0", "id": 7, "method": "logging/setLevel", "params": {"level": "debug"}}, 404),
    ],
)
async def test_what_one_era_let_through_is_refused_in_the_other(
    site: Guarded, accredit: FakeAccredit, message: Any, status: int
) -> None:
    token = accredit.token()
    assert (await site.before(message, token=token)).status == 200
    modern = {**message, "params": {**message.get("params", {}), **call(method="x")["params"]}}
    assert (await site.send(modern, token=token)).status == status
    assert len(site.inner.calls) == 1
    for method in ("server/discover", "subscriptions/listen"):
        listening = call(method=method, notifications={})
        assert (await site.send(listening, token=token)).status == 200
        old = {"jsonrpc": "2.0", "id": 7, "method": method, "params": {"notifications": {}}}
        assert (await site.before(old, token=token)).json()["error"]["code"] == -32601
    assert len(site.inner.calls) == 3


async def test_the_modern_era_knows_no_session_and_none_is_passed_on(site: Guarded, accredit: FakeAccredit) -> None:
    token = accredit.token()
    sealed = await begun(site, token)
    await site.send(call(), token=token, headers={"mcp-session-id": sealed, "last-event-id": "x"})
    assert (reached(site), reached(site, b"last-event-id")) == ([None], [None])


async def test_a_token_keeps_no_more_decisions_than_there_are_tools(site: Guarded, accredit: FakeAccredit) -> None:
    token = accredit.token()
    for _ in range(3):
        await site.send(call(), token=token)
        await site.send(call("ledger://book/1", "resources/read"), token=token)
        await site.send(call("LEDGER://book/%31", "resources/read"), token=token)
    seen = site.guard._gate._tokens.get(f"Bearer {token}".encode())
    assert seen is not None
    assert [key[1] for key in seen.standings] == ["tools/call"]
