"""Starts that cannot succeed: one clear sentence with the way out, a non-zero exit, and nothing half done."""

import asyncio
import os
import secrets
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from accredit.testing.postgres import Postgres
from tests.support.process import Ended, free_port, run, up

# Root may read everything unless it gives that up: CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH leave the bounding set.
DROP = (
    "import ctypes, os, sys\n"
    "libc = ctypes.CDLL(None, use_errno=True)\n"
    "[libc.prctl(24, number, 0, 0, 0) for number in (1, 2)] if os.geteuid() == 0 else None\n"
    "os.execv(sys.argv[1], sys.argv[1:])\n"
)
AS_ANYBODY = (sys.executable, "-I", "-c", DROP)

# Each test starts processes; together they take minutes.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder of a server that ran once and has an agent."""
    data = tmp_path_factory.mktemp("made") / "data"
    with up(data, free_port(), issuer="https://id.example") as server:
        server.made("/agents", slug="bot", owner="dana")
    return data


@pytest.fixture
def data(made: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of it, which can be mended afterwards and then starts."""
    copy = tmp_path / "data"
    shutil.copytree(made, copy)
    yield copy
    copy.chmod(0o700)


def start(data: Path, wrapper: tuple[str, ...] = (), **settings: str) -> Ended:
    given = {"issuer": "https://id.example", "port": str(free_port())} | settings
    return run("up", folder=data, wrapper=wrapper, **given)


def refused(ended: Ended, *words: str) -> None:
    """Assert that there is one line on stderr, with these words, and no traceback."""
    assert ended.status in (1, 2), ended
    assert ended.out == ""
    lines = ended.err.strip().splitlines()
    assert len(lines) == 1, ended.err
    assert "internal error" not in ended.err
    assert "Traceback" not in ended.err
    missing = [word for word in words if word not in ended.err]
    assert not missing, ended.err


def content(data: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of the database."""
    with sqlite3.connect(f"file:{data / 'accredit.db'}?mode=ro", uri=True) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for name in tables}
    connection.close()
    return found


def still_starts(data: Path, **settings: str) -> None:
    """Assert that the server starts and has lost nobody."""
    with up(data, free_port(), **({"issuer": "https://id.example"} | settings)) as server:
        found = server.admin().get("/agents").json()["items"]
        assert [agent["slug"] for agent in found] == ["bot"]
        assert server.admin().get("/audit/verify").json()["ok"]


