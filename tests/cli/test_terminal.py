"""What a person sees at a real terminal: its width is kept, and colour is never the only sign."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from rich.cells import cell_len

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


def test_what_takes_its_time_shows_a_person_that_it_works(settled: CommandLine) -> None:
    assert "\x1b[?25l" in seen(80, settled, "audit", "verify")
    assert "\x1b" not in seen(80, settled, "audit", "verify", "--json")
