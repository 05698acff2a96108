"""`accredit backup` and `accredit restore`: a copy that can be trusted, a way back that nobody takes by accident."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from accredit import app, config
from accredit.store import migrate, on_sqlite
from accredit.store.errors import DatabaseUnusable
from accredit.testing.serving import Served, serve
from tests.cli.conftest import LEDGER
from tests.support.terminal import CommandLine, free_port


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Where the backup goes."""
    return tmp_path / "copy.db"


@pytest.fixture
def stopped(tmp_path: Path, copy: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Served:
    """A node that was backed up while it ran, gave an agent more after that, and has stopped."""
    port = free_port()
    monkeypatch.setenv("ACCREDIT_PORT", str(port))
    cli = CommandLine(tmp_path / "data", capsys)
    with serve(cli.folder, port=port) as node:
        cli.ok(*LEDGER)
        cli.ok("agent", "add", "bot", "--owner", "dana@example.com")
        cli.ok("backup", str(copy))
        cli.ok("agent", "add", "late", "--owner", "dana@example.com")
        cli.ok("--yes", "agent", "suspend", "bot")
    return node


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        found = database.execute(query).fetchall()
    database.close()
    return found


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_backup_of_a_running_node_is_whole_closed_to_others_and_without_the_master_key(
    stopped: Served, copy: Path
) -> None:
    assert copy.stat().st_mode & 0o777 == 0o600
    assert rows(copy, "PRAGMA integrity_check") == [("ok",)]
    assert rows(copy, "SELECT slug, state FROM clients") == [("bot", "active")]
    key = (stopped.folder / "master.key").read_text().strip()
    assert key.encode() not in copy.read_bytes()
    assert files(copy.parent) == {"copy.db", "data"}


def test_no_backup_overwrites_another_file(stopped: Served, copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli, before = CommandLine(stopped.folder, capsys), copy.read_bytes()
    assert cli.run("backup", str(copy)).code == 1
    assert copy.read_bytes() == before


def test_a_backup_goes_through_no_link_that_somebody_has_put_there_in_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target, theirs = tmp_path / "accredit.db", tmp_path / "copy", tmp_path / "theirs"
    with contextlib.closing(sqlite3.connect(source)) as conn:
        conn.execute("CREATE TABLE t (x)")
    theirs.touch()
    unlink = Path.unlink

    def unlink_and_link(path: Path, **more: bool) -> None:
        unlink(path, **more)
        if not made:
            made.append(path)
            path.symlink_to(theirs)

    made: list[Path] = []
    monkeypatch.setattr(Path, "unlink", unlink_and_link)
    with pytest.raises(DatabaseUnusable):
        on_sqlite.copy(source, target)
    assert (len(made), theirs.read_bytes(), target.exists()) == (1, b"", False)


def test_there_is_nothing_to_back_up_where_no_node_has_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli = CommandLine(tmp_path / "data", capsys)
    assert cli.run("backup", str(tmp_path / "copy.db")).code == 1
    cli.ok("migrate")
    assert cli.run("backup", str(tmp_path / "copy.db")).code == 1
    assert not (tmp_path / "copy.db").exists()


def test_a_restore_brings_the_backup_back_keeps_what_it_replaces_and_says_what_lives_again(
    stopped: Served, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cli, database = CommandLine(stopped.folder, capsys), stopped.folder / "accredit.db"
    before, backup = set(rows(database, "SELECT slug, state FROM clients")), copy.read_bytes()
    told = cli.data("--yes", "restore", str(copy))
    assert told["compared"] is True
    assert told["revived"] == ["client bot"]
    assert [one["guard"] for one in told["lost"]] == [None]
    kept = Path(told["kept"])
    assert set(rows(kept, "SELECT slug, state FROM clients")) == before
    assert kept.stat().st_mode & 0o777 == database.stat().st_mode & 0o777 == 0o600
    assert rows(database, "SELECT slug, state FROM clients") == [("bot", "active")]
    assert copy.read_bytes() == backup, "a backup is only read"
    assert not {name for name in files(stopped.folder) if "restoring" in name}
    with serve(stopped.folder, port=stopped.settings.port):
        assert cli.data("audit", "verify")["ok"]


def test_a_restore_voids_what_was_decided_open_invitations_and_the_keys_of_tokens(
    stopped: Served, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cli, database = CommandLine(stopped.folder, capsys), stopped.folder / "accredit.db"
    (numbers,) = rows(database, "SELECT n FROM signal_head")
    keys = rows(database, "SELECT kid FROM signing_keys WHERE use = 'access' AND state <> 'gone'")
    cli.ok("--yes", "restore", str(copy))
    ((epoch, began),) = rows(database, "SELECT epoch, epoch_at FROM deployment")
    assert (epoch, rows(database, "SELECT min(epoch_at) > 0 FROM deployment")) == (2, [(1,)])
    assert rows(database, "SELECT n FROM signal_head") > [numbers]
    servers = {row[0] for row in rows(database, "SELECT id FROM servers")}
    revoked = rows(database, f"SELECT handle FROM signals WHERE kind = 'revoked' AND seq > {began}")
    assert {row[0] for row in revoked} == servers
    assert rows(database, "SELECT kid FROM signing_keys WHERE use = 'access' AND state <> 'gone'") == []
    with serve(stopped.folder, port=stopped.settings.port):
        living = rows(database, "SELECT kid FROM signing_keys WHERE use = 'access' AND state <> 'gone'")
    assert living
    assert not set(living) & set(keys)


def test_nothing_is_replaced_that_nobody_meant(stopped: Served, copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli, database = CommandLine(stopped.folder, capsys), stopped.folder / "accredit.db"
    before, there = database.read_bytes(), files(stopped.folder)
    assert cli.run("restore", str(copy)).code == 2
    assert cli.run("restore").code == 2
    assert cli.run("restore", str(copy), "--after-pg-restore").code == 2
    assert cli.run("--yes", "restore", "--after-pg-restore").code == 1
    with serve(stopped.folder, port=stopped.settings.port):
        assert cli.run("--yes", "restore", str(copy)).code == 1
        assert cli.run("--yes", "restore", str(stopped.folder / "accredit.db")).code == 1
        before = before if database.read_bytes() == before else database.read_bytes()
    assert {name for name in files(stopped.folder) if name not in there} <= {"admin.sock"}


def no_database(copy: Path) -> None:
    copy.write_bytes(b"no database" * 1000)


def half(copy: Path) -> None:
    copy.write_bytes(copy.read_bytes()[: copy.stat().st_size // 2 // 4096 * 4096])


def empty(copy: Path) -> None:
    copy.write_bytes(b"")


def another_issuer(copy: Path) -> None:
    changed(copy, "UPDATE deployment SET issuer = 'https://other.example'")


def another_key(copy: Path) -> None:
    changed(copy, "UPDATE deployment SET key_check = x'00'")


def too_new(copy: Path) -> None:
    changed(copy, "UPDATE alembic_version SET version_num = '9999'")


def gone(copy: Path) -> None:
    copy.unlink()


def changed(copy: Path, statement: str) -> None:
    database = sqlite3.connect(copy)
    with database:
        database.execute(statement)
    database.close()


@pytest.mark.parametrize("spoil", [no_database, half, empty, another_issuer, another_key, too_new, gone])
def test_a_backup_that_is_none_or_belongs_elsewhere_changes_nothing(
    stopped: Served, copy: Path, capsys: pytest.CaptureFixture[str], spoil: Callable[[Path], None]
) -> None:
    spoil(copy)
    cli, database = CommandLine(stopped.folder, capsys), stopped.folder / "accredit.db"
    before, there = rows(database, "SELECT * FROM clients"), files(stopped.folder)
    assert cli.run("--yes", "restore", str(copy)).code == 1
    assert rows(database, "SELECT * FROM clients") == before
    assert rows(database, "SELECT epoch FROM deployment") == [(1,)]
    assert files(stopped.folder) == there


def test_a_backup_comes_back_on_a_machine_that_has_nothing_but_the_master_key(
    stopped: Served, copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cli = CommandLine(tmp_path / "new", capsys)
    cli.folder.mkdir(mode=0o700)
    assert cli.run("restore", str(copy)).code == 1, "the master key is missing"
    (cli.folder / "master.key").write_bytes((stopped.folder / "master.key").read_bytes())
    (cli.folder / "master.key").chmod(0o600)
    told = cli.data("restore", str(copy))
    assert (told["kept"], told["compared"], told["revived"]) == (None, False, [])
    with serve(cli.folder, port=stopped.settings.port):
        assert cli.data("agent", "show", "bot")["state"] == "active"


def first_schema(path: Path, like: Path) -> None:
    """Make a database as the first version had it, of the same issuer and master key as another one."""
    ((issuer, key_check),) = rows(like, "SELECT issuer, key_check FROM deployment")

    def make(conn: sa.Connection) -> None:
        found = migrate._config()
        found.attributes["connection"] = conn
        command.upgrade(found, "0001")
        values = {"issuer": issuer, "key": key_check}
        conn.execute(sa.text("INSERT INTO deployment VALUES (1, :issuer, :key, 1, 1)"), values)

    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as conn:
        make(conn)
    engine.dispose()
    path.chmod(0o600)


def test_an_older_backup_is_migrated_on_its_way(
    stopped: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, database = tmp_path / "old.db", stopped.folder / "accredit.db"
    first_schema(old, database)
    CommandLine(stopped.folder, capsys).ok("--yes", "restore", str(old))
    assert rows(database, "SELECT epoch, epoch_at > 1 FROM deployment") == [(2, 1)]
    assert rows(old, "SELECT version_num FROM alembic_version") == [("0001",)], "a backup is only read"


def test_an_old_database_is_copied_before_up_migrates_it(stopped: Served) -> None:
    database = stopped.folder / "accredit.db"
    first_schema(stopped.folder / "old.db", database)
    (stopped.folder / "old.db").replace(database)
    with serve(stopped.folder, port=stopped.settings.port):
        (kept,) = stopped.folder.glob("accredit.db.before-*")
    assert kept.stat().st_mode & 0o777 == 0o600
    assert rows(kept, "SELECT version_num FROM alembic_version") == [("0001",)]


def test_postgresql_is_brought_back_by_its_own_tools_and_then_told_so(
    tmp_path: Path, postgres_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCREDIT_DATABASE", postgres_url)
    monkeypatch.setenv("ACCREDIT_PORT", str(free_port()))
    cli = CommandLine(tmp_path / "data", capsys)
    cli.ok("migrate")
    assert cli.run("--yes", "restore", "--after-pg-restore").code == 1, "no node has run on it"

    async def while_it_runs() -> int:
        async with app.node(config.load(data=cli.folder)):
            return await asyncio.to_thread(lambda: cli.run("--yes", "restore", "--after-pg-restore").code)

    assert asyncio.run(while_it_runs()) == 1, "a node is running"
    assert cli.run("backup", str(tmp_path / "copy")).code == 1
    assert cli.run("--yes", "restore", str(tmp_path / "copy")).code == 1
    assert cli.run("restore", "--after-pg-restore").code == 2
    assert cli.data("--yes", "restore", "--after-pg-restore") == {"restored": True}
    assert "void" in cli.ok("--yes", "restore", "--after-pg-restore")
