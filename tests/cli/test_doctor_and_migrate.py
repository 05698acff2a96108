"""The commands that open the database themselves: `accredit doctor`, `accredit migrate`; and `accredit version`."""

import base64
import socket
import sqlite3
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from accredit.cli.trouble import Exit, Trouble
from accredit.testing.serving import serve
from tests.support.terminal import CommandLine, free_port


@pytest.fixture
def stopped(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """The command line of a node that has run and stopped."""
    port = free_port()
    with serve(tmp_path / "data", port=port):
        pass
    monkeypatch.setenv("ACCREDIT_PORT", str(port))
    return CommandLine(tmp_path / "data", capsys)


@pytest.fixture
def fresh(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """The command line of a folder that is not there yet."""
    return CommandLine(tmp_path / "data", capsys)


def levels(cli: CommandLine) -> list[str]:
    return [item["level"] for item in cli.data("doctor")["findings"]]


def test_the_doctor_has_nothing_to_mend_at_a_stopped_node_but_its_loopback_issuer(stopped: CommandLine) -> None:
    assert levels(stopped) == ["warn", "ok", "ok"]
    assert "✔ ok" in stopped.ok("doctor")


def test_the_doctor_is_content_with_an_https_issuer(fresh: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCREDIT_ISSUER", "https://id.example.com")
    with serve(fresh.folder, port=free_port()):
        pass
    assert levels(fresh) == ["ok", "ok", "ok"]


def test_the_doctor_makes_no_folder_where_none_is(fresh: CommandLine) -> None:
    assert levels(fresh) == ["warn", "warn"]
    assert not fresh.folder.exists()


def test_the_doctor_sees_a_node_that_runs(cli: CommandLine) -> None:
    found = cli.data("doctor")["findings"]
    assert [item["level"] for item in found] == ["warn", "ok", "ok", *["ok"] * 6]
    assert {"the node's writer", "the node's disk", "the node's clock"} <= {item["what"] for item in found}


def test_the_doctor_tells_what_a_running_node_misses(cli: CommandLine) -> None:
    (cli.folder / ".writable").mkdir()
    ran = cli.run("doctor", "--json")
    assert ran.code == 4
    (failed,) = [item for item in ran.data["findings"] if item["level"] == "fail"]
    assert failed["what"] == "the node's disk"
    assert str(cli.folder) in failed["advice"]


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # httpx2 leaves its socket to the collector
def test_the_doctor_sees_that_a_node_has_died_and_left_its_socket(stopped: CommandLine) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(stopped.folder / "admin.sock"))
    assert levels(stopped) == ["warn", "ok", "ok", "warn"]


def open_to_others(folder: Path) -> None:
    folder.chmod(0o755)


def key_open_to_others(folder: Path) -> None:
    (folder / "master.key").chmod(0o644)


def no_key(folder: Path) -> None:
    (folder / "master.key").unlink()


def spoilt_key(folder: Path) -> None:
    (folder / "master.key").write_text("not a key")


def another_key(folder: Path) -> None:
    (folder / "master.key").write_bytes(base64.urlsafe_b64encode(bytes(32)))


def no_database(folder: Path) -> None:
    (folder / "accredit.db").write_bytes(b"not a database" * 100)


def old_schema(folder: Path) -> None:
    with sqlite3.connect(folder / "accredit.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '0000'")


@pytest.mark.parametrize(
    "spoil", [open_to_others, key_open_to_others, no_key, spoilt_key, another_key, no_database, old_schema]
)
def test_the_doctor_ends_with_4_when_something_keeps_a_node_from_starting(
    stopped: CommandLine, spoil: Callable[[Path], None]
) -> None:
    spoil(stopped.folder)
    ran = stopped.run("doctor", "--json")
    assert ran.code == ran.trouble["exit"] == 4
    failed = [item for item in ran.data["findings"] if item["level"] == "fail"]
    assert failed
    assert all(item["advice"] for item in failed)
    assert stopped.run("up").code == 1


def test_the_doctor_sees_an_issuer_that_the_database_does_not_belong_to(stopped: CommandLine) -> None:
    stopped.run("doctor")
    port = str(free_port())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACCREDIT_PORT", port)
        assert stopped.run("doctor").code == 4
        assert stopped.run("up").code == 1
    assert stopped.run("doctor").code == 0


def test_migrate_makes_the_schema_once_and_then_has_nothing_to_do(fresh: CommandLine) -> None:
    first, second = fresh.data("migrate")["migrated"], fresh.data("migrate")["migrated"]
    assert first != second
    assert fresh.ok("migrate").startswith("✔ ")


def test_migrate_refuses_while_a_node_runs(cli: CommandLine) -> None:
    assert cli.run("migrate").code == 1


def test_migrate_brings_an_empty_postgresql_to_the_schema_that_up_wants(
    fresh: CommandLine, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCREDIT_DATABASE", postgres_url)
    monkeypatch.setenv("ACCREDIT_PORT", str(free_port()))
    assert fresh.run("up").code == 1
    assert fresh.run("doctor").code == 4
    fresh.ok("migrate")
    assert levels(fresh) == ["warn", "ok", "warn"]


def test_a_database_that_does_not_answer_is_a_sentence_without_its_password(
    fresh: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCREDIT_DATABASE", f"postgresql://somebody:hunter2@127.0.0.1:{free_port()}/none")
    for words in (("migrate",), ("up",), ("doctor",)):
        ran = fresh.run(*words)
        assert ran.code in (1, 4)
        assert "hunter2" not in ran.out + ran.err


def test_the_version_is_that_of_both_distributions(fresh: CommandLine) -> None:
    told = fresh.data("version")
    assert (told["accredit"], told["sdk"]) == (version("accredit"), version("accredit-sdk"))
    assert fresh.ok("version").split()[1] == version("accredit")


def test_the_doctor_warns_of_a_server_that_does_not_enforce(stopped: CommandLine) -> None:
    with sqlite3.connect(stopped.folder / "accredit.db") as database:
        database.execute("UPDATE servers SET mode = 'observe' WHERE slug = 'management'")
    found = stopped.data("doctor")["findings"][-1]
    assert (found["level"], "DOES NOT ENFORCE" in found["what"]) == ("warn", True)
    assert found["advice"] == "accredit server mode management enforce"


def test_the_doctor_is_told_by_a_running_node_which_servers_do_not_enforce(
    ledger: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def about() -> list[tuple[str, str]]:
        found = ledger.data("doctor")["findings"]
        return [(item["level"], item["advice"]) for item in found if "ledger" in item["what"] + item["advice"]]

    assert about() == []
    ledger.ok("server", "mode", "ledger", "observe", "--yes")
    assert about() == [("warn", "accredit server mode ledger enforce")]

    def away(*_: object, **__: object) -> None:
        raise Trouble(Exit.UNREACHABLE, "it does not answer")

    monkeypatch.setattr("accredit.cli.client.Client.get", away)
    last = ledger.data("doctor")["findings"][-1]
    assert (last["level"], last["advice"]) == ("warn", "it does not answer")
