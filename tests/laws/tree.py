"""What the laws read: the Python files of a house, parsed once."""

import ast
import functools
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = ("src/accredit", "packages/sdk/src/accredit_sdk")
EXEMPT = "src/accredit/store/migrations/versions/"


def modules(root: Path) -> Iterator[tuple[str, ast.Module]]:
    """Yield path (from `root`) and tree of each module of both distributions, migrations apart."""
    for source in SOURCES:
        for path in sorted((root / source).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            if not name.startswith(EXEMPT):
                yield name, parse(path)


@functools.cache
def parse(path: Path) -> ast.Module:
    """Return the tree of one file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def tracked(root: Path) -> list[str]:
    """Return what git tracks, and what it would track, below `root`."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\0")
    return sorted(name for name in listed if name and (root / name).is_file())


def is_public(name: str) -> bool:
    """Tell whether a name is for others."""
    return not name.startswith("_")
