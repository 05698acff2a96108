"""Whether a node is ready: each thing that it needs is missed by name, and strangers hear no more than yes or no."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import httpx2
import pytest

from accredit.identity.changes import NumberedSignal
from accredit.jobs.clock import WatchClock
from accredit.jobs.runner import Runner
from accredit.ports.journal import StoreError
from accredit.service.readiness import JUMP_SECONDS, UNEASY_SECONDS, Check, ClockWatch, Readiness
from accredit.store.readers import Catalogues
from tests.support.admin import Admin

EVERYTHING = ["writer", "signals", "schema", "keys", "disk", "clock"]


async def asked(admin: Admin) -> tuple[int, dict[str, Any]]:
    """What the local socket says."""
    answer = await admin.http.get("http://accredit/readyz")
    return answer.status_code, answer.json()


async def public(admin: Admin) -> httpx2.Response:
    """What everybody hears."""
    transport = httpx2.ASGITransport(app=admin.node.public)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8700") as http:
        return await http.get("/readyz")


async def missed(admin: Admin) -> list[str]:
    """The names of what is not well; the operator is told why, and a stranger nothing."""
    status, told = await asked(admin)
    heard = await public(admin)
    assert heard.status_code == status
    assert set(heard.json()) == {"status"}
    assert [one["name"] for one in told["checks"]] == EVERYTHING
    assert all(one["cause"] for one in told["checks"] if not one["ok"])
    assert (heard.headers.get("retry-after") is not None) == (status == 503)
    assert (status == 503) == any(not one["ok"] for one in told["checks"])
    return [one["name"] for one in told["checks"] if not one["ok"]]


def changed(admin: Admin, folder: Path, statement: str) -> None:
    database = sqlite3.connect(folder / "data" / "accredit.db")
    with database:
        database.execute(statement)
    database.close()


async def test_a_node_that_is_well_is_ready(admin: Admin) -> None:
    assert await missed(admin) == []
    assert (await admin.http.get("http://accredit/healthz")).json() == {"status": "alive"}
    assert (await admin.http.get("http://accredit/nowhere")).status_code == 404


async def test_a_node_whose_writer_has_stopped_is_alive_and_not_ready(admin: Admin) -> None:
    await admin.node.journal.close()
    assert await missed(admin) == ["writer"]
    assert (await admin.http.get("http://accredit/healthz")).status_code == 200


async def broken(*_: object) -> tuple[NumberedSignal, ...]:
    raise StoreError("OperationalError")


async def test_a_database_that_does_not_answer_is_missed_and_so_is_one_that_says_nothing(
    admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    speaks = asyncio.Event()

    async def silent(*_: object) -> tuple[NumberedSignal, ...]:
        await speaks.wait()
        return ()

    monkeypatch.setattr(Catalogues, "signals", silent)
    admin.clock.advance(2)
    assert await missed(admin) == ["signals"]
    speaks.set()
    assert await missed(admin) == []


async def test_a_node_that_cannot_confirm_its_cursor_is_not_ready_until_it_can(
    admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Catalogues, "signals", broken)
    admin.clock.advance(2)
    assert await missed(admin) == ["signals"]
    monkeypatch.undo()
    assert await missed(admin) == []


async def test_a_confirmation_does_not_stay_young_because_the_clock_was_set_back(
    admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Catalogues, "signals", broken)
    admin.clock.advance(-3)
    assert await missed(admin) == ["signals"]


async def test_a_database_behind_this_version_is_missed_and_one_ahead_of_it_is_not(
    admin: Admin, tmp_path: Path
) -> None:
    changed(admin, tmp_path, "UPDATE alembic_version SET version_num = '0001'")
    assert await missed(admin) == ["schema"]
    changed(admin, tmp_path, "UPDATE alembic_version SET version_num = '9999'")
    assert await missed(admin) == []


async def test_a_node_without_a_key_to_sign_with_is_not_ready(admin: Admin, tmp_path: Path) -> None:
    changed(admin, tmp_path, "UPDATE signing_keys SET state = 'retired' WHERE use = 'access' AND state = 'active'")
    await admin.node.directory.load()
    assert await missed(admin) == ["keys"]


async def test_a_folder_that_takes_no_file_is_missed(admin: Admin, tmp_path: Path) -> None:
    (tmp_path / "data" / ".writable").mkdir()
    assert await missed(admin) == ["disk"]
    (tmp_path / "data" / ".writable").rmdir()
    assert await missed(admin) == []
    assert not (tmp_path / "data" / ".writable").exists()


@pytest.mark.parametrize("seconds", [3600, -3600])
async def test_a_clock_that_jumps_is_missed(admin: Admin, seconds: int) -> None:
    admin.clock.advance(seconds)
    assert await missed(admin) == ["clock"]


class Time:
    """A clock and what has passed, moved by hand."""

    def __init__(self) -> None:
        self.at = self.steady = 1_000.0

    def now(self) -> int:
        return int(self.at * 1_000_000)

    def passed(self) -> float:
        return self.steady

    def goes_on(self, seconds: float) -> None:
        self.at += seconds
        self.steady += seconds


async def test_a_jump_is_remembered_for_a_while_and_a_slow_clock_is_none() -> None:
    time = Time()
    watch = ClockWatch(time, time.passed)
    for _ in range(100):
        time.goes_on(1.0)
        time.at += 0.1
        assert await watch.probe() is None
    time.at -= JUMP_SECONDS
    assert await watch.probe() is not None
    time.goes_on(UNEASY_SECONDS)
    assert await watch.probe() is not None
    time.goes_on(1)
    assert await watch.probe() is None


async def test_a_jump_is_logged_by_the_job_that_looks_for_it(caplog: pytest.LogCaptureFixture) -> None:
    time = Time()
    job = WatchClock(ClockWatch(time, time.passed))
    assert await job.run(time.now()) > time.now()
    assert caplog.text == ""
    time.at += 7200
    await job.run(time.now())
    assert "+7200.0 s" in caplog.text


async def test_a_job_does_not_wait_for_a_clock_that_was_set_back_to_come_round() -> None:
    time, ran = Time(), asyncio.Event()

    class SetsBack:
        name = "sets back"
        times = 0

        async def run(self, now: int) -> int:
            self.times += 1
            time.at -= 7200
            if self.times == 2:
                ran.set()
            return now + 1

    runner = Runner(time)
    runner.start([SetsBack()])
    async with asyncio.timeout(5):
        await ran.wait()
    await runner.stop()


async def test_those_who_ask_together_share_one_look() -> None:
    looks = 0

    async def probe() -> str | None:
        nonlocal looks
        looks += 1
        await asyncio.sleep(0)
        return None

    readiness = Readiness({"one": probe})
    assert await asyncio.gather(*(readiness.look() for _ in range(20))) == [(Check("one", None),)] * 20
    assert looks == 1
    await readiness.look()
    assert looks == 2
