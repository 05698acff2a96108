"""Signals over a stream: applied as they come and in their order, and nothing that Accredit did not say next."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from accredit_sdk import jws, keys
from accredit_sdk.guard.knowledge import Knowledge
from accredit_sdk.snapshot import TargetEntry
from tests.support.authority import AGENT, FakeAccredit, Told
from tests.support.guarded import Guarded, call, guarded, streams
from tests.support.until import eventually

OTHER = "srv_of-somebody-else"


@pytest.fixture
def accredit() -> FakeAccredit:
    return FakeAccredit(streaming=True)


@pytest.fixture
async def site(tmp_path: Path, accredit: FakeAccredit) -> AsyncIterator[Guarded]:
    async with guarded(tmp_path / "guard", accredit, poll_interval=0.02) as found:
        await eventually(lambda: accredit.streams)
        yield found


def known(site: Guarded) -> Knowledge:
    found = site.guard._gate.knowledge
    assert found is not None
    return found


async def status(site: Guarded, token: str, name: str = "read") -> int:
    return (await site.send(call(name), token=token)).status


async def applied(site: Guarded, accredit: FakeAccredit) -> None:
    """Wait until the guard knows everything."""
    await eventually(lambda: known(site).seq == accredit.seq)


async def test_what_is_said_over_the_stream_counts_without_anybody_asking(
    site: Guarded, accredit: FakeAccredit
) -> None:
    token = accredit.token()
    assert await status(site, token) == 200
    accredit.asked.clear()
    accredit.signal("suspended", AGENT)
    await accredit.streams[-1].last()
    await applied(site, accredit)
    assert await status(site, token) == 401
    accredit.signal("resumed", AGENT)
    await accredit.streams[-1].last()
    await applied(site, accredit)
    assert await status(site, token) == 200
    accredit.signal("reduced", AGENT, [])
    await accredit.streams[-1].last()
    await applied(site, accredit)
    assert await status(site, token) == 403
    accredit.signal("revoked", AGENT)
    await accredit.streams[-1].last()
    await applied(site, accredit)
    assert await status(site, token) == 401
    assert accredit.asked == []
    assert len(accredit.streams) == 1


async def test_a_call_under_way_ends_when_the_signal_comes(site: Guarded, accredit: FakeAccredit) -> None:
    started = asyncio.Event()

    async def never(*_: Any) -> None:
        started.set()
        await asyncio.Event().wait()

    site.inner.script = never
    live = await site.live(call(), token=accredit.token())
    await started.wait()
    accredit.signal("revoked", AGENT)
    await accredit.streams[-1].last()
    assert (await live.ended()).status == 401


async def test_a_change_that_only_a_snapshot_can_bring_is_read_while_the_stream_stays(
    site: Guarded, accredit: FakeAccredit
) -> None:
    accredit.targets = (TargetEntry("tool", "read", ["ledger:write"]),)
    accredit.signal("policy")
    await accredit.streams[-1].last()
    await applied(site, accredit)
    assert await status(site, accredit.token()) == 403
    accredit.signal("suspended", AGENT)
    await accredit.streams[-1].last()
    await applied(site, accredit)
    assert await status(site, accredit.token()) == 401
    assert accredit.asked.count("GET /guard/v1/snapshot") == 2
    assert len(accredit.streams) == 1


@pytest.mark.parametrize("told", ["the-one-after", "a-beat"])
async def test_a_gap_makes_the_guard_read_the_whole_state(site: Guarded, accredit: FakeAccredit, told: str) -> None:
    accredit.signal("suspended", AGENT)
    accredit.signal("none")
    await (accredit.streams[-1].last() if told == "the-one-after" else accredit.streams[-1].beat())
    await applied(site, accredit)
    assert await status(site, accredit.token()) == 401
    assert len(accredit.streams) == 1


async def test_what_was_said_before_is_not_applied_again(site: Guarded, accredit: FakeAccredit) -> None:
    stream = accredit.streams[-1]
    accredit.signal("suspended", AGENT)
    suspended = accredit.heard("suspended", handle=AGENT)
    await stream.say(suspended)
    accredit.signal("resumed", AGENT)
    await stream.last()
    await stream.say(suspended)
    await stream.say(accredit.heard("revoked", 3, handle=AGENT))
    accredit.signal("none")
    await stream.last()
    await applied(site, accredit)
    assert await status(site, accredit.token()) == 200


async def test_signals_in_the_wrong_order_end_in_the_right_state(site: Guarded, accredit: FakeAccredit) -> None:
    stream = accredit.streams[-1]
    accredit.signal("suspended", AGENT)
    first = accredit.heard("suspended", handle=AGENT)
    accredit.signal("resumed", AGENT)
    await stream.last()
    await stream.say(first)
    await applied(site, accredit)
    assert await status(site, accredit.token()) == 200


async def test_a_beat_keeps_the_knowledge_young_and_an_old_one_does_not(site: Guarded, accredit: FakeAccredit) -> None:
    old = accredit.heard("beat")
    token = accredit.token("ledger", exp=accredit.seconds() + 3600)
    for _ in range(20):
        accredit.clock.advance(20)
        await accredit.streams[-1].beat()
        await eventually(lambda: known(site).at == accredit.seconds())
    assert await status(site, token, "purge") == 200
    accredit.clock.advance(31)
    await accredit.streams[-1].say(old)
    accredit.signal("none")
    await accredit.streams[-1].last()
    await applied(site, accredit)
    assert await status(site, token, "purge") == 503, "a signal says what happened, and not that nothing else did"


def forged(accredit: FakeAccredit, lie: str) -> bytes:
    """Return a signal that would let the suspended agent in again, were it believed."""
    seq = accredit.seq + 1
    match lie:
        case "another-key":
            return FakeAccredit(clock=accredit.clock).heard("resumed", seq, handle=AGENT)
        case "another-issuer":
            return accredit.heard("resumed", seq, handle=AGENT, issuer="https://evil.example")
        case "another-audience":
            return accredit.heard("resumed", seq, handle=AGENT, audience="https://tools.example/mcp")
        case "the-future":
            return accredit.heard("resumed", seq, handle=AGENT, at=accredit.seconds() + 31)
        case "an-access-key":
            key = accredit.access_keys[0]
            payload = jws.parse(accredit.heard("resumed", seq, handle=AGENT)).payload
            return jws.sign(key, "secevent+jwt", payload).encode()
        case "another-type":
            payload = jws.parse(accredit.heard("resumed", seq, handle=AGENT)).payload
            return jws.sign(accredit.signal_key, "accredit-changes+jwt", payload).encode()
        case "nonsense":
            return b"x"
    return accredit.heard("resumed", seq, handle=AGENT)[:-4] + b"AAAA"


LIES = [
    "another-key",
    "another-issuer",
    "another-audience",
    "the-future",
    "an-access-key",
    "another-type",
    "nonsense",
    "another-signature",
]


@pytest.mark.parametrize("lie", LIES)
async def test_a_signal_that_is_not_accredits_changes_nothing_and_ends_the_stream(
    site: Guarded, accredit: FakeAccredit, lie: str
) -> None:
    accredit.signal("suspended", AGENT)
    await accredit.streams[-1].last()
    await applied(site, accredit)
    before = known(site)
    await accredit.streams[-1].say(forged(accredit, lie))
    await eventually(lambda: len(accredit.streams) > 1)
    assert accredit.streams[0].left
    assert known(site).revocations is before.revocations
    assert await status(site, accredit.token()) == 401


async def test_a_reduction_on_another_server_takes_nothing_here(site: Guarded, accredit: FakeAccredit) -> None:
    accredit.signal("none")
    told = accredit.heard("reduced", handle=AGENT, server=OTHER, scopes=())
    await accredit.streams[-1].say(told)
    await applied(site, accredit)
    assert await status(site, accredit.token()) == 200
    assert accredit.asked.count("GET /guard/v1/snapshot") == 1


async def test_a_reduction_here_whose_scopes_were_withheld_is_read_in_the_snapshot(
    site: Guarded, accredit: FakeAccredit
) -> None:
    token = accredit.token()
    accredit.signal("reduced", AGENT, [])
    server = known(site).policy.server_id
    await accredit.streams[-1].say(accredit.heard("reduced", server=server))
    await applied(site, accredit)
    assert await status(site, token) == 403


async def test_the_guard_comes_back_where_it_was_when_a_stream_ends(site: Guarded, accredit: FakeAccredit) -> None:
    accredit.signal("none")
    await accredit.streams[-1].last()
    await applied(site, accredit)
    accredit.signal("suspended", AGENT)
    accredit.streams[-1].over.set()
    await applied(site, accredit)
    assert await status(site, accredit.token()) == 401
    assert [stream.after for stream in accredit.streams] == [5, 6]
    assert accredit.asked.count("GET /guard/v1/snapshot") == 1


async def test_silence_breaks_the_stream_and_the_guard_opens_another(tmp_path: Path, accredit: FakeAccredit) -> None:
    options = {"poll_interval": 0.02, "stale_after": 3, "stale_after_destructive": 3}
    async with guarded(tmp_path / "guard", accredit, **options):
        await eventually(lambda: len(accredit.streams) > 1)
    assert [stream.every for stream in accredit.streams[:2]] == [1, 1]


@pytest.mark.parametrize("why", ["no-stream", "no-events"])
async def test_without_a_stream_the_guard_asks(
    tmp_path: Path, accredit: FakeAccredit, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    accredit.streaming = why != "no-stream"
    monkeypatch.setattr(Told, "__init__", _as_text(Told.__init__))
    async with guarded(tmp_path / "guard", accredit, poll_interval=0.02) as site:
        accredit.signal("suspended", AGENT)
        await applied(site, accredit)
        assert await status(site, accredit.token()) == 401
        await eventually(lambda: accredit.asked.count("GET /guard/v1/changes") > 3)
        assert len(accredit.streams) <= 1, "a way that does not go is not tried all the time"


def _as_text(begin: Any) -> Any:
    def began(told: Told, *given: Any, **more: Any) -> None:
        begin(told, *given, **more)
        told.kind = "text/plain"

    return began


async def test_new_keys_are_read_at_once_while_the_guard_listens(site: Guarded, accredit: FakeAccredit) -> None:
    accredit.access_keys.append(keys.generate(jws.Algorithm.ES256))
    assert await status(site, accredit.token()) == 200
    assert len(accredit.streams) == 1


async def test_an_open_answer_ends_with_an_error_when_the_signal_comes(site: Guarded, accredit: FakeAccredit) -> None:
    waits = asyncio.Event()

    async def script(scope: Any, body: bytes, receive: Any, send: Any) -> None:
        await streams(b"")(scope, body, receive, lambda message: _all_but_the_end(message, send))
        await waits.wait()

    site.inner.script = script
    live = await site.live(call(), token=accredit.token())
    await live.status()
    accredit.signal("suspended", AGENT)
    await accredit.streams[-1].last()
    answer = await live.ended()
    assert b'"code":401' in answer.body.replace(b" ", b"")


async def _all_but_the_end(message: Any, send: Any) -> None:
    if message["type"] == "http.response.start" or message.get("more_body"):
        await send(message)


# ---------------------------------------------------------------- what the guard says of itself


async def test_the_guard_acknowledges_what_it_has_applied_and_then_each_beat(
    site: Guarded, accredit: FakeAccredit
) -> None:
    await eventually(lambda: accredit.acknowledged)
    accredit.signal("suspended", AGENT)
    await accredit.streams[-1].last()
    await eventually(lambda: accredit.acknowledged[-1]["seq"] == accredit.seq)
    assert known(site).seq == accredit.seq
    said = len(accredit.acknowledged)
    accredit.clock.advance(5)
    await accredit.streams[-1].beat()
    await eventually(lambda: len(accredit.acknowledged) > said)
    last = accredit.acknowledged[-1]
    assert (last["schema"], last["seq"], last["bound"], last["beat"]) == (1, accredit.seq, 300, 5)
    assert {one["instance"] for one in accredit.acknowledged} == {last["instance"]}
    assert last["instance"].startswith("gin_")


async def test_nothing_is_acknowledged_that_was_not_applied(site: Guarded, accredit: FakeAccredit) -> None:
    honest = accredit.snapshot
    accredit.snapshot = lambda: honest(mode="sometimes")  # type: ignore[method-assign]
    accredit.signal("policy")
    await accredit.streams[-1].last()
    await eventually(lambda: accredit.asked.count("GET /guard/v1/snapshot") > 2)
    assert {one["seq"] for one in accredit.acknowledged} == {5}


async def test_a_guard_that_ends_in_good_order_takes_its_leave(tmp_path: Path, accredit: FakeAccredit) -> None:
    async with guarded(tmp_path / "guard", accredit):
        await eventually(lambda: accredit.acknowledged)
    assert accredit.acknowledged[-1]["ended"] is True


@pytest.mark.parametrize("why", ["away", "unknown"])
async def test_a_guard_works_on_when_its_acknowledgements_do_not_arrive(
    site: Guarded, accredit: FakeAccredit, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    accredit.away = why == "away"
    if why == "unknown":
        monkeypatch.setattr(accredit, "_answer", lambda *_: (404, "application/json", b"{}"))
    accredit.signal("suspended", AGENT)
    await accredit.streams[-1].last()
    await applied(site, accredit)
    assert await status(site, accredit.token()) == 401
    await site.guard._stop()
