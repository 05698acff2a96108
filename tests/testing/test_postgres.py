"""The PostgreSQL that tests and the demo start trusts nobody, and does not outlive its starter."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from accredit.testing.postgres import Postgres, PostgresError


async def test_the_url_works_with_sqlalchemy_and_asyncpg(postgres_url: str) -> None:
    engine = create_async_engine(postgres_url.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.connect() as connection:
        encoding = await connection.scalar(text("SHOW server_encoding"))
        locale = await connection.scalar(
            text("SELECT datlocale FROM pg_database WHERE datname = current_database()"),
        )
    await engine.dispose()
    assert (encoding, locale) == ("UTF8", "C.UTF-8")


@pytest.mark.parametrize("password", ["wrong", "", None])
async def test_a_wrong_password_is_refused(
    postgres: Postgres, password: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSFILE", "/nonexistent/pgpass")
    monkeypatch.delenv("PGPASSWORD", raising=False)
    with pytest.raises((asyncpg.InvalidPasswordError, asyncpg.InternalClientError)):
        await asyncpg.connect(user="accredit", password=password, database="postgres", host=str(postgres.socket))


async def test_nobody_is_trusted_and_nobody_comes_by_tcp(postgres: Postgres) -> None:
    connection = await asyncpg.connect(postgres.url())
    methods = {row[0] for row in await connection.fetch("SELECT auth_method FROM pg_hba_file_rules")}
    listening = await connection.fetchval("SHOW listen_addresses")
    await connection.close()
    assert methods == {"scram-sha-256"}
    assert listening == ""


def test_the_folders_are_closed_to_everybody_else(postgres: Postgres) -> None:
    for folder in (postgres.socket, postgres.socket.parent, postgres.socket.parent / "data"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not (postgres.socket.parent / "password").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has another user to give it to")
def test_root_runs_it_as_another_user(postgres: Postgres) -> None:
    assert Path(f"/proc/{postgres.pid}").stat().st_uid != 0


async def test_databases_are_made_also_from_inside_a_loop(postgres: Postgres) -> None:
    postgres.create_database("one")
    connection = await asyncpg.connect(postgres.url("one"))
    await connection.execute("CREATE TABLE sign (of text)")
    await connection.close()
    copy = await asyncpg.connect(postgres.create_database("two", template="one"))
    assert await copy.fetchval("SELECT count(*) FROM sign") == 0
    postgres.drop_database("one")
    postgres.drop_database("two")
    with pytest.raises((asyncpg.AdminShutdownError, asyncpg.ConnectionDoesNotExistError, asyncpg.InterfaceError)):
        await copy.fetchval("SELECT 1")
    await copy.close()


@pytest.mark.parametrize("name", ["", 'a"; DROP DATABASE postgres; --', "Upper", "a b", "x" * 64])
def test_a_name_that_is_not_plain_is_refused(postgres: Postgres, name: str) -> None:
    with pytest.raises(ValueError, match="plain"):
        postgres.create_database(name)


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_it_ends_with_the_process_that_started_it(ending: signal.Signals) -> None:
    program = (
        "import sys; from accredit.testing.postgres import Postgres; pg = Postgres.start(fsync=False);"
        "print(pg.socket, flush=True); sys.stdin.read()"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout is not None
    folder = Path(starter.stdout.readline().strip()).parent
    pid = int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])
    starter.send_signal(ending)
    starter.communicate()
    assert _gone(lambda: not folder.exists() and not Path(f"/proc/{pid}").exists())


def test_a_cluster_that_cannot_start_says_why(tmp_path: Path) -> None:
    home = tmp_path / "pg"
    (home / "data").mkdir(parents=True)
    (home / "data" / "precious").write_text("not a cluster")
    with pytest.raises(PostgresError):
        Postgres.start(home)
    assert (home / "data" / "precious").read_text() == "not a cluster"


def test_a_folder_too_deep_for_a_socket_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    home = tmp_path / ("deep" * 30)
    with pytest.raises(PostgresError, match="too long"):
        Postgres.start(home)
    assert not home.exists()


def _gone(condition: object, within: float = 30) -> bool:
    """Poll another process's end, which nothing announces to us."""
    assert callable(condition)
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_stopping_twice_is_stopping_once() -> None:
    running = Postgres.start(fsync=False)
    running.stop()
    running.stop()
    with pytest.raises((OSError, asyncpg.PostgresError)):
        asyncio.run(asyncpg.connect(running.url()))
