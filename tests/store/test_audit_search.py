"""Whoever searches the log finds every record that matches, once, newest first."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from accredit.audit import terms
from accredit.audit.chain import Head
from accredit.audit.events import TokenRefused
from accredit.identity import changes
from accredit.oauth.outcome import Lost, Outcome, Won
from accredit.ports.audit_log import Filter, Lag, Waiting
from accredit.store import batch, engines, migrate
from accredit.store.conformance import NOW, guard, outcome, records, server
from accredit.store.log_tables import audit_chains, audit_terms
from tests.store import checks
from tests.store.conftest import Store

EVERYTHING = Filter()


def refused(number: int, server_id: str | None = None) -> Outcome[None]:
    event = TokenRefused(
        decision=f"dec_{number}",
        server=server_id,
        client_id="c",
        grant_type="g",
        error="e",
        reason="r",
        requested=frozenset({"b", "a"}),
    )
    return Outcome(None, events=(event,))


@pytest.fixture
async def searched(store: Any) -> Any:
    """Records of two of our chains, and of a guard's."""
    first, second = store.committer("chn_one"), store.committer("chn_two")
    await store.commit(first, [outcome(changes.AddServer(server(0)), changes.AddClient(guard(0)))])
    await store.commit(first, [refused(n) for n in range(5)])
    await store.commit(second, [refused(n, server(0).id) for n in range(5, 10)])
    lines = changes.AppendRecords("chn_guard", guard(0).id, 0, bytes(32), records("chn_guard", 0, 4))
    await store.commit(second, [Outcome(None, (lines,))])
    await project(store)
    return store


async def project(store: Any, page: int = 3) -> int:
    """Let the search tables follow the log, and return how many records they took over."""
    committer, taken = store.committer("chn_projector"), 0
    for item in await store.tables.waiting(100):
        after = item.after
        while found := await store.audit.records(item.chain, after, page):
            rows = tuple((term, one.at, one.seq) for one in found for term in terms.of(one))
            redacted = sum(one.person is None for one in found)
            claim = changes.IndexRecords(item.chain, after, found[-1].seq, rows, redacted)
            assert await store.commit(committer, [Outcome(None, (claim,))]) == [Won()]
            taken, after = taken + len(found), found[-1].seq
    return taken


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (EVERYTHING, 17),
        (Filter(decision="dec_3"), 1),
        (Filter(decision="dec_"), 0),
        (Filter(kind="token_refused"), 10),
        (Filter(kind="token_refused", server="srv_00000000000000000000000000"), 5),
        (Filter(outcome="deny"), 10),
        (Filter(outcome="done"), 7),
        (Filter(since=NOW), 17),
        (Filter(since=NOW + 1), 0),
        (Filter(until=NOW), 0),
        (Filter(until=NOW + 1), 17),
        (Filter(client="c"), 10),
        (Filter(client="d"), 0),
        (Filter(member="c", kind="token_refused", outcome="deny"), 10),
        (Filter(member="c", kind="administered"), 0),
        (Filter(member="y"), 4),
        (Filter(subject="c"), 0),
        (Filter(tool="x"), 0),
        (Filter(servers=("srv_00000000000000000000000000",), kind="token_refused"), 5),
        (Filter(servers=("srv_00000000000000000000000000", "srv_none"), kind="token_refused"), 5),
        (Filter(servers=("srv_none", "srv_neither")), 0),
        (Filter(own=True), 13),
        (Filter(own=True, kind="token_refused"), 10),
        (Filter(own=True, member="y"), 0),
    ],
)
async def test_a_filter_finds_what_matches(searched: Any, wanted: Filter, count: int) -> None:
    assert len(await searched.tables.search(wanted, None, 100)) == count


async def test_the_servers_that_a_decision_is_recorded_of_are_known(searched: Any) -> None:
    assert await searched.tables.concerned("dec_7") == ("srv_00000000000000000000000000",)
    assert await searched.tables.concerned("dec_3") == ("",)
    assert await searched.tables.concerned("dec_") == ()


@pytest.mark.parametrize("size", [1, 3, 100])
async def test_pages_hold_everything_once_newest_first(searched: Any, size: int) -> None:
    found, before = [], None
    while page := await searched.tables.search(EVERYTHING, before, size):
        assert len(page) <= size
        found += [record for _, record in page]
        before = page[-1][0]
    chains = await checks.sound(searched)
    assert len(found) == sum(map(len, chains.values()))
    assert {record.hash for record in found} == {line.hash for lines in chains.values() for line in lines}
    for lines in chains.values():
        order = [record.seq for record in found if record in lines]
        assert order == sorted(order, reverse=True)


