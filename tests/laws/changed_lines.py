"""Nine of ten changed lines are run by some test (2-house): a plugin of pytest for `make test-all`.

Changed since `CHANGED_SINCE`, a git revision, or since the last tag, or since there was nothing. What runs in processes
that tests start counts too (coverage's `patch = subprocess`).
"""

import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

import coverage
import pytest

from tests.laws.tree import EXEMPT, ROOT, SOURCES

LEAST = 0.90
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_HUNK = re.compile(r"^@@ -\S+ \+(\d+)(?:,(\d+))? @@")
_said = pytest.StashKey[str]()


def changed(diff: str) -> dict[str, set[int]]:
    """Return the numbers of the new lines in each Python file of a diff without context."""
    lines: dict[str, set[int]] = {}
    name = ""
    for line in diff.splitlines():
        if line.startswith("+++ "):
            name = line.removeprefix("+++ b/")
        elif found := _HUNK.match(line):
            start, count = int(found.group(1)), int(found.group(2) or 1)
            if name.endswith(".py") and not name.startswith(EXEMPT):
                lines.setdefault(name, set()).update(range(start, start + count))
    return lines


def verdict(
    changes: Mapping[str, set[int]], known: Mapping[str, tuple[Iterable[int], Iterable[int]]]
) -> tuple[bool, str]:
    """Tell whether enough of `changes` was run, and say it; `known` holds statements and missed lines of each file."""
    total, missed = 0, dict[str, int]()
    for name, lines in changes.items():
        statements, missing = known[name]
        total += len(lines & set(statements))
        missed[name] = len(lines & set(missing))
    share = 1 - sum(missed.values()) / total if total else 1.0
    worst = sorted((name for name in missed if missed[name]), key=lambda name: -missed[name])[:10]
    least = "".join(f"\n  {missed[name]:4} lines in {name}" for name in worst)
    return (
        share >= LEAST,
        f"changed lines that tests run: {share:.1%} of {total}, {LEAST:.0%} are wanted; not run:{least}",
    )


def _since() -> str:
    asked = os.environ.get("CHANGED_SINCE", "")
    tag = _git("describe", "--tags", "--abbrev=0", check=False).strip()
    return asked or tag or EMPTY_TREE


def _git(*words: str, check: bool = True) -> str:
    return subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=check).stdout


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Judge once the coverage data of every process is together: not in a worker, which knows its own part only."""
    if hasattr(session.config, "workerinput"):
        return
    data = coverage.Coverage(config_file=str(ROOT / "pyproject.toml"))
    data.load()
    changes = changed(_git("diff", "--unified=0", "--no-ext-diff", _since(), "--", *SOURCES))
    present = {name: lines for name, lines in changes.items() if (ROOT / name).exists()}
    known = {name: _analysed(data, ROOT / name) for name in present}
    enough, session.config.stash[_said] = verdict(present, known)
    if not enough and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say it above pytest's own last line."""
    terminalreporter.write_line(config.stash.get(_said, "changed lines were not judged"))


def _analysed(data: coverage.Coverage, path: Path) -> tuple[list[int], list[int]]:
    _, statements, _, missing, _ = data.analysis2(str(path))
    return statements, missing
