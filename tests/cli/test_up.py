"""`accredit up` in a process of its own, as people start it."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from accredit.cli.main import LOG
from tests.cli.conftest import LEDGER
from tests.support.terminal import CommandLine, free_port

ACCREDIT = str(Path(sys.executable).with_name("accredit"))


def surroundings() -> dict[str, str]:
    """Return the environment as Python knows it: readline puts COLUMNS into it behind Python's back."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


@contextmanager
def up(folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a node and yield it once it has said that it answers, with what it said."""
    command = [ACCREDIT, "--data", str(folder), "up", *words]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=surroundings()
    ) as process:
        try:
            yield process, said(process)
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> str:
    """Return what a node prints when it answers: to the line that is the last one for people, or for programs."""
    lines: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        if line == "}\n" or line.startswith("stop it"):
            break
    else:
        raise AssertionError(process.communicate())
    return "".join(lines)


def accredit(folder: Path, *words: str) -> Any:
    """Run another command over the socket of the node."""
    command = [ACCREDIT, "--data", str(folder), *words, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=surroundings())
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_second_start_goes_on_where_the_first_one_was_stopped(tmp_path: Path, ending: signal.Signals) -> None:
    words = ("--port", str(free_port()), "--json")
    with up(tmp_path / "data", *words) as (process, told):
        accredit(tmp_path / "data", *LEDGER)
        before = accredit(tmp_path / "data", "server", "list"), accredit(tmp_path / "data", "key", "list")
        process.send_signal(ending)
        out, err = process.communicate(timeout=30)
        assert (process.returncode, out, err) == (0, "", "")
        assert not (tmp_path / "data" / "admin.sock").exists()
    with up(tmp_path / "data", *words) as (process, again):
        assert again == told
        assert (accredit(tmp_path / "data", "server", "list"), accredit(tmp_path / "data", "key", "list")) == before
        assert accredit(tmp_path / "data", "audit", "verify")["ok"] is True


@pytest.mark.slow
def test_a_node_that_was_killed_leaves_nothing_in_the_way_of_the_next_one(tmp_path: Path) -> None:
    words = ("--port", str(free_port()))
    with up(tmp_path / "data", *words) as (process, _):
        process.kill()
        process.wait(30)
        assert (tmp_path / "data" / "admin.sock").exists()
    with up(tmp_path / "data", *words):
        assert accredit(tmp_path / "data", "audit", "verify")["ok"] is True


def test_it_says_where_it_answers_once_it_does_and_keeps_its_folder_to_its_owner(tmp_path: Path) -> None:
    port = free_port()
    with up(tmp_path / "data", "--port", str(port)) as (_, told):
        assert httpx2.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
        assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
        for name in ("admin.sock", "master.key"):
            assert (tmp_path / "data" / name).stat().st_mode & 0o777 == 0o600
    lines = told.splitlines()
    assert lines[0].startswith("✔ ")
    assert lines[0].endswith(f"http://127.0.0.1:{port}")
    assert any(str(tmp_path / "data") in line for line in lines[1:])


def test_it_tells_a_program_the_same_in_json(tmp_path: Path) -> None:
    port, folder = free_port(), tmp_path / "data"
    with up(folder, "--port", str(port), "--json") as (_, told):
        assert json.loads(told) == {
            "issuer": f"http://127.0.0.1:{port}", "data": str(folder), "socket": str(folder / "admin.sock"),
        }  # fmt: skip


def refused(cli: CommandLine, *words: str) -> int:
    """Return how a start ends that cannot succeed; it says so in lines, not in a traceback."""
    ran = cli.run("up", *words)
    assert ran.out == ""
    assert [line for line in ran.err.splitlines() if not line.startswith("✘ ")] == []
    assert ran.err
    return ran.code


@pytest.fixture
def fresh(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """The command line of a folder that is not there yet."""
    return CommandLine(tmp_path / "data", capsys)


def test_a_port_that_is_taken_ends_with_1_and_makes_no_folder(fresh: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert refused(fresh, "--port", str(taken.getsockname()[1])) == 1
    assert not fresh.folder.exists()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--host", "192.0.2.1"), 1),
        (("--host", "no.such.host.invalid"), 1),
        (("--port", "70000"), 2),
        (("--issuer", "http://id.example.com"), 2),
        (("--database", "mysql://x"), 2),
    ],
)
def test_what_it_cannot_start_with_ends_with_a_sentence(fresh: CommandLine, words: tuple[str, ...], code: int) -> None:
    given = words if "--port" in words else (*words, "--port", str(free_port()))
    assert refused(fresh, *given) == code


def test_two_nodes_do_not_share_one_folder(cli: CommandLine) -> None:
    assert refused(cli, "--port", str(free_port())) == 1


def test_a_folder_that_others_can_open_is_refused(fresh: CommandLine) -> None:
    fresh.folder.mkdir(mode=0o755)
    assert refused(fresh, "--port", str(free_port())) == 1


def test_a_path_that_is_too_long_for_a_socket_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(CommandLine(tmp_path / ("x" * 120), capsys), "--port", str(free_port())) == 1


def test_a_reader_who_goes_away_early_is_no_trouble(cli: CommandLine) -> None:
    command = f"{ACCREDIT} --data {cli.folder} key list | head -c 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False, env=surroundings()
    )
    assert "Traceback" not in done.stderr
    assert not (cli.folder / LOG).exists()


@pytest.mark.slow
def test_a_start_warns_of_a_server_that_does_not_enforce(tmp_path: Path) -> None:
    port = str(free_port())
    with up(tmp_path / "data", "--port", port):
        accredit(tmp_path / "data", *LEDGER)
        accredit(tmp_path / "data", "server", "mode", "ledger", "observe", "--yes")
    with up(tmp_path / "data", "--port", port) as (process, _):
        process.terminate()
        assert "ledger DOES NOT ENFORCE" in process.communicate()[1]
