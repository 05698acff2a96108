"""The search tables are emptied and filled anew, whoever else works on them, and a crash on the way loses nothing."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from accredit.audit.chain import Head
from accredit.identity import changes
from accredit.oauth.outcome import Lost, Outcome
from accredit.ports.audit_log import Filter, Lag
from accredit.service.projection import Projection
from accredit.store import batch, engines, migrate, terms
from accredit.store.conformance import NOW
from accredit.store.log_tables import audit_terms
from tests.store.conftest import Store
from tests.store.test_audit_search import EVERYTHING, read, refused, searched

__all__ = ["searched"]

BEGIN: Outcome[None] = Outcome(None, writes=(changes.ForgetTerms(),))
GO_ON: Outcome[None] = Outcome(None, writes=(changes.EmptyTerms(),))


@pytest.fixture
def bit_by_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few terms make a large table."""
    monkeypatch.setattr(terms, "_AT_ONCE", 7)


async def count(store: Any) -> int:
    found: int = await store.database.read(
        lambda conn: conn.execute(sa.select(sa.func.count()).select_from(audit_terms)).scalar_one()
    )
    return found


async def projected(store: Any) -> int:
    """Let the search tables follow the log as a node does, and return in how many turns."""
    projection, turns = Projection(store.audit, store.tables, await store.node()), 0
    while await projection.catch_up(100):
        turns += 1
    return turns


@pytest.mark.usefixtures("bit_by_bit")
async def test_the_tables_are_what_they_were_after_they_were_filled_anew(searched: Any) -> None:
    before, terms_before = await searched.tables.search(EVERYTHING, None, 100), await count(searched)
    await searched.commit(searched.committer("chn_four"), [BEGIN])
    assert (await searched.tables.lag()).records == len(before)
    assert await projected(searched) > (0 if searched.shared else terms_before // 7)
    assert await searched.tables.search(EVERYTHING, None, 100) == before
    assert (await count(searched), await searched.tables.lag()) == (terms_before, Lag(0, None))
    assert not await searched.tables.emptying()


@pytest.mark.usefixtures("bit_by_bit")
async def test_what_is_wrong_in_them_is_gone_afterwards(searched: Any) -> None:
    committer = searched.committer("chn_four")
    await searched.commit(searched.committer("chn_three"), [refused(20)])
    wrong = changes.IndexRecords("chn_three", 0, 2, ((7, NOW, 1), (8, NOW, 99)))
    await searched.commit(committer, [Outcome(None, (wrong,))])
    assert await searched.tables.search(Filter(decision="dec_20"), None, 100) == ()
    await searched.commit(committer, [BEGIN])
    await projected(searched)
    assert len(await searched.tables.search(Filter(decision="dec_20"), None, 100)) == 1

    def look(conn: sa.Connection) -> Any:
        return conn.execute(sa.select(audit_terms.c.term).where(audit_terms.c.seq == 99)).all()

    assert await searched.database.read(look) == []


@pytest.mark.usefixtures("bit_by_bit")
async def test_while_a_table_is_emptied_nothing_is_put_into_it(searched: Any) -> None:
    committer = searched.committer("chn_four")
    await searched.commit(searched.committer("chn_three"), [refused(20)])
    claim, _ = await read(searched)
    await searched.commit(committer, [BEGIN])
    if await searched.tables.emptying():
        assert await searched.tables.waiting(10) == ()
        assert isinstance((await searched.commit(committer, [Outcome(None, (claim,))]))[0], Lost)
    for _ in range(100):
        await searched.commit(committer, [GO_ON])
    assert await count(searched) == 0
    assert not await searched.tables.emptying()
    assert len(await searched.tables.waiting(10)) == 4


async def test_what_is_our_own_is_filled_in_before_what_guards_delivered(searched: Any) -> None:
    committer = searched.committer("chn_four")
    await searched.commit(committer, [refused(20), BEGIN])
    while await searched.tables.emptying():
        await searched.commit(committer, [GO_ON])
    assert [item.chain for item in await searched.tables.waiting(10)] == ["chn_one", "chn_two", "chn_four", "chn_guard"]


async def test_without_a_beginning_nothing_is_taken_away(searched: Any) -> None:
    before = await count(searched)
    await searched.commit(searched.committer("chn_four"), [GO_ON])
    assert await count(searched) == before


@pytest.mark.parametrize("order", [1, -1], ids=["indexed first", "emptied first"])
async def test_what_is_indexed_at_once_with_an_emptying_is_found_in_the_end(postgres_url: str, order: int) -> None:
    """Each in a transaction of its own, of which the second begins before the first has ended."""
    async with AsyncExitStack() as stack:
        database = await engines.open(postgres_url, Path())
        stack.push_async_callback(database.close)
        await migrate.migrate(database, Path())
        store = Store(database, postgres_url, stack)
        await store.commit(store.committer("chn_three"), [refused(20)])
        claim, _ = await read(store)
        first, second = [Outcome(None, (claim,)), BEGIN][::order]
        async with database.writer.connect() as one, database.writer.connect() as two:
            await one.run_sync(applied, first)
            waiting = asyncio.create_task(two.run_sync(applied, second))
            await asyncio.wait({waiting}, timeout=0.2)
            await one.commit()
            await waiting
            await two.commit()
        await projected(store)
        assert len(await store.tables.search(Filter(decision="dec_20"), None, 10)) == 1
        assert await store.tables.lag() == Lag(0, None)


def applied(conn: sa.Connection, outcome: Outcome[None]) -> None:
    batch.apply(conn, [outcome], Head("chn_four"), NOW, b"")
