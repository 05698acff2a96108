"""Shell completion: commands, options and names of the running node, and silence when anything is wrong."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from accredit.cli import complete
from accredit.cli.complete import FILES, candidates, commands
from tests.support.terminal import CommandLine

BIN = Path(sys.executable).parent


def next_words(line: str, folder: Path = Path("/nowhere")) -> list[str]:
    return candidates(line, commands(), {"ACCREDIT_DATA": str(folder)})


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("accredit server s", ["scope", "show", "suspend", "sync"]),
        ("accredit --json server s", ["scope", "show", "suspend", "sync"]),
        ("accredit --data /some/where server sy", ["sync"]),
        ("accredit agent credential re", ["retire", "revoke"]),
        ("accredit serv", ["server"]),
        ("accredit server tool ledger pay --kind ", ["tool", "resource", "prompt"]),
        ("accredit server tool ledger pay --kind re", ["resource"]),
        ("accredit server tool ledger pay --rem", ["--remove"]),
        ("accredit server may-ask ledger roots s", ["sampling"]),
        ("accredit completion ", ["bash", "zsh", "fish"]),
        ("accredit server sho --j", ["--json"]),
        ("accredit apply ", [FILES]),
        ("accredit apply accredit.yaml ", []),
        ("accredit agent add bot --secret-file ", [FILES]),
        ("accredit --config ", [FILES]),
        ("accredit agent add b", []),
        ("accredit explain ", []),
        ("accredit nonsense ", []),
        ("accredit", []),
        ("", []),
    ],
)
def test_what_could_come_next_is_told_without_a_node(line: str, expected: list[str]) -> None:
    assert next_words(line) == expected


def test_every_command_and_every_option_can_be_reached() -> None:
    for path, found in commands().items():
        words = next_words(f"accredit {path} ".replace("  ", " ")) if "verbs" in found else []
        assert words == found.get("verbs", [])
        assert set(next_words(f"accredit {path} -")) >= set(found["options"])


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("accredit server show ", ["guard", "ledger", "management"]),
        ("accredit server show le", ["ledger"]),
        ("accredit server show ledger ", []),
        ("accredit role assign ", ["reader"]),
        ("accredit role assign reader ", ["bot"]),
        ("accredit role assign reader b", ["bot"]),
        ("accredit agent credential add ", ["bot"]),
        ("accredit agent add new --role ", ["reader"]),
        ("accredit role add new --scope l", ["ledger="]),
        ("accredit audit search --server l", ["ledger"]),
        ("accredit guard enrol l", ["ledger"]),
        ("accredit server show Led", []),
        ("accredit server show '$(x)'", []),
        ("accredit role add ", []),
    ],
)
def test_names_come_from_the_running_node(settled: CommandLine, line: str, expected: list[str]) -> None:
    assert next_words(line, settled.folder) == expected


def test_the_node_is_the_one_that_the_line_means(settled: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "accredit.toml"
    file.write_text(f'data = "{settled.folder}"\n')
    for told in (f"--data {settled.folder}", f"--data={settled.folder}", f"--config {file}"):
        assert candidates(f"accredit {told} agent show ", commands(), {}) == ["bot"]


def test_names_beyond_the_first_page_are_found_by_how_they_begin(cli: CommandLine) -> None:
    agents = {f"a{number:03}": {"owner": "dana"} for number in range(250)} | {"b-1": {"owner": "dana"}}
    file = cli.folder / "many.json"
    file.write_text(json.dumps({"accredit": 1, "agents": agents}))
    cli.ok("apply", str(file))
    assert len(next_words("accredit agent show ", cli.folder)) == 200
    assert next_words("accredit agent show a24", cli.folder) == [f"a24{digit}" for digit in range(10)]
    assert next_words("accredit agent show b-", cli.folder) == ["b-1"]
    assert next_words("accredit agent show a0", cli.folder) == [f"a0{number:02}" for number in range(100)]


@pytest.fixture
def impostor(tmp_path: Path) -> Iterator[socket.socket]:
    """A socket where the node's would be."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "admin.sock"))
        listener.listen()
        yield listener


@pytest.mark.parametrize(
    "answer",
    [
        b'HTTP/1.1 200 OK\r\n\r\n{"items": [{"slug": "$(reboot)"}, {"slug": "a;b"}, {"slug": "-x y"}, {"slug": 5}]}',
        b'HTTP/1.1 403 Forbidden\r\n\r\n{"items": [{"slug": "ledger"}]}',
        b"HTTP/1.1 200 OK\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"\x00" * 2_000_000,
        b"",
        None,
    ],
    ids=["words of a shell", "refused", "a list", "no body", "no end", "nothing", "silence"],
)
def test_whoever_answers_in_the_place_of_a_node_puts_nothing_on_the_line(
    impostor: socket.socket, tmp_path: Path, answer: bytes | None, capfd: pytest.CaptureFixture[str]
) -> None:
    done = threading.Event()

    def answered() -> None:
        connection, _ = impostor.accept()
        with connection:
            if answer is None:
                done.wait(30)
            else:
                connection.recv(65536)
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    connection.sendall(answer)

    thread = threading.Thread(target=answered, daemon=True)
    thread.start()
    assert complete.main(f"accredit --data {tmp_path} server show ") == 0
    done.set()
    thread.join(30)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("line", ["accredit --data /nowhere server show ", "accredit server show 'un", "\x00 \x00"])
def test_without_a_node_or_a_sense_nothing_is_said(line: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert complete.main(line) == 0
    assert capfd.readouterr() == ("", "")


def test_a_shell_does_not_wait_for_the_commands_to_load() -> None:
    code = (
        "import sys; sys.argv = ['accredit', '_complete', 'accredit ser']\n"
        "from accredit.cli.start import main; main()\n"
        "sys.exit(bool({'typer', 'rich', 'httpx2', 'pydantic', 'asyncio'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "server\n", "")


def completed(line: str, *, data: Path) -> tuple[list[str], str]:
    """Return what a real bash has for the end of a line, and what it said on standard error."""
    script = (
        "source <(accredit completion bash) && COMP_LINE=$1 COMP_POINT=${#1} && compopt() { echo compopt:$2; } && "
        "_accredit accredit && printf '%s\\n' \"${COMPREPLY[@]}\"; complete -p accredit"
    )
    environment = {"PATH": f"{BIN}:{os.environ['PATH']}", "ACCREDIT_DATA": str(data), "HOME": str(data)}
    command = ["bash", "--norc", "--noprofile", "-c", script, "bash", line]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    *words, registered = done.stdout.splitlines()
    assert registered == "complete -F _accredit accredit"
    return [word for word in words if word], done.stderr


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("accredit server sy", ["sync"]),
        ("accredit agent show ", ["bot"]),
        ("accredit role scopes reader --scope le", ["compopt:nospace", "ledger="]),
        ("accredit plan ", ["compopt:default"]),
        ("accredit server show nobody-", []),
    ],
)
def test_a_real_bash_completes(settled: CommandLine, line: str, expected: list[str]) -> None:
    assert completed(line, data=settled.folder) == (expected, "")


def test_a_real_bash_says_nothing_where_no_node_runs(tmp_path: Path) -> None:
    assert completed("accredit agent show ", data=tmp_path) == ([], "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script_of_its_own(cli: CommandLine, shell: str) -> None:
    script = cli.ok("completion", shell)
    assert cli.data("completion", shell) == {"shell": shell, "script": script}
    assert " _complete " in script
