"""Dependencies: what the projects declare is what the locks hold, hashed, and each has its line in the ADR."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

ADR = "docs/adr/dependencies.md"
PROJECTS = ("pyproject.toml", "packages/sdk/pyproject.toml")


def complaints(root: Path) -> Iterator[str]:
    """Name every difference between declared, listed, locked and explained dependencies."""
    declared = set[str]()
    for project in PROJECTS:
        table = tomllib.loads((root / project).read_text())["project"]
        extras = [one for extra in table.get("optional-dependencies", {}).values() for one in extra]
        declared |= {one for one in table["dependencies"] + extras if _name(one) != "accredit-sdk"}
    listed = set(_lines(root / "requirements/run.in"))
    yield from (f"requirements/run.in: {one} is declared by no project" for one in sorted(listed - declared))
    yield from (f"requirements/run.in: {one} is missing" for one in sorted(declared - listed))
    direct = {_name(one) for name in ("bootstrap", "run", "dev") for one in _lines(root / f"requirements/{name}.in")}
    explained = set(re.findall(r"^\| `([a-z0-9-]+)` \|", (root / ADR).read_text(), re.MULTILINE))
    yield from (f"{ADR}: {one} has no line" for one in sorted(direct - explained))
    yield from (f"{ADR}: {one} is no dependency" for one in sorted(explained - direct))
    for name in ("bootstrap", "run", "dev"):
        yield from _lock(root, name)


def _lock(root: Path, name: str) -> Iterator[str]:
    text = (root / f"requirements/{name}.txt").read_text()
    locked = set(re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE))
    wanted = {_name(one) for one in _lines(root / f"requirements/{name}.in")}
    yield from (f"requirements/{name}.txt: {one} is not locked (make lock)" for one in sorted(wanted - locked))
    for entry in re.split(r"\n(?=[a-z0-9])", text):
        if "==" in entry and "--hash=sha256:" not in entry:
            yield f"requirements/{name}.txt: {entry.split()[0]} has no hash"
    if re.search(r"https?://|file:|^-|@ ", text, re.MULTILINE):
        yield f"requirements/{name}.txt: holds an address or an option"


def _lines(path: Path) -> Iterator[str]:
    for line in path.read_text().splitlines():
        if line and not line.startswith(("#", "-")):
            yield line


def _name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found
    return found.group().lower().replace("_", "-")
