"""Whoever follows the documents to the letter gets where they say."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.walk import blocks, missing
from tests.laws.tree import ROOT

README = ROOT / "README.md"


def test_a_line_that_was_not_said_is_missed_and_what_varies_is_not() -> None:
    told = "one dec_06h0sc0q95pvv6h6b2vi0ldgc8\ntwo at 127.0.0.1:8700\nthree\n"
    assert missing("one dec_06h0s8pleltjp07uak561d2b88\nthree\n", told) == []
    assert missing("two at 127.0.0.1:53815\n", told) == []
    assert missing("four\n", told) == ["four"]
    assert missing("three\none an-id\n", told) == ["one an-id"]


def test_every_make_target_that_the_documents_name_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text()
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    named = {
        name for path in documents for name in re.findall(r"(?:^|`)make ([a-z-]+)", path.read_text(), re.MULTILINE)
    }
    assert {"demo", "test", "check", "bench", "reference"} <= named
    assert not [name for name in named if not re.search(rf"^{name}:", makefile, re.MULTILINE)]


@pytest.mark.slow
def test_the_demo_says_what_the_readme_shows_of_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "demo", "--folder", str(tmp_path / "demo")],
        capture_output=True, text=True, cwd=ROOT, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (shown,) = (block for block in blocks(README) if "demo" in block.words)
    assert missing(shown.text, done.stdout) == [], done.stdout
    assert "\n14 · " in done.stdout
    assert "\n15 · " not in done.stdout
