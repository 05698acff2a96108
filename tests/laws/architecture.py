"""ARCHITECTURE.md against the tree: paths exist, modules are named, and RFCs stand beside the modules that say so.

A path is written in backquotes: from the root (`src/accredit/web/`), or, further on in the same line, from the folder
that was named last (`token.py`). The table "RFC → module" holds, for each RFC, the modules whose first docstring line
names it; `python -m tests.laws.architecture` writes that table anew.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.laws.tree import ROOT, modules

DOCUMENT = "ARCHITECTURE.md"
LINES = 200
_QUOTED = re.compile(r"`([^`\s]+)`")
_PATH = re.compile(r"[\w./-]+/|[\w./-]*\w\.(?:py|md|toml|txt|in|html|css)|Makefile")
_ROW = re.compile(r"^\| (RFC \d+) \|(.*)\|$", re.MULTILINE)


def complaints(root: Path) -> Iterator[str]:
    """Name every sentence of the document that the tree belies, and every module that it forgets."""
    text = (root / DOCUMENT).read_text()
    if len(text.splitlines()) > LINES:
        yield f"{DOCUMENT}: {len(text.splitlines())} lines, {LINES} are allowed"
    named = set[str]()
    for line in text.splitlines():
        for path in _paths(root, line):
            if not (root / path).exists():
                yield f"{DOCUMENT}: {path} does not exist"
            named.add(path)
    for name, _ in modules(root):
        if name not in named and not name.endswith("/__init__.py"):
            yield f"{DOCUMENT}: {name} is not named"
    claimed = {rfc: set(_paths(root, cells)) for rfc, cells in _ROW.findall(text)}
    actual = by_rfc(root)
    for rfc in sorted(claimed.keys() | actual.keys(), key=lambda rfc: int(rfc[4:])):
        if claimed.get(rfc, set()) != actual.get(rfc, set()):
            yield f"{DOCUMENT}: {rfc} stands in {', '.join(sorted(actual.get(rfc, set()))) or 'no module'}"


def by_rfc(root: Path) -> dict[str, set[str]]:
    """Return for each RFC the modules whose first docstring line names it."""
    found: dict[str, set[str]] = {}
    for name, tree in modules(root):
        first = (ast.get_docstring(tree) or "").partition("\n")[0]
        for rfc in re.findall(r"RFC \d+", first):
            found.setdefault(rfc, set()).add(name)
    return found


def by_first_line(root: Path, words: str) -> list[str]:
    """Return the modules whose first docstring line holds `words`."""
    firsts = ((name, (ast.get_docstring(tree) or "").partition("\n")[0]) for name, tree in modules(root))
    return [name for name, first in firsts if re.search(rf"{re.escape(words)}\b", first)]


def with_table(text: str, root: Path) -> str:
    """Return the document with its RFC table written anew: a row per RFC, in the place of the old rows."""
    rows = [
        f"| {rfc} | {' '.join(f'`{name}`' for name in sorted(names))} |"
        for rfc, names in sorted(by_rfc(root).items(), key=lambda item: int(item[0][4:]))
    ]
    old = _ROW.search(text)
    if old is None:
        return text
    return text[: old.start()] + "\n".join(rows) + "\n" + _ROW.sub("", text[old.start() :]).lstrip("\n")


def _paths(root: Path, line: str) -> Iterator[str]:
    """Yield the paths in a line, from the root; one that is not there belongs to the folder named before it."""
    folder = ""
    for word in _QUOTED.findall(line):
        if not _PATH.fullmatch(word):
            continue
        if folder and not (root / word).exists():
            yield folder + word
        else:
            folder = word[: word.rfind("/") + 1]
            yield word


if __name__ == "__main__":
    (ROOT / DOCUMENT).write_text(with_table((ROOT / DOCUMENT).read_text(), ROOT))
