"""`make demo` is a promise to whoever comes by: it runs to its end, says what it does, and leaves nothing running."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len

ROOT = Path(__file__).parents[2]
CHAPTERS = 14

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

BREAK = """
import runpy
from demo.agent import Agent

async def knock(self):
    return 200, ""

Agent.knock = knock
runpy.run_module("demo", run_name="__main__")
"""


@pytest.fixture
def mark() -> str:
    """A word in the environment of the demo, and so in that of all that it starts."""
    return secrets.token_hex(16)


def run(mark: str, *command: str) -> subprocess.CompletedProcess[str]:
    environment = dict(os.environ) | {"COLUMNS": "80", "DEMO_MARK": mark}
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=240
    )


def left(mark: str) -> Iterator[str]:
    """Yield the processes that carry the mark."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes():
                yield (folder / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_the_story_is_told_to_its_end_and_no_process_is_left(mark: str, tmp_path: Path, database: str) -> None:
    done = run(mark, "-m", "demo", "--database", database, "--folder", str(tmp_path / "demo"))
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert list(left(mark)) == []
    chapters = [line.split(" · ")[0] for line in done.stdout.splitlines() if line.endswith("──") and " · " in line]
    assert chapters == [str(number) for number in range(1, CHAPTERS + 1)]
    assert [line for line in done.stdout.splitlines() if cell_len(line) > 80] == []
    last = done.stdout.rpartition(chapters[-1] + " · ")[2]
    assert ".venv/bin/accredit up" in last
    assert "http://127.0.0.1:8700/" in last


def test_a_step_that_does_not_do_what_it_says_ends_the_story_with_1(mark: str, tmp_path: Path) -> None:
    done = run(mark, "-c", BREAK, "--folder", str(tmp_path / "demo"))
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert "step 4: " in done.stdout
    assert "5 · " not in done.stdout
    assert list(left(mark)) == []


def test_a_place_where_no_folder_can_be_ends_the_story_with_1(mark: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run(mark, "-m", "demo", "--folder", str(tmp_path / "file" / "demo"))
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
