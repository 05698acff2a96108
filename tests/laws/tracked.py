"""What no committed file may hold: a path of the machine it was written on, or an address packages come from."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

# Written so that this file does not hold what it forbids.
HOMES = re.compile(r"(?<![\w.$}/-])/(?:home|Users)/[a-z][\w.-]*/|(?<![\w.$}/-])/ro" + r"ot/[\w.]")
HOSTS = re.compile(
    r"(?:pypi|pythonhosted|npmjs|yarnpkg)\.(?:org|com)/|--(?:extra-)?index-" + r"url\b|--find-" + r"links\b"
)
LOCK_ADDRESS = re.compile(r'"resolved": *"https?:|^ *(?:registry|url) *= *"https?:', re.MULTILINE)
LOCKS = re.compile(r"(?:\.lock|lock\.json|lock\.yaml)$")


def complaints(root: Path, names: Iterable[str], *, checkout: str) -> Iterator[str]:
    """Name every file among `names` that holds `checkout` (the absolute path of a clone), a home, or a package host."""
    for name in names:
        text = (root / name).read_bytes().decode("utf-8", "replace")
        if name.endswith("uv.lock"):
            yield f"{name}: holds download addresses"
        if re.search(re.escape(checkout) + r"(?![\w-])", text):
            yield f"{name}: names the checkout's own path"
        yield from (f"{name}: names {found.group()}" for found in HOMES.finditer(text))
        if name != "Makefile":  # the switch that keeps addresses out of the locks
            yield from (f"{name}: names {found.group()}" for found in HOSTS.finditer(text))
        if LOCKS.search(name):
            yield from (f"{name}: names {found.group().strip()}" for found in LOCK_ADDRESS.finditer(text))