@pytest.mark.parametrize(
    "cursor", ["", "1", "1.2", "1.2.3.4", "a.b.c", "1.2.3 OR 1=1", "9" * 30 + ".1.1", "\uff11.2.3", "1.2.3\n"]
)
async def test_a_cursor_that_is_not_ours_is_refused(searched: Any, cursor: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        await searched.tables.search(EVERYTHING, cursor, 10)


async def test_the_ends_of_all_chains_are_known(searched: Any) -> None:
    ends = {end.chain: end for end in await searched.audit.chains()}
    assert {name: (end.guard, end.seq) for name, end in ends.items()} == {
        "chn_one": (None, 7),
        "chn_two": (None, 6),
        "chn_guard": (guard(0).id, 4),
    }
    assert await searched.audit.chain_end("chn_none") is None
    assert await searched.audit.records("chn_none", 0, 10) == ()
    assert [line.seq for line in await searched.audit.records("chn_one", 5, 10)] == [6, 7]


async def test_the_person_part_is_in_order_and_the_header_apart(searched: Any) -> None:
    ((_, record),) = await searched.tables.search(Filter(decision="dec_3"), None, 10)
    assert b'"requested":["a","b"]' in record.person
    assert b"client_id" not in record.header


async def test_what_was_recorded_since_is_waited_for_and_told(searched: Any) -> None:
    assert await searched.tables.lag() == Lag(0, None)
    assert await searched.tables.waiting(10) == ()
    await searched.commit(searched.committer("chn_three"), [refused(20)])
    assert await searched.tables.waiting(10) == (Waiting("chn_three", 0),)
    assert await searched.tables.lag() == Lag(2, NOW)
    assert await searched.tables.search(Filter(decision="dec_20"), None, 10) == ()
    assert await project(searched) == 2
    assert len(await searched.tables.search(Filter(decision="dec_20"), None, 10)) == 1


async def test_it_is_known_when_the_oldest_record_happened_that_can_be_found(searched: Any) -> None:
    assert await searched.tables.begins() == NOW
    committer, everything = searched.committer("chn_three"), terms.number(terms.Term.EVERYTHING)
    await searched.commit(committer, [refused(20)])
    assert await searched.tables.begins() == NOW
    older = changes.IndexRecords("chn_three", 0, 2, ((everything, NOW - 5, 1), (everything, NOW + 5, 2)))
    assert await searched.commit(committer, [Outcome(None, (older,))]) == [Won()]
    assert await searched.tables.begins() == NOW - 5


async def test_the_times_of_guards_say_nothing_of_how_far_the_log_reaches_back(searched: Any) -> None:
    committer, everything = searched.committer("chn_three"), terms.number(terms.Term.EVERYTHING)
    older = changes.IndexRecords("chn_guard", 4, 5, ((everything, 0, 5),))
    assert await searched.commit(committer, [Outcome(None, (older,))]) == [Won()]
    assert await searched.tables.begins() == NOW


async def test_a_log_in_which_nothing_can_be_found_has_no_beginning(store: Any) -> None:
    assert await store.tables.begins() is None


async def test_nothing_is_made_findable_twice_or_out_of_order(searched: Any) -> None:
    committer = searched.committer("chn_three")
    await searched.commit(committer, [refused(20)])
    for wrong in (changes.IndexRecords("chn_three", 1, 2, ()), changes.IndexRecords("chn_none", 0, 2, ())):
        assert isinstance((await searched.commit(committer, [Outcome(None, (wrong,))]))[0], Lost)
    right = changes.IndexRecords("chn_three", 0, 2, ((7, NOW, 1),))
    assert await searched.commit(committer, [Outcome(None, (right,))]) == [Won()]
    assert isinstance((await searched.commit(committer, [Outcome(None, (right,))]))[0], Lost)
    assert await searched.tables.lag() == Lag(0, None)


@pytest.fixture
async def behind(searched: Any) -> Any:
    """The claim of a projector that has read the records of a chain, one of them about whoever is redacted."""
    await searched.commit(searched.committer("chn_three"), [refused(n) for n in (20, 21)])
    return await read(searched)


async def read(store: Any) -> Any:
    """Return the claim that makes the records of a chain findable as they are now, and the records."""
    lines = await store.audit.records("chn_three", 0, 10)
    rows = tuple((term, one.at, one.seq) for one in lines for term in terms.of(one))
    return changes.IndexRecords("chn_three", 0, len(lines), rows), lines


def redaction(lines: Any) -> Outcome[None]:
    last = lines[-1]
    return Outcome(None, writes=(changes.RedactRecord("chn_three", last.seq, last.at, tuple(terms.personal(last))),))


def dropping(lines: Any) -> Outcome[None]:
    gone = tuple((term, line.at, line.seq) for line in lines for term in terms.of(line))
    return Outcome(None, (changes.DropRecords("chn_three", 0, lines[-1].seq, lines[-1].hash, gone),))


either = pytest.mark.parametrize("ending", [redaction, dropping], ids=["redacted", "archived"])


@either
async def test_what_was_taken_away_while_it_was_on_its_way_does_not_become_findable(
    searched: Any, behind: Any, ending: Any
) -> None:
    claim, lines = behind
    committer = searched.committer("chn_four")
    assert isinstance((await searched.commit(committer, [ending(lines[:2])]))[0], Won)
    assert isinstance((await searched.commit(committer, [Outcome(None, (claim,))]))[0], Lost)
    assert await project(searched) > 0
    await unfindable(searched, lines[1], ending)


@either
@pytest.mark.parametrize("order", [1, -1], ids=["indexed first", "taken away first"])
async def test_two_nodes_that_take_away_and_index_at_once_leave_nothing_findable(
    postgres_url: str, ending: Any, order: int
) -> None:
    """Each in a transaction of its own, of which the second begins before the first has ended."""
    async with AsyncExitStack() as stack:
        database = await engines.open(postgres_url, Path())
        stack.push_async_callback(database.close)
        await migrate.migrate(database, Path())
        store = Store(database, postgres_url, stack)
        await store.commit(store.committer("chn_three"), [refused(n) for n in (20, 21)])
        claim, lines = await read(store)
        first, second = [Outcome(None, (claim,)), ending(lines[:2])][::order]
        async with database.writer.connect() as one, database.writer.connect() as two:
            await one.run_sync(applied, first)
            waiting = asyncio.create_task(two.run_sync(applied, second))
            await asyncio.wait({waiting}, timeout=0.2)
            await one.commit()
            await waiting
            await two.commit()
        await project(store)
        await unfindable(store, lines[1], ending)


def applied(conn: sa.Connection, outcome: Outcome[None]) -> None:
    batch.apply(conn, [outcome], Head("chn_four"), NOW, b"")


async def unfindable(searched: Any, line: Any, ending: Any) -> None:
    """Assert that the client of a record does not lead to it, and once it was archived, nothing at all does."""
    assert await searched.tables.search(Filter(client="c", decision=line.decision), None, 10) == ()
    assert await searched.tables.lag() == Lag(0, None)

    def look(conn: sa.Connection) -> set[int]:
        chain = sa.select(audit_chains.c.number).where(audit_chains.c.chain == "chn_three").scalar_subquery()
        query = sa.select(audit_terms.c.term).where(audit_terms.c.chain == chain, audit_terms.c.seq == line.seq)
        return set(conn.execute(query).scalars())

    expected = set() if ending is dropping else terms.of(line) - terms.personal(line)
    assert await searched.database.read(look) == expected


async def test_only_the_first_of_two_drops_from_the_same_place_wins(searched: Any, behind: Any) -> None:
    _, lines = behind
    committer = searched.committer("chn_four")
    assert isinstance((await searched.commit(committer, [dropping(lines[:1])]))[0], Won)
    assert isinstance((await searched.commit(committer, [dropping(lines[:2])]))[0], Lost)
    assert [line.seq for line in await searched.audit.records("chn_three", 0, 10)] == [2, 3]


async def test_pages_over_several_servers_hold_everything_once(searched: Any) -> None:
    wanted = Filter(servers=("srv_none", server(0).id, "srv_other"))
    whole = await searched.tables.search(wanted, None, 100)
    found, before = [], None
    while page := await searched.tables.search(wanted, before, 2):
        found += page
        before = page[-1][0]
    assert tuple(found) == whole != ()
