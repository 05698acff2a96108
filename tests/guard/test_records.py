"""Records: kept before anything takes effect, in an unbroken chain, delivered once, never lost silently."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from accredit_sdk import record
from accredit_sdk.decision import Decision, Effect, Reason
from accredit_sdk.guard import records
from accredit_sdk.guard.authority import NotAdmitted
from accredit_sdk.guard.fetch import Unreachable
from accredit_sdk.guard.spool import Spool
from tests.support.authority import AGENT, FakeAccredit
from tests.support.guarded import Guarded, call, guarded


def unwritable(*_: Any) -> int:
    raise OSError(28, "No space left on device")


async def test_the_chain_opens_continues_and_closes(tmp_path: Path, accredit: FakeAccredit) -> None:
    async with guarded(tmp_path / "guard", accredit) as site:
        for name in ("read", "post", "nothing"):
            await site.send(call(name), token=accredit.token())
    found = accredit.records(None)
    assert [item["kind"] for item in found] == ["chain_opened", *["decision"] * 3, "chain_closed"]
    assert [item["seq"] for item in found] == [1, 2, 3, 4, 5]
    assert len({item["decision"] for item in found if item["kind"] == "decision"}) == 3
    (chain,) = accredit.chains.values()
    record.verify(chain)
    assert len({item.salt for item in chain}) == 5
    assert list((tmp_path / "guard" / "spool").iterdir()) == []


async def test_each_start_has_its_own_chain(tmp_path: Path, accredit: FakeAccredit) -> None:
    for _ in range(2):
        async with guarded(tmp_path / "guard", accredit):
            pass
    assert len(accredit.chains) == 2


async def test_nothing_is_passed_on_that_cannot_be_recorded(
    site: Guarded, accredit: FakeAccredit, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.send(call(), token=accredit.token())
    monkeypatch.setattr(os, "write", unwritable)
    for message in (call(), call("post"), call(method="tools/list")):
        response = await site.send(message, token=accredit.token())
        assert (response.status, response.headers["retry-after"]) == (503, "2")
        assert response.json()["id"] == 7
    assert len(site.inner.calls) == 1
    monkeypatch.undo()
    assert (await site.send(call(), token=accredit.token())).status == 200
    assert [item["reason"] for item in await site.records()] == ["ok", "ok"]


async def test_a_full_spool_lets_nothing_through_until_accredit_has_taken_it(
    tmp_path: Path, accredit: FakeAccredit
) -> None:
    async with guarded(tmp_path / "guard", accredit, spool_limit=3000) as site:
        accredit.refuse_records = 503
        answers = [(await site.send(call(), token=accredit.token())).status for _ in range(8)]
        assert 0 < answers.count(200) < 8
        assert answers == sorted(answers)
        assert len(site.inner.calls) == answers.count(200)
        accredit.refuse_records = None
        assert len(await site.records()) == answers.count(200)
        assert (await site.send(call(), token=accredit.token())).status == 200


async def test_a_record_is_in_the_spool_before_the_server_sees_the_call(site: Guarded, accredit: FakeAccredit) -> None:
    spooled: list[str] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        for path in (site.folder.spool).glob("*.ndjson"):
            spooled.extend(path.read_text().splitlines())
        await site.inner(scope, receive, send)

    site.guard._way._app = inner
    await site.send(call(), token=accredit.token())
    last = record.decode_line(spooled[-1].encode())
    assert json.loads(last.header)["kind"] == "decision"
    assert json.loads(last.person or b"")["target"] == "read"


async def test_what_was_not_delivered_is_delivered_by_the_next_process(tmp_path: Path, accredit: FakeAccredit) -> None:
    async with guarded(tmp_path / "guard", accredit) as site:
        accredit.refuse_records = 503
        await site.send(call(), token=accredit.token())
    assert accredit.records() == []
    accredit.refuse_records = None
    async with guarded(tmp_path / "guard", accredit) as site:
        assert len(await site.records()) == 1
        assert list((tmp_path / "guard" / "spool").glob("*.ndjson")) == []


async def test_what_was_delivered_but_not_deleted_is_not_delivered_twice(
    tmp_path: Path, accredit: FakeAccredit
) -> None:
    spool = tmp_path / "guard" / "spool"
    async with guarded(tmp_path / "guard", accredit) as site:
        await site.send(call(), token=accredit.token())
        kept = {path: path.read_bytes() for path in spool.iterdir()}
    for path, content in kept.items():
        path.write_bytes(content)
    async with guarded(tmp_path / "guard", accredit) as site:
        assert len(await site.records()) == 1
    assert [path.name for path in spool.iterdir()] == []


async def test_a_chain_that_differs_from_what_accredit_has_is_kept_aside(
    tmp_path: Path, accredit: FakeAccredit, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = tmp_path / "guard" / "spool"
    monkeypatch.setattr(Spool, "acknowledged", lambda *_: None)
    async with guarded(tmp_path / "guard", accredit) as site:
        await site.send(call(), token=accredit.token())
    monkeypatch.undo()
    for path in spool.glob("*.ndjson"):
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(line.replace(b'"hash":"', b'"hash":"00')[:-5] + b'"}\n' for line in lines))
    async with guarded(tmp_path / "guard", accredit) as site:
        assert len(await site.records()) == 1
    assert len(list((spool / "refused").iterdir())) == 1


@pytest.mark.parametrize("status", [400, 403, 413, 422])
async def test_records_that_accredit_will_never_take_are_kept_aside_and_the_guard_goes_on(
    site: Guarded, accredit: FakeAccredit, status: int
) -> None:
    await site.send(call(), token=accredit.token())
    accredit.refuse_records = status
    await site.ship()
    (kept,) = (site.folder.spool / "refused").iterdir()
    assert [json.loads(record.decode_line(line).header)["kind"] for line in kept.read_bytes().splitlines()] == [
        "chain_opened",
        "decision",
    ]
    accredit.refuse_records = None
    assert (await site.send(call("post"), token=accredit.token())).status == 403
    assert [item["reason"] for item in await site.records()] == ["insufficient_scope"]


async def test_records_wait_while_the_guard_is_not_admitted(site: Guarded, accredit: FakeAccredit) -> None:
    await site.send(call(), token=accredit.token())
    guards, accredit.guards = accredit.guards, {}
    with pytest.raises(NotAdmitted):
        await site.ship()
    accredit.guards = guards
    assert len(await site.records()) == 1


async def test_records_wait_while_something_else_answers_in_accredits_place(
    site: Guarded, accredit: FakeAccredit
) -> None:
    await site.send(call(), token=accredit.token())
    answer = accredit._take
    accredit._take = lambda body: (200, "text/html", b"<html>Please sign in</html>")  # type: ignore[method-assign]
    with pytest.raises(Unreachable):
        await site.ship()
    accredit._take = answer  # type: ignore[method-assign]
    assert len(await site.records()) == 1


async def test_in_memory_every_record_says_that_it_could_be_lost_and_a_full_memory_begins_anew(
    tmp_path: Path, accredit: FakeAccredit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accredit_sdk.guard.runtime._IN_MEMORY", 4)
    async with guarded(tmp_path / "guard", accredit, records="memory") as site:
        accredit.refuse_records = 503
        for _ in range(5):
            assert (await site.send(call(), token=accredit.token())).status == 200
        accredit.refuse_records = None
        found = await site.records(None)
    assert [item["kind"] for item in found] == ["chain_opened", "decision", "decision"]
    assert all(item["lossy"] for item in found)
    assert list((tmp_path / "guard" / "spool").iterdir()) == []


async def test_a_flood_of_strangers_does_not_fill_the_spool(site: Guarded, accredit: FakeAccredit) -> None:
    for _ in range(300):
        assert (await site.send(call())).status == 401
    assert len(await site.records()) == 200
    assert (await site.send(call(), token=accredit.token())).status == 200
    accredit.clock.advance(1)
    for _ in range(30):
        await site.send(call(), token=accredit.token(exp=1))
    assert len(await site.records()) == 200 + 1 + 20


async def test_a_long_name_does_not_make_a_long_record(site: Guarded, accredit: FakeAccredit) -> None:
    await site.send(call("x" * 100_000), token=accredit.token(), headers={"mcp-name": "x" * 100_000})
    await site.send(call(method="y" * 100_000), token=accredit.token(), headers={"mcp-method": "y" * 100_000})
    first, second = await site.records()
    assert (len(first["target"]), len(second["method"])) == (256, 256)


def test_the_pieces_of_a_person_part_are_what_the_whole_would_be() -> None:
    decision = Decision(
        id="dec_1",
        effect=Effect.DENY,
        reason=Reason.INSUFFICIENT_SCOPE,
        server="srv_1",
        method="tools/call",
        tool='a "tool"',
        needed=frozenset({"b", "a"}),
        missing=frozenset({"b"}),
        subject=AGENT,
        client_id=AGENT,
        actors=(AGENT,),
        policy_version=3,
    )
    head = records.Recorder("srv_1", lambda _: None, lambda: 0, None).head(records.person(decision))  # type: ignore[arg-type, return-value]
    spliced = head + records.call_part("ab" * 32, "cd" * 16) + b"}"
    read = record.RecordPerson(
        reason="insufficient_scope",
        method="tools/call",
        target='a "tool"',
        subject=AGENT,
        client_id=AGENT,
        actors=(AGENT,),
        needed=("a", "b"),
        missing=("b",),
        policy_version=3,
        arguments="ab" * 32,
        trace_id="cd" * 16,
    )
    import msgspec

    assert spliced == msgspec.json.encode(read)
