"""Checkpoints and seals are kept without gaps, and what is open is known from them."""

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from accredit.identity.changes import AddCheckpoint, AddClient, AddServer, AppendRecords, DropRecords, Seal, SealKind
from accredit.oauth.outcome import Lost, Outcome, Won
from accredit.store import audit, checkpoints
from accredit.store.conformance import NOW, guard, outcome, records, seal, server


def claim(number: int, *seals: Seal) -> Outcome[None]:
    return Outcome(None, (AddCheckpoint(number, NOW + number, b"%d" % number, seals),))


@pytest.fixture
async def grown(store: Any) -> Any:
    """A guard's chain of three records, beside our own."""
    committer = store.committer()
    lines = records("chn_guard", 0, 3)
    await store.commit(committer, [outcome(AddServer(server(0)), AddClient(guard(0)))])
    await store.commit(committer, [Outcome(None, (AppendRecords("chn_guard", guard(0).id, 0, bytes(32), lines),))])
    return store


async def test_a_checkpoint_is_kept_only_behind_the_one_before(grown: Any) -> None:
    committer = grown.committer("chn_other")
    assert await grown.checkpoints.newest() is None
    assert isinstance((await grown.commit(committer, [claim(2)]))[0], Lost)
    assert await grown.commit(committer, [claim(1)]) == [Won()]
    assert isinstance((await grown.commit(committer, [claim(1)]))[0], Lost)
    assert await grown.commit(committer, [claim(2)]) == [Won()]
    assert (await grown.checkpoints.newest()).document == b"2"
    assert [item.number for item in await grown.checkpoints.checkpoints(0, 10)] == [1, 2]
    assert [(item.number, item.at) for item in await grown.checkpoints.checkpoints(1, 10)] == [(2, NOW + 2)]


async def test_only_the_newest_checkpoints_stay(grown: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "KEPT", 2)
    committer = grown.committer("chn_other")
    for number in range(1, 6):
        assert await grown.commit(committer, [claim(number)]) == [Won()]
    assert [item.number for item in await grown.checkpoints.checkpoints(0, 10)] == [4, 5]


async def test_a_closed_chain_is_not_open_until_it_goes_on(grown: Any) -> None:
    committer = grown.committer("chn_other")
    found = {item.end.chain: (item.kind, item.at) for item in await grown.audit.open_ends()}
    assert found == {"chn_direct": ("administered", NOW), "chn_guard": ("administered", NOW)}
    sealed = seal(1, "chn_guard")
    await grown.commit(committer, [claim(1, sealed)])
    assert await grown.checkpoints.seals(0, 10) == (sealed,)
    assert await grown.checkpoints.seals(1, 10) == ()
    assert [item.end.chain for item in await grown.audit.open_ends()] == ["chn_direct"]
    end = await grown.audit.chain_end("chn_guard")
    more = AppendRecords("chn_guard", guard(0).id, 3, end.hash, records("chn_guard", 3, 1, end.hash))
    assert await grown.commit(committer, [Outcome(None, (more,))]) == [Won()]
    assert [item.end.chain for item in await grown.audit.open_ends()] == ["chn_direct", "chn_guard"]


async def test_a_seal_of_an_archive_closes_nothing(grown: Any) -> None:
    committer = grown.committer("chn_other")
    archived = replace(seal(1, "chn_guard"), kind=SealKind.ARCHIVED, archive=b"digest")
    await grown.commit(committer, [claim(1, archived)])
    assert await grown.checkpoints.seals(0, 10) == (archived,)
    assert len(await grown.audit.open_ends()) == 2


async def test_the_links_of_the_log_are_told_where_they_are(grown: Any) -> None:
    lines = await grown.audit.records("chn_guard", 0, 10)
    assert await grown.audit.links({"chn_guard": 2, "chn_none": 1}) == {"chn_guard": lines[1].hash}
    assert await grown.audit.links({"chn_guard": 4}) == {}


@pytest.fixture
async def many(grown: Any) -> dict[str, int]:
    """The places of so many chains of guards that two queries are needed, one of them archived."""
    committer, places = grown.committer("chn_other"), {"chn_guard": 3}
    for number in range(5):
        name = f"chn_guard{number}"
        claim = AppendRecords(name, guard(0).id, 0, bytes(32), records(name, 0, 2 + number))
        await grown.commit(committer, [Outcome(None, (claim,))])
        places[name] = 1 + number
    (line,) = await grown.audit.records("chn_guard3", 3, 1)
    await grown.commit(committer, [Outcome(None, (DropRecords("chn_guard3", 0, 4, line.hash, ()),))])
    return places


async def test_the_links_of_all_chains_come_with_one_question_for_many(
    grown: Any, many: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "_AT_ONCE", 4)
    asked: list[str] = []

    def note(*given: Any) -> None:
        asked.append(given[2])

    def look(conn: sa.Connection) -> dict[str, bytes]:
        sa.event.listen(conn, "before_cursor_execute", note)
        try:
            return audit.links(conn, many)
        finally:
            sa.event.remove(conn, "before_cursor_execute", note)

    found = await grown.database.read(look)
    expected = {}
    for end in await grown.audit.chains():
        if end.chain in many:
            expected[end.chain] = end.anchor_hash
        for line in await grown.audit.records(end.chain, 0, 100):
            if many.get(end.chain) == line.seq:
                expected[end.chain] = line.hash
    assert found == expected
    assert len(found) == 6
    assert len(asked) == 2
