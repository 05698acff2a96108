"""The stream of signals as guards meet it: numbered, signed once for all, and open only to those who may listen."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from accredit.identity.changes import NumberedSignal, SignalKind
from accredit.ports.journal import StoreError
from accredit.service import guard_streams
from accredit.service.signal_log import SignalLog
from accredit.web import guard_stream
from accredit_sdk import jws
from tests.support.admin import Admin
from tests.support.listening import ISSUER, Listener, listener
from tests.support.until import eventually


@pytest.fixture
async def guard(admin: Admin) -> AsyncIterator[Listener]:
    """A guard of the ledger, and an agent to talk about."""
    await admin.ledger()
    await admin.ok("POST", "/roles", json={"slug": "reader", "scopes": {"ledger": ["ledger:read"]}})
    await admin.ok("POST", "/agents", json={"slug": "bot", "owner": "dana", "roles": ["reader"]})
    async with listener(admin, "door") as found:
        yield found


def head(admin: Admin) -> int:
    return admin.node.directory.cursor


async def suspend(admin: Admin) -> str:
    """Suspend the agent; return its id."""
    return str((await admin.ok("POST", "/agents/bot/suspend"))["id"])


async def test_a_signal_is_heard_at_once_signed_and_with_its_number(admin: Admin, guard: Listener) -> None:
    before = head(admin)
    async with guard.stream(before) as stream:
        assert (await stream.heard()).kind == "beat"
        bot = await suspend(admin)
        found = await stream.heard()
        assert (found.kind, found.handle, found.seq) == ("suspended", bot, before + 1)
        assert (found.issuer, found.audience) == (ISSUER, f"{ISSUER}/guard")


async def test_what_was_missed_comes_first_and_in_order(admin: Admin, guard: Listener) -> None:
    await suspend(admin)
    await admin.ok("POST", "/agents/bot/resume")
    async with guard.stream(0) as stream:
        found = [await stream.heard() for _ in range(head(admin))]
        assert [one.seq for one in found] == list(range(1, head(admin) + 1))
        assert [one.kind for one in found[-2:]] != ["beat", "beat"]
        last = await stream.heard()
        assert (last.kind, last.seq) == ("beat", head(admin))


async def test_two_guards_hear_the_very_same_bytes(admin: Admin, guard: Listener) -> None:
    before = head(admin)
    async with listener(admin, "gate") as other, guard.stream(before) as one, other.stream(head(admin)) as two:
        await one.until("beat")
        await two.until("beat")
        await suspend(admin)
        assert await one.raw() == await two.raw(), "ECDSA is random: only what is signed once is the same"


async def test_only_the_server_of_a_reduction_hears_whose_it_is_and_what_is_left(admin: Admin, guard: Listener) -> None:
    await admin.ledger("other", "https://tools.example/other")
    async with listener(admin, "gate", "other") as other:
        before = head(admin)
        async with guard.stream(before) as own, other.stream(before) as foreign:
            await admin.ok("DELETE", "/roles/reader/assignments/bot")
            here, there = await own.until("reduced"), await foreign.until("reduced")
    assert here.handle is not None
    assert here.scopes == ()
    assert (there.handle, there.scopes) == (None, None)
    assert here.server == there.server != None  # noqa: E711


async def test_a_suspended_guard_hears_no_more_at_once_and_cannot_come_back(admin: Admin, guard: Listener) -> None:
    async with guard.stream(head(admin)) as stream:
        await stream.until("beat")
        token = await guard.token()
        await admin.ok("POST", "/guards/door/suspend")
        await stream.over()
    headers = {"authorization": f"Bearer {token}"}
    assert (await guard.http.get("/guard/v1/stream?after=0", headers=headers)).status_code == 401
    await eventually(lambda: admin.node.streams.count() == 0)


async def test_a_guard_whose_server_has_gone_hears_no_more(admin: Admin, guard: Listener) -> None:
    async with guard.stream(head(admin), beat=1) as stream:
        await stream.until("beat")
        directory: Any = admin.node.directory
        directory._by_id = {}
        await stream.over()


async def test_a_node_that_cannot_tell_whether_a_guard_may_listen_lets_it_go(
    admin: Admin, guard: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: str) -> None:
        raise StoreError("OperationalError")

    async with guard.stream(head(admin), beat=1) as stream:
        await stream.until("beat")
        monkeypatch.setattr(admin.node.directory, "principal", broken)
        await stream.over()


async def test_a_node_that_cannot_see_new_signals_says_nothing_new_of_the_time(
    admin: Admin, guard: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with guard.stream(head(admin), beat=1) as stream:
        await stream.until("beat")
        monkeypatch.setattr(admin.node.directory, "catch_up", _fails)
        seen = (await stream.until("beat")).at
        admin.clock.advance(100)
        assert (await stream.until("beat")).at <= seen + 1


async def _fails() -> None:
    raise StoreError("OperationalError")


async def test_a_node_that_cannot_confirm_its_cursor_issues_nothing(
    admin: Admin, guard: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    await guard.token()
    monkeypatch.setattr(admin.node.directory, "catch_up", _fails)
    admin.clock.advance(1.1)
    with pytest.raises(AssertionError, match="temporarily_unavailable"):
        await guard.token()


async def test_a_guard_that_is_too_far_behind_is_told_so_by_a_beat(
    admin: Admin, guard: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin.node.streams.log, "_entries", admin.node.streams.log._entries[-2:])
    async with guard.stream(0) as stream:
        found = await stream.heard()
        assert (found.kind, found.seq) == ("beat", head(admin))
    async with guard.stream(head(admin) - 2) as stream:
        assert (await stream.heard()).seq == head(admin) - 1


async def test_a_guard_that_does_not_read_holds_up_nobody_and_is_let_go(
    admin: Admin, guard: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin.node.streams.log, "_kept", 4)
    monkeypatch.setattr(guard_stream, "_STALLED", 0.3)
    async with listener(admin, "gate") as other, other.stream(head(admin)) as stream:
        await stream.until("beat")
        slow = asyncio.create_task(_never_reads(admin, guard))
        await eventually(lambda: admin.node.streams.count() == 2)
        for _ in range(8):
            await suspend(admin)
            await stream.until("suspended")
            await admin.ok("POST", "/agents/bot/resume")
            await stream.until("resumed")
        await slow
        assert admin.node.streams.count() == 1


async def _never_reads(admin: Admin, guard: Listener) -> None:
    """Open a stream at the app itself, and take in nothing."""
    headers = [(b"authorization", b"Bearer " + (await guard.token()).encode())]
    scope = {"type": "http", "method": "GET", "path": "/guard/v1/stream", "query_string": b"after=0", "root_path": ""}

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    await admin.node.public({**scope, "headers": headers, "client": ("127.0.0.1", 1)}, receive, send)  # type: ignore[arg-type]


async def test_a_guard_has_so_many_streams_and_no_more(
    admin: Admin, guard: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard_streams, "MOST_OF_ONE", 1)
    async with guard.stream(head(admin)):
        assert (await guard.get("stream?after=0")).status_code == 503
        async with listener(admin, "gate") as other, other.stream(0):
            pass
    await eventually(lambda: admin.node.streams.count() == 0)
    monkeypatch.setattr(guard_streams, "MOST", 0)
    answer = await guard.get("stream?after=0")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_a_node_that_stops_ends_its_streams_and_takes_no_more(admin: Admin, guard: Listener) -> None:
    async with guard.stream(head(admin)) as stream:
        await stream.until("beat")
        admin.node.streams.close()
        await stream.over()
    assert (await guard.get("stream?after=0")).status_code == 503


async def test_a_stream_does_not_live_for_ever(admin: Admin, guard: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard_streams, "_LIFE", 1)
    monkeypatch.setattr(guard_streams, "_SPREAD", 1)
    async with guard.stream(head(admin)) as stream:
        await stream.over()


@pytest.mark.parametrize("query", ["", "after=x", "after=1&after=2", "after=-1", "after=1&beat=x", "after=" + "1" * 19])
async def test_a_stream_begins_behind_one_number(guard: Listener, query: str) -> None:
    assert (await guard.get(f"stream?{query}")).status_code == 400


async def test_a_stream_needs_the_token_of_a_guard(guard: Listener) -> None:
    for headers in ({}, {"authorization": "Bearer x"}, {"authorization": "Basic eDp4"}):
        answer = await guard.http.get("/guard/v1/stream?after=0", headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"][:6]) == (401, "Bearer")


# ---------------------------------------------------------------- where there is no stream: asking


async def test_a_question_is_answered_when_there_is_something_to_say(admin: Admin, guard: Listener) -> None:
    asked = asyncio.create_task(guard.get(f"changes?after={head(admin)}&wait=30"))
    await eventually(lambda: admin.node.streams._waiting)
    bot = await suspend(admin)
    page = jws.parse((await asked).content).payload
    assert bot.encode() in page


async def test_a_question_is_answered_after_the_wait_when_there_is_nothing(admin: Admin, guard: Listener) -> None:
    answer = await guard.get(f"changes?after={head(admin)}&wait=1")
    assert (answer.status_code, jws.parse(answer.content).payload[-13:]) == (200, b'"changes":[]}')
    assert (await guard.get("changes?after=0&wait=x")).status_code == 400


async def test_so_many_of_a_guard_wait_and_no_more(
    admin: Admin, guard: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard_streams, "MOST_OF_ONE", 1)
    asked = asyncio.create_task(guard.get(f"changes?after={head(admin)}&wait=30"))
    await eventually(lambda: admin.node.streams._waiting)
    more = await guard.get(f"changes?after={head(admin)}&wait=30")
    assert (more.status_code, more.headers["retry-after"]) == (503, "1")
    assert (await guard.get(f"changes?after={head(admin)}")).status_code == 200, "who does not wait is answered"
    async with listener(admin, "gate") as other:
        assert (await other.get("changes?after=0&wait=30")).status_code == 200
    await suspend(admin)
    assert (await asked).status_code == 200
    assert (await guard.get(f"changes?after={head(admin)}&wait=1")).status_code == 200


async def test_who_asks_for_the_head_of_a_stream_holds_none(guard: Listener) -> None:
    headers = {"authorization": f"Bearer {await guard.token()}"}
    async with asyncio.timeout(20):
        answer = await guard.http.request("HEAD", "/guard/v1/stream?after=0", headers=headers)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


async def test_a_guard_that_is_suspended_while_it_waits_hears_nothing(admin: Admin, guard: Listener) -> None:
    asked = asyncio.create_task(guard.get(f"changes?after={head(admin)}&wait=30"))
    await eventually(lambda: admin.node.streams._waiting)
    await admin.ok("POST", "/guards/door/suspend")
    assert (await asked).status_code == 401


async def test_pages_that_the_node_no_longer_has_at_hand_come_from_the_database(
    admin: Admin, guard: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = jws.parse((await guard.get("changes?after=0")).content, 1 << 20).payload
    monkeypatch.setattr(admin.node.streams.log, "_entries", [])
    again = jws.parse((await guard.get("changes?after=0")).content, 1 << 20).payload
    assert whole[whole.index(b'"changes"') :] == again[again.index(b'"changes"') :]


# ---------------------------------------------------------------- the log


def raised(seq: int) -> NumberedSignal:
    return NumberedSignal(seq, 0, SignalKind.REVOKED, f"agt_{seq}")


def test_a_log_keeps_a_bounded_number_and_passes_over_what_it_has() -> None:
    log = SignalLog(ISSUER, None, kept=4)  # type: ignore[arg-type]
    log.begin(3, [raised(2), raised(3), raised(4)])
    log.add([raised(3), raised(4)])
    assert [one.seq for one in log.after(1, 9) or ()] == [2, 3, 4]
    assert log.after(0, 9) is None
    for seq in range(5, 100):
        log.add([raised(seq)])
        assert len(log._entries) <= 8
    assert [one.seq for one in log.after(96, 2) or ()] == [97, 98]
    assert log.after(99, 2) == log.after(200, 2) == ()
    assert log.after(90, 2) is None
