"""The writer answers when it is durable, fails alone who is to blame, and says so when it can do no more."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from accredit.audit.chain import Head
from accredit.identity import changes
from accredit.identity.role import Assignment
from accredit.oauth.outcome import Lost, Outcome, Won
from accredit.ports.journal import Overloaded, StoreError, WriterStopped
from accredit.store import audit, batch, writer
from accredit.store.committer import Committer
from accredit.store.conformance import NOW, agent, client, credential, enrolment, outcome, server
from accredit.system import SystemRandomness
from tests.store import checks
from tests.store.conftest import StoppedClock

ORPHAN = Outcome(None, writes=(changes.AddCredential(credential(0, "nobody")),))


async def test_what_was_answered_is_there(store: Any) -> None:
    journal = await store.node()
    verdicts = await asyncio.gather(*(journal.submit(outcome(changes.AddServer(server(n)))) for n in range(600)))
    assert sorted(verdict.seq for verdict in verdicts) == list(range(1, 601))
    assert [verdict.seq for verdict in verdicts] == sorted(verdict.seq for verdict in verdicts)
    assert len((await store.catalogue.load()).servers) == 600
    await checks.sound(store)


async def test_an_outcome_is_numbered_by_its_last_signal(store: Any) -> None:
    journal = await store.node()
    three = Outcome(None, signals=tuple(changes.Signal(changes.SignalKind.POLICY, f"s{n}") for n in range(3)))
    none = Outcome(None, (changes.AddServer(server(0)),))
    waiting = [journal.submit(one) for one in (three, none, three)]
    assert await asyncio.gather(*waiting) == [Won(3), Won(None), Won(6)]


async def test_the_first_record_opens_the_chain_and_the_last_closes_it(store: Any) -> None:
    journal = await store.node()
    await journal.submit(outcome(changes.AddServer(server(0))))
    await journal.close()
    await journal.close()
    lines = (await checks.sound(store))["chn_node1"]
    assert [line.kind for line in lines] == ["chain_opened", "administered", "chain_closed"]


async def test_who_never_wrote_has_no_chain(store: Any) -> None:
    journal = await store.node()
    await journal.submit(Outcome(None, (changes.UseJti("a", "b", NOW),)))
    await journal.close()
    assert await store.audit.chains() == ()


async def test_closing_writes_what_waits_and_takes_no_more(store: Any) -> None:
    journal = await store.node()
    waiting = [journal.submit(outcome(changes.AddServer(server(n)))) for n in range(300)]
    closing = asyncio.ensure_future(journal.close())
    await asyncio.sleep(0)
    assert not journal.healthy()
    with pytest.raises(WriterStopped):
        journal.submit(outcome(changes.AddServer(server(999))))
    await closing
    assert all(isinstance(verdict, Won) for verdict in await asyncio.gather(*waiting))
    assert len((await store.catalogue.load()).servers) == 300


async def test_a_full_queue_refuses_and_what_was_queued_is_written(store: Any) -> None:
    journal = await store.node(capacity=5)
    waiting: list[Any] = []

    def fill() -> None:
        while True:
            waiting.append(journal.submit(outcome(changes.AddServer(server(len(waiting))))))

    with pytest.raises(Overloaded):
        fill()
    assert len(waiting) >= 5
    assert all(isinstance(verdict, Won) for verdict in await asyncio.gather(*waiting))
    assert journal.healthy()


async def test_a_waiter_that_went_away_does_not_disturb_the_others(store: Any) -> None:
    journal = await store.node()
    waiting = [asyncio.ensure_future(journal.submit(outcome(changes.AddServer(server(n))))) for n in range(3)]
    waiting[1].cancel()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(result) for result in results] == [Won, asyncio.CancelledError, Won]
    assert isinstance(await journal.submit(outcome(changes.AddServer(server(9)))), Won)


async def test_only_the_guilty_outcome_of_a_batch_fails(store: Any) -> None:
    committer = store.committer()
    queue = [outcome(changes.AddServer(server(0))), ORPHAN, outcome(changes.AddServer(server(1)))]
    results = await store.commit(committer, queue)
    assert [type(result) for result in results] == [Won, StoreError, Won]
    assert len((await store.catalogue.load()).servers) == 2
    lines = (await checks.sound(store))["chn_direct"]
    assert [line.kind for line in lines] == ["chain_opened", "administered", "administered"]


async def test_an_error_names_class_and_constraint_but_no_data(store: Any) -> None:
    committer = store.committer()
    await store.commit(committer, [outcome(changes.AddServer(server(0)))])
    secret = "the-code-nobody-may-see"
    twice = changes.AddEnrolment(enrolment(0))
    object.__setattr__(twice.enrolment, "slug", secret)
    (first,) = await store.commit(committer, [Outcome(None, writes=(twice,))])
    (second,) = await store.commit(committer, [Outcome(None, writes=(twice,))])
    assert isinstance(first, Won)
    assert isinstance(second, StoreError)
    assert "enrolments" in str(second)
    assert not second.unknown
    for text in (secret, enrolment(0).id, "INSERT"):
        assert text not in str(second)
    assert second.__cause__ is None
    assert second.__context__ is None or second.__suppress_context__


async def test_an_outcome_that_wins_in_part_writes_nothing(store: Any) -> None:
    committer = store.committer()
    await store.commit(committer, [outcome(changes.AddServer(server(0)))])
    half = outcome(
        changes.AddServer(server(1)),
        changes.AddServer(server(2, slug=server(0).slug)),
        changes.UseJti("a", "b", NOW),
        writes=(changes.Assign(Assignment("nothing", "nobody")),),
    )
    late = outcome(changes.AddServer(server(3, slug=server(1).slug)))
    for queue in ([half], [half, late]):
        results = await store.commit(committer, queue)
        assert results[0] == Lost(half.claims[1])
    assert isinstance(results[1], Won)
    assert [found.id for found in (await store.catalogue.load()).servers] == [server(0).id, server(3).id]
    (used,) = await store.commit(committer, [Outcome(None, (changes.UseJti("a", "b", NOW),))])
    assert isinstance(used, Won)
    assert len((await checks.sound(store))["chn_direct"]) == 3


async def test_the_claim_named_is_the_first_that_lost(store: Any) -> None:
    committer = store.committer()
    taken = [outcome(changes.AddServer(server(0))), outcome(changes.UseJti("a", "b", NOW))]
    await store.commit(committer, taken)
    both = outcome(changes.AddServer(server(0)), changes.UseJti("a", "b", NOW))
    assert await store.commit(committer, [both]) == [Lost(both.claims[0])]


async def test_a_bug_in_the_writer_stops_it_and_everybody_hears_of_it(store: Any, monkeypatch: Any) -> None:
    journal = await store.node()
    await journal.submit(outcome(changes.AddServer(server(0))))

    def forked(*_: Any) -> None:
        raise audit.ChainForked("chn")

    monkeypatch.setattr(batch.audit, "extend", forked)
    waiting = [journal.submit(outcome(changes.AddServer(server(n)))) for n in range(1, 400)]
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(result) for result in results} == {WriterStopped}
    assert not journal.healthy()
    with pytest.raises(WriterStopped):
        journal.submit(outcome(changes.AddServer(server(1))))
    await journal.close()
    monkeypatch.undo()
    assert len((await store.catalogue.load()).servers) == 1
    await checks.sound(store)


async def test_a_chain_that_somebody_else_wrote_to_stops_the_writer(store: Any) -> None:
    first, second = await store.node(), store.committer("chn_node1")
    assert isinstance((await store.commit(second, [outcome(changes.AddServer(server(0)))]))[0], Won)
    with pytest.raises(WriterStopped):
        await first.submit(outcome(changes.AddServer(server(1))))
    assert not first.healthy()
    await checks.sound(store)


@pytest.mark.parametrize("happened", [True, False])
@pytest.mark.parametrize("size", [1, 3])
async def test_a_commit_without_an_answer_is_looked_up(store: Any, monkeypatch: Any, happened: bool, size: int) -> None:
    committer = store.committer()
    await store.commit(committer, [outcome(changes.AddServer(server(100)))])
    _lose_the_answer(monkeypatch, happened=happened)
    results = await store.commit(committer, [outcome(changes.AddServer(server(n))) for n in range(size)])
    if happened or size > 1:
        assert [type(result) for result in results] == [Won] * size
    else:
        assert [type(result) for result in results] == [StoreError]
        assert not results[0].unknown
    written = size if happened or size > 1 else 0
    assert len((await store.catalogue.load()).servers) == 1 + written
    (later,) = await store.commit(committer, [outcome(changes.AddServer(server(50)))])
    assert isinstance(later, Won)
    await checks.sound(store)


async def test_when_nobody_can_tell_the_answer_says_so_and_the_chain_goes_on(store: Any, monkeypatch: Any) -> None:
    committer = store.committer()
    await store.commit(committer, [outcome(changes.AddServer(server(100)))])
    _lose_the_answer(monkeypatch, happened=True)
    with monkeypatch.context() as broken:
        broken.setattr(audit, "chain_end", _unreachable)
        results = await store.commit(committer, [outcome(changes.AddServer(server(n))) for n in range(3)])
        assert [result.unknown for result in results] == [True] * 3
        again = await store.commit(committer, [outcome(changes.AddServer(server(7)))])
        assert [(type(result), result.unknown) for result in again] == [(StoreError, False)]
    (later,) = await store.commit(committer, [outcome(changes.AddServer(server(50)))])
    assert isinstance(later, Won)
    assert len((await checks.sound(store))["chn_direct"]) == 1 + 1 + 3 + 1


async def test_without_events_a_lost_answer_stays_unknown(store: Any, monkeypatch: Any) -> None:
    committer = store.committer()
    _lose_the_answer(monkeypatch, happened=True)
    (result,) = await store.commit(committer, [Outcome(None, (changes.UseJti("a", "b", NOW),))])
    assert isinstance(result, StoreError)
    assert result.unknown


def _lose_the_answer(monkeypatch: Any, *, happened: bool) -> None:
    """The next commit of a connection fails, before or after it has happened."""
    real, done = sa.Connection.commit, []

    def commit(conn: sa.Connection) -> None:
        if done:
            return real(conn)
        done.append(1)
        if happened:
            real(conn)
        raise _unreachable()

    monkeypatch.setattr(sa.Connection, "commit", commit)


def _unreachable(*_: Any) -> Any:
    raise sa.exc.OperationalError("", {}, OSError("gone"), connection_invalidated=True)


async def test_a_connection_that_died_while_idle_is_replaced(store: Any, request: Any) -> None:
    if not store.shared:
        pytest.skip("a file has no connection to lose")
    journal = await store.node()
    assert isinstance(await journal.submit(outcome(changes.AddServer(server(0)))), Won)
    await _end_other_connections(store)
    waiting = [journal.submit(outcome(changes.AddServer(server(n)))) for n in range(1, 5)]
    assert {type(verdict) for verdict in await asyncio.gather(*waiting)} == {Won}
    await _end_other_connections(store)
    assert isinstance(await journal.submit(outcome(changes.AddServer(server(9)))), Won)
    assert journal.healthy()
    await checks.sound(store)


async def test_a_reader_whose_connection_died_reads_on_a_new_one(store: Any) -> None:
    if not store.shared:
        pytest.skip("a file has no connection to lose")
    journal = await store.node()
    await journal.submit(outcome(changes.AddClient(client(0))))
    for _ in range(3):
        assert await store.clients.principal(client(0).client_id) is not None
        await _end_other_connections(store)


async def _end_other_connections(store: Any) -> None:
    import asyncpg

    own = await asyncpg.connect(store.url)
    await own.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )
    await own.close()


async def test_batches_are_as_large_as_what_waits_and_no_larger_than_allowed(store: Any, monkeypatch: Any) -> None:
    sizes = []
    real = Committer.commit

    def counted(self: Committer, conn: sa.Connection, outcomes: Any) -> Any:
        sizes.append(len(outcomes))
        return real(self, conn, outcomes)

    monkeypatch.setattr(Committer, "commit", counted)
    journal = await store.node()
    await asyncio.gather(*(journal.submit(outcome(changes.AddServer(server(n)))) for n in range(700)))
    assert sum(sizes) == 700
    assert max(sizes) == writer.BATCH
    assert len(sizes) <= 6


async def test_every_claim_of_a_new_agent_commits_in_one_transaction(store: Any) -> None:
    committer = Committer(StoppedClock(), SystemRandomness(), Head("chn_direct"), "1")
    mine = agent(0)
    made = outcome(changes.AddClient(mine.client, mine), writes=(changes.AddCredential(credential(0, mine.client.id)),))
    assert await store.commit(committer, [made]) == [Won(1)]
    found = await store.clients.principal(mine.client.client_id)
    assert found is not None
    assert len(found.credentials) == 1
