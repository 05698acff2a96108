"""A newcomer's first ten minutes: the README, command for command, with nothing but the wheels and an empty folder."""

import shutil
from pathlib import Path

import pytest

from tests.docs.walk import Walk, missing
from tests.laws.tree import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_a_newcomer_guards_a_server_and_sends_an_agent_with_what_the_readme_says(dist: Path, tmp_path: Path) -> None:
    shutil.copytree(dist, tmp_path / "dist")
    with Walk(tmp_path, empty=True) as walk:
        compared = 0
        for block, said in walk.through(ROOT / "README.md"):
            if block.language == "text" and not block.words:
                assert missing(block.text, said) == [], f"{block.where}\n{said}"
                compared += 1
        assert compared == 3
    home = tmp_path / "home" / "notes"
    assert list(home.glob(".venv/lib/python*/site-packages/accredit/cli/main.py"))
    assert str(ROOT) not in (home / ".venv" / "bin" / "accredit").read_text()
