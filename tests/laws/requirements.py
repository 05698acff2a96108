"""The manifest of what we claim (2-house, habit 4): every requirement has an id, every id a test, every test an id.

`tests/spec/requirements/<standard>.toml` holds the requirements of one standard and its dated divergences;
`pending.toml` beside them holds the ids that no test proves yet; `python -m tests.laws.requirements` strikes out those
that have a test by now.
"""

import ast
import datetime as dt
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.laws.tree import ROOT, parse

FOLDER = "tests/spec/requirements"
LEVELS = ("MUST", "SHOULD", "MAY")


def complaints(root: Path) -> Iterator[str]:
    """Name every id without a test, every marker without an id, and every entry that is not whole."""
    manifest, divergences = dict[str, str](), list[tuple[str, dict[str, Any]]]()
    for path in sorted((root / FOLDER).glob("*.toml")):
        if path.name == "pending.toml":
            continue
        table = tomllib.loads(path.read_text())
        for one, entry in table.get("requirement", {}).items():
            yield from _entry(path.name, one, entry, manifest)
            manifest[one] = path.name
        divergences += [(path.name, entry) for entry in table.get("divergence", [])]
    for name, entry in divergences:
        yield from _divergence(name, entry, manifest)
    marked, pending = dict(marks(root)), set(tomllib.loads((root / FOLDER / "pending.toml").read_text())["ids"])
    yield from (f"{marked[one]}: no requirement {one}" for one in sorted(marked.keys() - manifest.keys()))
    unproved = manifest.keys() - marked.keys() - pending
    yield from (f"{manifest[one]}: {one} has no test" for one in sorted(unproved))
    yield from (f"pending.toml: {one} has a test now, delete the line" for one in sorted(pending & marked.keys()))
    yield from (f"pending.toml: no requirement {one}" for one in sorted(pending - manifest.keys()))


def marks(root: Path) -> Iterator[tuple[str, str]]:
    """Yield each id that a test is marked with, and where: `@pytest.mark.requirement("…", …)` with literal strings."""
    for path in sorted((root / "tests").rglob("*.py")):
        if path.parent.name == "laws":
            continue
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.requirement":
                where = f"{path.relative_to(root).as_posix()}:{node.lineno}"
                for argument in node.args:
                    literal = isinstance(argument, ast.Constant) and isinstance(argument.value, str)
                    yield (argument.value if literal else ast.unparse(argument)), where  # type: ignore[attr-defined]


def _entry(name: str, one: str, entry: dict[str, Any], known: dict[str, str]) -> Iterator[str]:
    if one in known:
        yield f"{name}: {one} stands in {known[one]} too"
    if entry.keys() != {"source", "level", "text"} or not all(entry.values()):
        yield f"{name}: {one} needs source, level and text, and nothing else"
    elif entry["level"] not in LEVELS:
        yield f"{name}: {one} has the level {entry['level']}"


def _divergence(name: str, entry: dict[str, Any], known: dict[str, str]) -> Iterator[str]:
    if entry.keys() != {"id", "since", "what", "why"} or not isinstance(entry.get("since"), dt.date):
        yield f"{name}: a divergence needs id, since (a date), what and why, and nothing else"
    elif entry["id"] not in known:
        yield f"{name}: a divergence from {entry['id']}, which is no requirement"


if __name__ == "__main__":
    proved = dict(marks(ROOT))
    pending_file = ROOT / FOLDER / "pending.toml"
    kept = [line for line in pending_file.read_text().splitlines() if line.strip(' ",') not in proved]
    pending_file.write_text("\n".join(kept) + "\n")
