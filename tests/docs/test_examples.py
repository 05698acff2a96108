"""The examples are whole programs that run; the demo runs those that serve, this file the rest."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def test_every_example_is_short_and_says_what_it_is() -> None:
    assert EXAMPLES
    for path in EXAMPLES:
        text = path.read_text()
        assert len(text.splitlines()) < 60, path.name
        assert text.startswith('"""'), path.name


def test_the_tests_of_the_example_pass_with_the_configuration_of_nobody(tmp_path: Path) -> None:
    empty = tmp_path / "pytest.ini"
    empty.write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", str(empty), "-W", "error"]
    done = subprocess.run(
        [*command, "--rootdir", "examples", "examples/test_ledger.py"],
        capture_output=True, text=True, cwd=ROOT, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
