"""What is under way ends with the token behind it, at once and for that one alone; an admitted call needs no more."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from mcp_types.jsonrpc import JSONRPCError, jsonrpc_message_adapter
from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import StreamingResponse
from starlette.routing import Route

from accredit_sdk.guard import exchange as exchanges
from tests.support.authority import AGENT, SERVER, FakeAccredit
from tests.support.guarded import Guarded, Live, call, event, events, follows, says, streams, told

LISTEN = call(method="subscriptions/listen", notifications={"toolsListChanged": True})
CHANGED = {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}


def never(started: asyncio.Event, stopped: asyncio.Event | None = None) -> Any:
    """Return a script that works for ever, and says when it begins and when it is stopped."""

    async def script(_: Any, __: bytes, receive: Any, send: Any) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            if stopped is not None:
                stopped.set()

    return script


async def opened(site: Guarded, token: str, message: Any = None, source: Any = None) -> tuple[Live, Any]:
    """Return a stream that has begun, and where its events are put in."""
    source = source or asyncio.Queue()
    site.inner.script = follows(source)
    if message is None:
        live = await site.live(token=token, method="GET")
    else:
        live = await site.live(message, token=token)
    source.put_nowait(event(CHANGED))
    await live.body(b"list_changed")
    return live, source


def revoke(accredit: FakeAccredit) -> None:
    accredit.signal("revoked", AGENT)


def suspend(accredit: FakeAccredit) -> None:
    accredit.signal("suspended", AGENT)


def suspend_server(accredit: FakeAccredit) -> None:
    accredit.server_suspended = True
    accredit.signal("policy")


@pytest.mark.parametrize(
    ("death", "reason"), [(revoke, "revoked"), (suspend, "suspended"), (suspend_server, "suspended")]
)
@pytest.mark.parametrize("message", [LISTEN, call(), None], ids=["listen", "call", "GET"])
async def test_a_stream_ends_with_its_token_and_an_error_is_its_last_event(
    site: Guarded, accredit: FakeAccredit, death: Any, reason: str, message: Any
) -> None:
    live, source = await opened(site, accredit.token(), message)
    death(accredit)
    await site.catch_up()
    source.put_nowait(event({"jsonrpc": "2.0", "method": "notifications/late"}))
    response = await live.ended()
    first, last = told(response.body)
    assert first == CHANGED
    assert last["id"] == (7 if message else None)
    assert isinstance(jsonrpc_message_adapter.validate_python(last), JSONRPCError)
    assert last["error"]["code"] == 401
    record = (await site.records())[-1]
    assert (record["reason"], record["decision"]) == (reason, last["error"]["data"]["decision_id"])


@pytest.mark.parametrize("death", [revoke, suspend, suspend_server])
async def test_a_call_that_has_not_been_answered_gets_401_and_the_server_is_stopped(
    site: Guarded, accredit: FakeAccredit, death: Any
) -> None:
    started, stopped = asyncio.Event(), asyncio.Event()
    site.inner.script = never(started, stopped)
    live = await site.live(call(), token=accredit.token())
    await started.wait()
    death(accredit)
    await site.catch_up()
    response = await live.ended()
    assert stopped.is_set()
    assert (response.status, response.json()["error"]) == (401, "invalid_token")
    assert 'error="invalid_token"' in response.challenge
    assert not live.task.cancelled()
    assert live.task.cancelling() == 0


async def test_an_answer_that_has_begun_to_leave_is_not_followed_by_another(
    site: Guarded, accredit: FakeAccredit
) -> None:
    site.inner.script = says({"jsonrpc": "2.0", "id": 7, "result": {"tasks": []}})
    live = await site.live(call(), token=accredit.token())
    live.reads.clear()
    await live.tried.wait()
    revoke(accredit)
    await site.catch_up()
    live.reads.set()
    assert (await live.ended()).status == 200


async def test_a_token_that_dies_between_two_requests_opens_nothing(site: Guarded, accredit: FakeAccredit) -> None:
    token = accredit.token()
    assert (await site.send(call(), token=token)).status == 200
    revoke(accredit)
    await site.catch_up()
    assert (await site.send(call(), token=token)).status == 401
    assert (await site.before(token=token, method="GET")).status == 401


async def test_the_streams_of_others_go_on(site: Guarded, accredit: FakeAccredit) -> None:
    mine, _ = await opened(site, accredit.token(sub="agt_other", client_id="agt_other", rev=["agt_other", SERVER]))
    source = asyncio.Queue[Any]()
    theirs, _ = await opened(site, accredit.token(), LISTEN, source)
    accredit.signal("revoked", "agt_other")
    await site.catch_up()
    assert told((await mine.ended()).body)[-1]["error"]["code"] == 401
    source.put_nowait(event({"jsonrpc": "2.0", "method": "notifications/still-here"}))
    source.put_nowait(None)
    response = await theirs.ended()
    assert told(response.body)[-1]["method"] == "notifications/still-here"


async def test_an_admitted_call_outlives_the_end_of_its_token(site: Guarded, accredit: FakeAccredit) -> None:
    live, source = await opened(site, accredit.token(), call())
    accredit.clock.advance(200)
    await site.catch_up()
    accredit.clock.advance(200)
    await site.catch_up()
    site.guard._runtime.end_overdue()  # type: ignore[union-attr]
    source.put_nowait(event({"jsonrpc": "2.0", "id": 7, "result": {}}))
    source.put_nowait(None)
    assert told((await live.ended()).body)[-1] == {"jsonrpc": "2.0", "id": 7, "result": {}}
    assert (await site.send(call(), token=accredit.token(exp=accredit.seconds() - 31))).status == 401


async def age(site: Guarded, accredit: FakeAccredit, seconds: int) -> None:
    for _ in range(0, seconds, 100):
        accredit.clock.advance(100)
        await site.catch_up()


@pytest.mark.parametrize("message", [LISTEN, None], ids=["listen", "GET"])
async def test_a_standing_stream_lives_an_hour_and_ends_in_good_order(
    site: Guarded, accredit: FakeAccredit, message: Any
) -> None:
    live, _ = await opened(site, accredit.token(exp=accredit.seconds() + 9000), message)
    call_live, source = await opened(site, accredit.token(), call())
    await age(site, accredit, 3500)
    runtime = site.guard._runtime
    assert runtime is not None
    accredit.clock.advance(99.999)
    runtime.end_overdue()
    assert len(site.guard._streams.all()) == 2
    accredit.clock.advance(0.001)
    runtime.end_overdue()
    found = told((await live.ended()).body)
    if message is None:
        assert found == [CHANGED]
    else:
        meta = {"io.modelcontextprotocol/subscriptionId": 7}
        assert found[-1] == {"jsonrpc": "2.0", "id": 7, "result": {"resultType": "complete", "_meta": meta}}
    source.put_nowait(None)
    assert told((await call_live.ended()).body) == [CHANGED]


async def test_nothing_goes_on_once_no_revocation_could_be_heard_of(site: Guarded, accredit: FakeAccredit) -> None:
    live, _ = await opened(site, accredit.token())
    started = asyncio.Event()
    site.inner.script = never(started)
    waiting = await site.live(call(), token=accredit.token())
    await started.wait()
    runtime = site.guard._runtime
    assert runtime is not None
    accredit.clock.advance(300)
    runtime.end_overdue()
    assert len(site.guard._streams.all()) == 2
    accredit.clock.advance(1)
    runtime.end_overdue()
    assert told((await live.ended()).body)[-1]["error"]["code"] == 503
    response = await waiting.ended()
    assert (response.status, response.headers["retry-after"]) == (503, "2")


async def test_the_watch_goes_on_after_a_failure(
    site: Guarded, accredit: FakeAccredit, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    runtime, rounds = site.guard._runtime, asyncio.Queue[int]()
    assert runtime is not None

    def broken() -> None:
        rounds.put_nowait(1)
        raise OSError

    monkeypatch.setattr("accredit_sdk.guard.runtime._WATCH_EVERY", 0)
    monkeypatch.setattr(runtime, "end_overdue", broken)
    watch = asyncio.create_task(runtime._watch())
    await rounds.get()
    await rounds.get()
    watch.cancel()
    assert "not ended" in caplog.text


async def test_a_server_that_does_not_stop_is_not_waited_for(
    site: Guarded, accredit: FakeAccredit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchanges, "_PATIENCE", 0.01)
    started, release, told_off = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def stubborn(_: Any, __: bytes, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        started.set()
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                told_off.set()
        await send({"type": "http.response.body", "body": event(CHANGED), "more_body": True})

    site.inner.script = stubborn
    live = await site.live(call(), token=accredit.token())
    await started.wait()
    revoke(accredit)
    await site.catch_up()
    assert told(await live.body(b"decision_id"))[0]["error"]["code"] == 401
    assert told_off.is_set()
    release.set()
    assert len(told((await live.ended()).body)) == 1


async def test_a_server_that_goes_on_talking_after_the_end_is_stopped(site: Guarded, accredit: FakeAccredit) -> None:
    sent = 0

    async def talkative(_: Any, __: bytes, receive: Any, send: Any) -> None:
        nonlocal sent
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        while True:
            sent += 1
            await send({"type": "http.response.body", "body": event(CHANGED), "more_body": True})
            if sent == 5:
                revoke(accredit)
                await site.catch_up()

    site.inner.script = talkative
    response = await site.send(call(), token=accredit.token())
    assert [one.get("method") for one in told(response.body)] == [CHANGED["method"]] * 5 + [None]


async def test_a_server_that_fails_while_it_is_stopped_does_not_spoil_the_last_word(
    site: Guarded, accredit: FakeAccredit
) -> None:
    started = asyncio.Event()

    async def clumsy(_: Any, __: bytes, receive: Any, send: Any) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise RuntimeError("no response returned") from None

    site.inner.script = clumsy
    live = await site.live(call(), token=accredit.token())
    await started.wait()
    revoke(accredit)
    await site.catch_up()
    assert (await live.ended()).status == 401


async def test_a_failure_of_the_server_and_a_cancellation_from_outside_are_not_swallowed(
    site: Guarded, accredit: FakeAccredit
) -> None:
    async def broken(_: Any, __: bytes, receive: Any, send: Any) -> None:
        raise RuntimeError("a bug of the server")

    site.inner.script = broken
    with pytest.raises(RuntimeError, match="a bug"):
        await site.send(call(), token=accredit.token())
    started = asyncio.Event()
    site.inner.script = never(started)
    live = await site.live(call(), token=accredit.token())
    await started.wait()
    live.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await live.task
    assert site.guard._streams.all() == []


async def test_a_stop_from_outside_at_the_same_time_counts_too(site: Guarded, accredit: FakeAccredit) -> None:
    started = asyncio.Event()
    site.inner.script = never(started)
    live = await site.live(call(), token=accredit.token())
    await started.wait()
    revoke(accredit)
    await site.catch_up()
    live.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await live.task


async def test_a_client_that_does_not_read_keeps_neither_the_server_nor_the_guard_busy(
    site: Guarded, accredit: FakeAccredit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchanges, "_PATIENCE", 0.01)
    live, source = await opened(site, accredit.token())
    live.reads.clear()
    live.tried.clear()
    source.put_nowait(event(CHANGED))
    await live.tried.wait()
    revoke(accredit)
    await site.catch_up()
    await live.task
    assert site.guard._streams.all() == []


async def test_a_client_that_leaves_is_told_to_the_server(site: Guarded, accredit: FakeAccredit) -> None:
    heard = asyncio.Queue[str]()

    async def listening(_: Any, __: bytes, receive: Any, send: Any) -> None:
        heard.put_nowait((await receive())["type"])

    site.inner.script = listening
    live = await site.live(token=accredit.token(), method="GET")
    live.leave()
    assert await heard.get() == "http.disconnect"
    await live.task


async def test_the_tasks_of_the_server_end_with_its_request(site: Guarded, accredit: FakeAccredit) -> None:
    started, stopped = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async def grouped(_: Any, __: bytes, receive: Any, send: Any) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(work())
            await send(
                {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]}
            )

    site.inner.script = grouped
    live = await site.live(call(), token=accredit.token())
    await started.wait()
    revoke(accredit)
    await site.catch_up()
    assert told((await live.ended()).body)[0]["error"]["code"] == 401
    assert stopped.is_set()


async def endless() -> AsyncIterator[str]:
    yield json.dumps(CHANGED)
    await asyncio.Event().wait()


async def framed() -> AsyncIterator[bytes]:
    async for data in endless():
        yield event(data)


def middled() -> Any:
    async def passing(request: Any, call_next: Any) -> Any:
        return await call_next(request)

    routes = [Route("/mcp", lambda _: StreamingResponse(framed(), media_type="text/event-stream"), methods=["POST"])]
    return Starlette(routes=routes, middleware=[Middleware(BaseHTTPMiddleware, dispatch=passing)])


@pytest.mark.parametrize(
    "make",
    [
        lambda: StreamingResponse(framed(), media_type="text/event-stream"),
        lambda: EventSourceResponse(endless(), ping=60),
        middled,
    ],
    ids=["starlette", "sse-starlette", "middleware"],
)
async def test_the_frameworks_in_use_stop_in_good_order(
    site: Guarded, accredit: FakeAccredit, make: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    async def script(scope: Any, _: bytes, receive: Any, send: Any) -> None:
        await make()(scope, receive, send)

    site.inner.script = script
    live = await site.live(call(), token=accredit.token())
    await live.body(b"list_changed")
    revoke(accredit)
    await site.catch_up()
    assert [one.get("error", {}).get("code") for one in told((await live.ended()).body)] == [None, 401]
    assert live.task.cancelling() == 0
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_stream_goes_on_under_the_policy_of_now(site: Guarded, accredit: FakeAccredit) -> None:
    listing = {"jsonrpc": "2.0", "id": 1, "result": {"tools": [{"name": "read"}]}}
    live, source = await opened(site, accredit.token())
    source.put_nowait(event(listing))
    await live.body(b'"read"')
    accredit.targets = ()
    accredit.signal("policy")
    await site.catch_up()
    source.put_nowait(event(listing))
    source.put_nowait(None)
    assert [one["result"]["tools"] for one in told((await live.ended()).body)[1:]] == [[{"name": "read"}], []]


async def test_what_is_over_is_forgotten(site: Guarded, accredit: FakeAccredit) -> None:
    site.inner.script = streams(event(CHANGED))
    await site.send(call(), token=accredit.token())
    await site.before(token=accredit.token(), method="GET")
    assert site.guard._streams.all() == []
    revoke(accredit)
    await site.catch_up()
    assert [record["outcome"] for record in await site.records()] == ["allow", "allow"]


async def test_a_comment_keeps_the_connection_awake(site: Guarded, accredit: FakeAccredit) -> None:
    site.inner.script = streams(b": ping - 2026-11-24\r\n\r\n")
    response = await site.before(token=accredit.token(), method="GET")
    assert (response.body, events(response.body)) == (b":\n\n", [{"": ""}])
