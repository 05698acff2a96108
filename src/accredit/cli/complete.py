"""What could come next on a command line. A shell waits for it, so it loads no command: they are in `commands.json`.

It tells names of commands, options and, from the running node, of servers, roles, agents and the like; and nothing at
all when something is wrong. What reaches the shell is made of letters, digits and hyphens only, whoever answered.
"""

import json
import os
import re
import shlex
import socket
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

FILES: Final = ":files"
"""Said in the place of candidates: the shell knows its files better."""

NOUNS: Final = {
    "SERVER": "servers", "ROLE": "roles", "AGENT": "agents", "GUARD": "guards", "APP": "applications",
    "GROUP": "groups", "HOLDER": "agents", "MEMBER": "agents", "WEBHOOK": "webhooks",
}  # fmt: skip
"""How arguments and options call a noun, and where the management API lists it."""

SECONDS: Final = 0.25
"""How long the node may take to answer, all in all."""

_FILES: Final = frozenset({"FILE", "PATH", "FOLDER"})
_WORD: Final = re.compile(r"(--?)?[a-z0-9][a-z0-9-]{0,63}", re.ASCII)
_SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)
_ALPHABET: Final = "-0123456789abcdefghijklmnopqrstuvwxyz"
_MOST_BYTES: Final = 1024 * 1024

Words = Mapping[str, Any]
"""The commands by their path: a group has `verbs`, the others `arguments` in order, of which the last one may repeat.

`options` have kinds, like arguments: choices, the metavariable of a value, or nothing for a flag. Those that all
commands share stand at the path that is empty.
"""


def main(line: str) -> int:
    """Print what could come next after `line`, one a line. Whatever goes wrong, nothing is said about it."""
    try:
        sys.stdout.write("".join(f"{word}\n" for word in candidates(line, commands(), os.environ)))
    except (Exception, KeyboardInterrupt):  # noqa: BLE001  (somebody is typing: an error would land in the line)
        return 0
    return 0


def commands() -> Words:
    """Return all commands, as they were when the program was made."""
    found: Words = json.loads(Path(__file__).with_name("commands.json").read_bytes())
    return found


def candidates(line: str, known: Words, environment: Mapping[str, str]) -> list[str]:
    """Return what the last word of `line` could become. Raises ValueError for a line that ends within quotes."""
    words = shlex.split(line)
    current = words.pop() if line and not line[-1].isspace() else ""
    if not words:
        return []
    place = _Place(known, words[1:])
    found = place.next(current)
    if isinstance(found, list):
        return [word for word in found if word.startswith(current) and _WORD.fullmatch(word)]
    if found in _FILES:
        return [FILES]
    noun, pair = found.rstrip("="), "=" if found.endswith("=") else ""
    if noun not in NOUNS:
        return []
    return [slug + pair for slug in _slugs(_folder(place.values, environment), NOUNS[noun], current)]


class _Place:
    """How far a line has come: its command, what was given already, and the option that waits for its value."""

    def __init__(self, known: Words, words: Iterable[str]) -> None:
        self._known = known
        self._path = ""
        self._given = 0
        self._waiting: str | None = None
        self.values: dict[str, str] = {}
        for word in words:
            self._take(word)

    def next(self, current: str) -> list[str] | str:
        """Return the words that could come next, or the kind of them."""
        if self._waiting is not None:
            kind: list[str] | str = self._options()[self._waiting]
            return kind
        if current.startswith("-"):
            return sorted(self._options())
        here = self._known.get(self._path, {})
        if "verbs" in here:
            verbs: list[str] = [] if self._given else here["verbs"]
            return verbs
        return self._argument(here.get("arguments", []), repeats=here.get("repeats", False))

    def _argument(self, arguments: list[Any], *, repeats: bool) -> list[str] | str:
        if not arguments or (self._given >= len(arguments) and not repeats):
            return []
        kind: list[str] | str = arguments[min(self._given, len(arguments) - 1)]
        noun, _, verb = self._path.partition(" ")
        if kind == "CLIENT":
            return noun.upper()
        # The name of something new is nobody's yet.
        return [] if verb == "add" and kind == noun.upper() else kind

    def _take(self, word: str) -> None:
        if self._waiting is not None:
            self.values[self._waiting] = word
            self._waiting = None
            return
        deeper = f"{self._path} {word}".strip()
        if word.startswith("-"):
            name, told, value = word.partition("=")
            if told:
                self.values[name] = value
            elif self._options().get(name):
                self._waiting = name
        elif deeper in self._known and not self._given:
            self._path = deeper
        else:
            self._given += 1

    def _options(self) -> dict[str, Any]:
        return {**self._known[""]["options"], **self._known.get(self._path, {}).get("options", {})}


def _folder(values: Mapping[str, str], environment: Mapping[str, str]) -> Path:
    """Return the data folder that the command would use: from its options, the environment, its file."""
    if told := values.get("--data") or environment.get("ACCREDIT_DATA"):
        return Path(told).expanduser()
    if file := values.get("--config"):
        import tomllib  # noqa: PLC0415  (seldom needed, and somebody is typing)

        return Path(tomllib.loads(Path(file).expanduser().read_text()).get("data", "accredit-data"))
    return Path("accredit-data")


def _slugs(folder: Path, noun: str, prefix: str) -> list[str]:
    """Return the slugs of a noun that begin with `prefix`, as far as the first page of the running node names them."""
    if prefix and not _SLUG.fullmatch(prefix):
        return []
    cursor = _before(prefix)
    page = json.loads(_get(folder / "admin.sock", f"/api/v1/{noun}?limit=200{cursor and f'&cursor={cursor}'}"))
    found = [item["slug"] for item in page["items"]]
    return [slug for slug in found if isinstance(slug, str) and slug.startswith(prefix) and _SLUG.fullmatch(slug)]


def _before(prefix: str) -> str:
    """Return a slug that stands before all that begin with `prefix`, and behind nearly all others before them."""
    place = _ALPHABET.index(prefix[-1]) if prefix else 0
    lower = prefix[:-1] + _ALPHABET[place - 1] + "z" * (62 - len(prefix)) if place > 1 else prefix[:-1]
    return lower.rstrip("-")


def _get(path: Path, target: str) -> bytes:
    """Return the body of an answer 200 from the socket. Raises OSError, also when it takes too long."""
    deadline = time.monotonic() + SECONDS
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(SECONDS)
        connection.connect(str(path))
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: accredit\r\nConnection: close\r\n\r\n".encode("ascii"))
        found = b""
        while len(found) < _MOST_BYTES:
            connection.settimeout(max(deadline - time.monotonic(), 0.001))
            part = connection.recv(65536)
            if not part:
                break
            found += part
    head, _, body = found.partition(b"\r\n\r\n")
    if head.split(b" ", 2)[1:2] != [b"200"]:
        raise OSError("the node did not answer with a list")
    return body
