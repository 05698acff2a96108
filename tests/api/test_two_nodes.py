"""Two nodes on one PostgreSQL: what one of them is told, the guards of the other hear."""

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest

from accredit import app, config
from accredit.jobs import follow
from tests.support.admin import Admin, administration
from tests.support.listening import ISSUER, listener
from tests.support.until import eventually


@pytest.fixture(params=["told", "looking"])
async def nodes(
    request: pytest.FixtureRequest, tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Admin, Admin]]:
    """Two nodes that only hear of each other, or only look."""
    if request.param == "told":
        monkeypatch.setattr(follow, "EVERY", 3_600_000_000)
    else:
        monkeypatch.setattr("accredit.store.signals.CHANNEL", "nobody_listens")
    await app.migrate_database(config.load(data=tmp_path / "one", issuer=ISSUER, database=postgres_url))
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(administration(tmp_path / "one", postgres_url))
        (tmp_path / "two").mkdir(mode=0o700)
        shutil.copy(tmp_path / "one" / "master.key", tmp_path / "two" / "master.key")
        if request.param == "looking":
            monkeypatch.setattr("accredit.jobs.listen.Listen.run", _deaf)
        two = await stack.enter_async_context(administration(tmp_path / "two", postgres_url))
        await one.ledger()
        await one.ok("POST", "/agents", json={"slug": "bot", "owner": "dana"})
        yield one, two


async def _deaf(_: object, now: int) -> int:
    return now + 3_600_000_000


async def test_a_guard_at_one_node_hears_what_the_other_was_told(nodes: tuple[Admin, Admin]) -> None:
    one, two = nodes
    await eventually(lambda: two.node.directory.cursor == one.node.directory.cursor)
    async with listener(two, "door") as guard, guard.stream(two.node.directory.cursor) as stream:
        await stream.until("beat")
        bot = (await one.ok("POST", "/agents/bot/suspend"))["id"]
        assert (await stream.until("suspended")).handle == bot


@pytest.mark.parametrize("nodes", ["told"], indirect=True)
async def test_a_node_whose_ear_is_cut_off_grows_another(nodes: tuple[Admin, Admin], postgres_url: str) -> None:
    one, two = nodes
    conn = await asyncpg.connect(postgres_url)
    ears = "FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()"
    cut = await conn.fetch(f"SELECT pg_terminate_backend(pid) {ears}")
    await conn.close()
    assert len(cut) >= 2

    async def heard() -> bool:
        await one.ok("POST", "/agents/bot/suspend")
        await one.ok("POST", "/agents/bot/resume")
        return two.node.directory.cursor == one.node.directory.cursor

    await eventually(heard)


async def test_what_a_guard_told_one_node_the_other_knows(nodes: tuple[Admin, Admin]) -> None:
    one, two = nodes
    await eventually(lambda: two.node.directory.cursor == one.node.directory.cursor)
    async with listener(two, "door") as guard:
        await one.ok("POST", "/agents/bot/suspend")
        body = {"schema": 1, "instance": "gin_" + "0" * 26, "seq": 10**6, "bound": 300, "beat": 5}
        headers = {"authorization": f"Bearer {await guard.token()}"}
        assert (await guard.http.post("/guard/v1/ack", json=body, headers=headers)).status_code == 204

        async def known() -> bool:
            return bool((await one.ok("GET", "/signals/reach"))["acknowledged"])

        await eventually(known)
