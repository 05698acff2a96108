"""A newcomer's first ten minutes: the README, command for command, with nothing but the wheels and an empty folder."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.walk import Walk, missing
from tests.laws.tree import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder with a short name: that of a node's socket has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="first-") as name:
        yield Path(name)


def test_a_newcomer_guards_a_server_and_sends_an_agent_with_what_the_readme_says(dist: Path, short: Path) -> None:
    shutil.copytree(dist, short / "dist")
    with Walk(short, empty=True) as walk:
        compared = 0
        for block, said in walk.through(ROOT / "README.md"):
            if block.language == "text" and not block.words:
                assert missing(block.text, said) == [], f"{block.where}\n{said}"
                compared += 1
        assert compared == 3
    home = short / "home" / "notes"
    assert list(home.glob(".venv/lib/python*/site-packages/accredit/cli/main.py"))
    assert str(ROOT) not in (home / ".venv" / "bin" / "accredit").read_text()
