"""What a person sees at a real terminal: its width is kept, and colour is never the only sign."""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from rich.cells import cell_len

from accredit.cli.trouble import Exit
from tests.support.terminal import CommandLine

ACCREDIT = str(Path(sys.executable).with_name("accredit"))
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def seen(columns: int, cli: CommandLine, *words: str, **surroundings: str) -> str:
    """Return everything that a command sends to a terminal of so many columns."""
    mine, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    known = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    environment = known | {"TERM": "xterm-256color"} | surroundings
    command = [ACCREDIT, "--data", str(cli.folder), *words]
    with subprocess.Popen(command, stdin=its, stdout=its, stderr=its, env=environment) as process:
        os.close(its)
        found = b""
        try:
            while part := os.read(mine, 65536):
                found += part
        except OSError:  # this is how Linux says that nobody holds the other side any more
            pass
        finally:
            os.close(mine)
    assert process.returncode == 0, found
    return found.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal_and_no_id_is_broken(settled: CommandLine, columns: int) -> None:
    shown = ESCAPES.sub("", seen(columns, settled, "audit", "search"))
    assert max(cell_len(line) for line in shown.splitlines()) <= columns
    for item in settled.data("audit", "search")["items"]:
        assert item["decision"] in shown


def test_colour_comes_beside_words_and_goes_with_no_color(settled: CommandLine) -> None:
    coloured = seen(80, settled, "server", "list")
    without = seen(80, settled, "server", "list", NO_COLOR="1")
    assert "\x1b[32m" in coloured
    assert not re.search(r"\x1b\[(?:[0-9;]*;)?3[0-9]", without)
    assert ESCAPES.sub("", coloured) == ESCAPES.sub("", without)
    assert "● active" in without


@pytest.mark.parametrize("columns", [40, 80])
@pytest.mark.parametrize("noun", ["", "server", "agent", "agent credential"])
def test_a_list_of_commands_says_all_of_what_each_one_does(settled: CommandLine, noun: str, columns: int) -> None:
    shown = ESCAPES.sub("", seen(columns, settled, *noun.split(), "--help"))
    assert max(cell_len(line) for line in shown.splitlines()) <= columns
    assert "..." not in re.sub(r"\[ARGS\]\s*\.\.\.", "", shown)


def ended(cli: CommandLine, script: str) -> tuple[int, str]:
    """Return the exit code of a command in a real shell, and what it said on standard error."""
    environment = {"PATH": f"{Path(ACCREDIT).parent}:{os.environ['PATH']}", "ACCREDIT_DATA": str(cli.folder)}
    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("command", ["audit search", "audit search --json", "server list", "export", "--help"])
def test_a_full_disk_and_a_reader_who_has_left_end_a_command_without_a_traceback(
    settled: CommandLine, command: str
) -> None:
    assert ended(settled, f"accredit {command} > /dev/full")[0] == Exit.REFUSED
    for where in ("> /dev/full", "> /dev/full 2> /dev/full", "| true", ">&-"):
        code, said = ended(settled, f"set -o pipefail; accredit {command} {where}")
        assert code in (Exit.OK, Exit.REFUSED)
        assert len(said.splitlines()) <= 4
        assert "Traceback" not in said
        assert "Exception ignored" not in said


def interrupted(process: subprocess.Popen[bytes], terminal: int) -> bytes:
    """Press Ctrl-C at the question until the process ends, as a person does; return what it said."""
    found = b""
    with contextlib.suppress(OSError):  # this is how Linux says that nobody holds the other side any more
        while True:
            ready, _, _ = select.select([terminal], [], [], 0.5)
            part = os.read(terminal, 65536) if ready else b""
            found += part
            # One that comes after the question and before the reading of the answer is heard with the next one.
            if b"[y/N]" in found:
                os.killpg(process.pid, signal.SIGINT)
    process.wait(10)
    return found


def test_ctrl_c_at_a_question_ends_with_a_code_of_its_own_and_nothing_was_done(settled: CommandLine) -> None:
    mine, its = pty.openpty()
    command = [ACCREDIT, "--data", str(settled.folder), "agent", "suspend", "bot"]
    with subprocess.Popen(command, stdin=its, stdout=its, stderr=its, start_new_session=True) as process:
        os.close(its)
        try:
            found = interrupted(process, mine)
        finally:
            process.kill()
            os.close(mine)
    assert process.returncode == Exit.INTERRUPTED
    assert b"Traceback" not in found
    assert settled.data("agent", "show", "bot")["state"] == "active"


def test_what_takes_its_time_shows_a_person_that_it_works(settled: CommandLine) -> None:
    assert "\x1b[?25l" in seen(80, settled, "audit", "verify")
    assert "\x1b" not in seen(80, settled, "audit", "verify", "--json")