def test_a_second_process_on_the_same_file_is_told_who_has_it_and_the_first_goes_on(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with up(data, free_port()) as server:
        server.made("/agents", slug="bot", owner="dana")
        for command in (["up", "--port", str(free_port())], ["migrate"]):
            ended = run(*command, folder=data)
            refused(ended, f"in use by process {server.process.pid}", "another data folder")
        assert (data / "admin.sock").exists()
        assert server.admin().get("/agents/bot").status_code == 200


def test_a_database_newer_than_the_software_is_left_alone(data: Path) -> None:
    with sqlite3.connect(data / "accredit.db") as connection:
        (known,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        connection.execute("UPDATE alembic_version SET version_num = '9999_future'")
    before = content(data)
    for command in ("up", "migrate"):
        ended = run(command, folder=data, issuer="https://id.example", port=str(free_port()))
        refused(ended, "9999_future", "newer version", "restore the backup")
    assert content(data) == before
    assert not list(data.glob("*.before-*"))
    with sqlite3.connect(data / "accredit.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (known,))
    connection.close()
    still_starts(data)


def test_a_master_key_that_does_not_fit_changes_nothing(data: Path) -> None:
    before = content(data)
    refused(start(data, master_key=secrets.token_urlsafe(32)), "master key does not fit", "bring back the key")
    kept = (data / "master.key").read_bytes()
    (data / "master.key").unlink()
    refused(start(data), "master.key is missing", "backup")
    assert not (data / "master.key").exists(), "a new key would only hide that the old one is lost"
    (data / "master.key").touch(mode=0o644)
    (data / "master.key").chmod(0o644)
    (data / "master.key").write_bytes(kept)
    refused(start(data), "chmod 600")
    (data / "master.key").chmod(0o600)
    assert content(data) == before
    still_starts(data)


def test_a_wrong_issuer_changes_nothing(data: Path) -> None:
    before = content(data)
    refused(start(data, issuer="https://other.example"), "https://id.example", "set it back")
    assert content(data) == before
    still_starts(data)


@pytest.mark.parametrize("issuer", ["http://id.example", "https://id.example/", "id.example", "https://id.example?x"])
def test_an_issuer_that_is_none_is_refused_before_anything_is_made(tmp_path: Path, issuer: str) -> None:
    ended = start(tmp_path / "data", issuer=issuer)
    assert ended.status == 2
    refused(ended, "issuer")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("mode", [0o000, 0o500, 0o200])
def test_a_data_folder_that_this_user_cannot_use(data: Path, mode: int) -> None:
    data.chmod(mode)
    ended = start(data, AS_ANYBODY)
    data.chmod(0o700)
    refused(ended, str(data), "Permission denied")
    still_starts(data)


def test_a_data_folder_that_others_can_use(data: Path) -> None:
    data.chmod(0o755)
    refused(start(data), f"chmod 700 {data}")
    data.chmod(0o700)
    still_starts(data)


@pytest.mark.parametrize("name", ["master.key", "accredit.db", "accredit.db.lock"])
def test_a_file_that_this_user_cannot_read(data: Path, name: str) -> None:
    (data / name).chmod(0o000)
    ended = start(data, AS_ANYBODY)
    (data / name).chmod(0o600)
    refused(ended, name)
    still_starts(data)


@pytest.mark.parametrize("name", ["master.key", "accredit.db", "accredit.db.lock", "admin.sock"])
def test_a_folder_where_a_file_belongs(data: Path, name: str) -> None:
    (data / name).unlink(missing_ok=True)
    (data / name).mkdir(mode=0o700)
    refused(start(data), name)


def test_a_data_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    refused(start(tmp_path / "file"), "data folder")
    refused(start(tmp_path / "file" / "inside"), "data folder")
    assert (tmp_path / "file").read_text() == "x"


@pytest.mark.parametrize("damage", [b"this is no database", bytes(8192), os.urandom(8192)])
def test_a_file_that_is_no_database_is_left_as_it_is(data: Path, damage: bytes) -> None:
    for path in data.glob("accredit.db*"):
        path.unlink()
    (data / "accredit.db").write_bytes(damage)
    (data / "accredit.db").chmod(0o600)
    refused(start(data), "accredit.db")
    assert (data / "accredit.db").read_bytes() == damage


def test_a_database_of_another_program_is_left_as_it_is(data: Path) -> None:
    for path in data.glob("accredit.db*"):
        path.unlink()
    connection = sqlite3.connect(data / "accredit.db")
    connection.execute("CREATE TABLE customers (name TEXT)")
    connection.close()
    refused(start(data), "not Accredit's", "another database")
    assert set(content(data)) == {"customers"}


def test_a_port_in_use_is_named_and_nothing_is_made(tmp_path: Path) -> None:
    port = free_port()
    with up(tmp_path / "one", port):
        ended = run("up", "--port", str(port), folder=tmp_path / "two")
        refused(ended, f"port {port}", "choose another")
        assert not (tmp_path / "two").exists()


def test_settings_that_make_no_sense_are_listed_all_at_once(tmp_path: Path) -> None:
    ended = run(
        "up", folder=tmp_path / "data", port="none", host="[", issuer="x", database="mysql://x", proxies='["x"]'
    )
    assert ended.status == 2
    assert "port" in ended.err
    ended = run("up", folder=tmp_path / "data", issuer="x", database="mysql://x", proxies='["x"]')
    assert ended.status == 2
    assert [word in ended.err for word in ("issuer", "database", "proxies")] == [True] * 3
    ended = run("up", folder=tmp_path / "data", proxies="10.0.0.0/8")
    refused(ended, "proxies", "JSON")
    assert not (tmp_path / "data").exists()


def test_a_configuration_file_that_is_none(tmp_path: Path) -> None:
    refused(run("--config", str(tmp_path / "no.toml"), "up", folder=tmp_path / "data"), "no.toml")
    (tmp_path / "bad.toml").write_text("issuer = ")
    refused(run("--config", str(tmp_path / "bad.toml"), "up", folder=tmp_path / "data"), "bad.toml")
    (tmp_path / "bad.toml").write_text("isuer = 'https://id.example'")
    refused(run("--config", str(tmp_path / "bad.toml"), "up", folder=tmp_path / "data"), "isuer")
    assert not (tmp_path / "data").exists()


# ---------------------------------------------------------------- PostgreSQL


def test_a_postgresql_that_was_not_migrated_stays_empty_until_somebody_does(tmp_path: Path, postgres_url: str) -> None:
    refused(start(tmp_path / "data", database=postgres_url), "accredit migrate")
    assert tables(postgres_url) == []
    assert run("migrate", folder=tmp_path / "data", database=postgres_url).status == 0
    with up(tmp_path / "data", free_port(), database=postgres_url) as server:
        assert server.admin().get("/status").json()["database"] == "PostgreSQL"


def test_a_postgresql_newer_than_the_software_is_left_alone(tmp_path: Path, postgres_url: str) -> None:
    assert run("migrate", folder=tmp_path / "data", database=postgres_url).status == 0
    execute(postgres_url, "UPDATE alembic_version SET version_num = '9999_future'")
    refused(start(tmp_path / "data", database=postgres_url), "9999_future", "newer version")
    refused(run("migrate", folder=tmp_path / "data", database=postgres_url), "9999_future", "newer version")


@pytest.mark.parametrize("change", ["database", "password", "user", "socket"])
def test_a_postgresql_that_cannot_be_reached(
    tmp_path: Path, postgres: Postgres, postgres_url: str, change: str
) -> None:
    wrong = {
        "database": postgres.url("nowhere"),
        "password": postgres_url.replace(postgres.password, "wrong-password"),
        "user": postgres_url.replace("accredit:", "nobody:"),
        "socket": f"postgresql://accredit:{postgres.password}@/x?host={tmp_path}",
    }
    ended = start(tmp_path / "data", database=wrong[change])
    refused(ended, "cannot connect to PostgreSQL", "is it running")
    assert postgres.password not in ended.said
    assert "wrong-password" not in ended.said


def test_two_nodes_with_different_master_keys_do_not_share_a_database(tmp_path: Path, postgres_url: str) -> None:
    assert run("migrate", folder=tmp_path / "one", database=postgres_url).status == 0
    with up(tmp_path / "one", free_port(), database=postgres_url, issuer="https://id.example"):
        refused(start(tmp_path / "two", database=postgres_url), "master.key is missing")
        refused(
            start(tmp_path / "three", database=postgres_url, master_key=secrets.token_urlsafe(32)),
            "master key does not fit",
        )


def tables(url: str) -> list[object]:
    return [row[0] for row in execute(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]


def execute(url: str, statement: str) -> list[tuple[object, ...]]:
    async def work() -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(url)
        try:
            return [tuple(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    return asyncio.run(work())
