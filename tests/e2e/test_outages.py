"""What goes away and comes back while a node or a guard is at work: the database, the disk. Processes of their own."""

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from accredit.testing.postgres import Postgres
from tests.support.guarded_process import call, furnished, guarded
from tests.support.process import Up, free_port, run, up
from tests.support.until import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

OUTAGE = 60
"""Seconds without a database."""

SMALL = 64 * 1024
"""The longest file that the guard may write, in bytes: its disk is full when its spool reaches that."""


@pytest.fixture
def cluster() -> Iterator[Path]:
    """A folder with a path that is short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="acc-"))
    folder.chmod(0o755)  # PostgreSQL is another user's if we are root
    yield folder / "pg"
    shutil.rmtree(folder, ignore_errors=True)


def ask(server: Up, agent: dict[str, Any], resource: str) -> httpx2.Response:
    """Ask for a token."""
    form = {"grant_type": "client_credentials", "resource": resource}
    return server.public().post("/token", data=form, auth=(agent["client_id"], agent["secret"]))


def test_a_database_that_goes_away_and_comes_back_is_waited_for(tmp_path: Path, cluster: Path) -> None:
    resource = "https://tools.example/mcp"
    postgres = Postgres.start(cluster)
    try:
        url = postgres.create_database("accredit")
        assert run("migrate", folder=tmp_path / "data", database=url).status == 0
        with up(tmp_path / "data", free_port(), database=url) as server:
            agent = furnished(server, resource)
            assert ask(server, agent, resource).status_code == 200
            assert server.public().get("/readyz").status_code == 200
            postgres.stop()
            _outage(server, agent, resource)
            postgres = Postgres.resume(cluster, postgres.password)
            until(lambda: ask(server, agent, resource).status_code == 200, 30)
            until(lambda: server.public().get("/readyz").status_code == 200, 30)
            server.made("/agents", slug="after", owner="dana")
            assert server.admin().get("/audit/verify").json()["ok"]
            assert server.process.poll() is None, "it is the same process"
    finally:
        postgres.stop()


def _outage(server: Up, agent: dict[str, Any], resource: str) -> None:
    """Ask everything again and again: all that needs the database is told to come back, and nothing breaks."""
    seen: Counter[tuple[str, int, bool]] = Counter()
    deadline = time.monotonic() + OUTAGE
    while time.monotonic() < deadline:
        found = {
            "token": ask(server, agent, resource),
            "api": server.admin().get("/agents"),
            "change": server.admin().post("/agents", json={"slug": "meanwhile", "owner": "dana"}),
            "ready": server.public().get("/readyz"),
            "alive": server.public().get("/healthz"),
        }
        seen.update((name, one.status_code, "retry-after" in one.headers) for name, one in found.items())
    assert {name for name, status, _ in seen if status == 200} <= {"alive", "ready"}
    assert all(told for name, status, told in seen if status >= 500), seen
    assert {status for name, status, _ in seen if name not in ("alive", "ready")} == {503}, seen
    assert seen["ready", 503, True] > seen["ready", 200, False], seen
    assert {status for name, status, _ in seen if name == "alive"} == {200}


def test_a_full_disk_at_the_guard_lets_nothing_through_unrecorded_and_mends_itself(tmp_path: Path) -> None:
    data, port = tmp_path / "data", free_port()
    resource = f"http://127.0.0.1:{free_port()}/mcp"
    settings = {"issuer": f"http://127.0.0.1:{port}"}
    with up(data, port, **settings) as server:
        agent = furnished(server, resource)
        code = server.made("/servers/ledger/enrolments")["code"]
        token = ask(server, agent, resource).json()["access_token"]
        given = {"issuer": server.issuer, "code": code, "poll_interval": 0.2, "longest": SMALL}
        with guarded(resource, tmp_path / "guard", **given) as http:
            until(lambda: call(http, resource, token, "read").status_code == 200, 30)
            server.stop()
            let = 0
            while (answer := call(http, resource, token, "read")).status_code == 200:
                let += 1
                assert let < 1000, "the spool takes more than the disk has"
            assert let > 10
            for tool in ("read", "purge", "read"):
                answer = call(http, resource, token, tool)
                assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (503, True)
            assert sum(path.stat().st_size for path in (tmp_path / "guard").rglob("*.ndjson")) <= SMALL
            with up(data, port, **settings) as again:
                until(lambda: call(http, resource, token, "read").status_code == 200, 60)
                until(lambda: _allowed(again) > let, 60)
                assert again.admin().get("/audit/verify").json()["ok"]


def _allowed(server: Up) -> int:
    """Return how many calls the log knows that were let through."""
    found, cursor = 0, None
    while True:
        asked = {"kind": "decision", "outcome": "allow", "limit": "200"} | ({"cursor": cursor} if cursor else {})
        page = server.admin().get("/audit", params=asked).json()
        found, cursor = found + len(page["items"]), page["next"]
        if cursor is None:
            return found
