"""Two nodes on one PostgreSQL: what one of them is told, the guards of the other hear."""

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from accredit import app, config
from accredit.identity.changes import AddClient, Claim
from accredit.identity.principal import Principal
from accredit.identity.software import Software
from accredit.jobs import follow
from accredit.oauth.outcome import Outcome
from accredit.service.changes import Changes
from accredit.store.readers import Clients
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


CLI = {"software_id": "acme-cli"}
PORTAL = {"slug": "portal", "owner": "dana", **CLI}


async def revoked(admin: Admin) -> list[str]:
    found = (await admin.ok("GET", "/signals", params={"limit": 200}))["items"]
    return [item["handle"] for item in found if item["kind"] == "revoked"]


@pytest.mark.parametrize("nodes", ["told"], indirect=True)
async def test_a_client_that_another_node_registers_while_its_software_is_denied_is_stopped(
    nodes: tuple[Admin, Admin], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = nodes
    look, made = Clients.of_software, list[str]()

    async def crossed(self: Clients, software: Software) -> tuple[Principal, ...]:
        found = await look(self, software)
        if not made:
            made.append((await two.ok("POST", "/applications", json=PORTAL))["id"])
        return found

    monkeypatch.setattr(Clients, "of_software", crossed)
    await one.ok("POST", "/software/denials", json=CLI)
    assert await revoked(one) == made


@pytest.mark.parametrize("nodes", ["told"], indirect=True)
async def test_a_client_that_is_registered_where_nobody_has_heard_of_the_denial_is_stopped(
    nodes: tuple[Admin, Admin], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = nodes
    attempt, crossed = Changes.attempt, list[str]()

    async def late(self: Changes, outcome: Outcome[Any]) -> Claim | None:
        if not crossed and any(isinstance(claim, AddClient) for claim in outcome.claims):
            crossed.append("denied")
            await one.ok("POST", "/software/denials", json=CLI)
        return await attempt(self, outcome)

    monkeypatch.setattr(Changes, "attempt", late)
    made = await two.ok("POST", "/applications", json=PORTAL)
    assert crossed
    assert await revoked(two) == [made["id"]]
