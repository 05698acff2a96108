"""What an import proposes: a scope for everything that a server offers. Words are legal, and no two mean the same."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from typing import Final

from accredit.identity.declared import Declared, Risk, one_line
from accredit.identity.server import Scope, TargetKind, Tool
from accredit_sdk import scopes as words
from accredit_sdk.errors import ScopeError

LONGEST_PREFIX: Final = 64
"""Characters of a prefix: at least 63 of a word are left for the rest."""

_LEGAL: Final = re.compile(r"[A-Za-z0-9._/-]+")
_ILLEGAL: Final = re.compile(r"[^A-Za-z0-9._/-]+")
_PART: Final = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_SHORT: Final = 8
_LONG: Final = 40
_LONGEST_LINE: Final = 120
_LISTED: Final = 3
# fmt: off
_VERBS: Final = frozenset((
    "add", "approve", "archive", "book", "cancel", "check", "clear", "close", "create", "delete", "describe",
    "download", "edit", "execute", "export", "fetch", "find", "generate", "get", "import", "insert", "list", "make",
    "move", "open", "patch", "pay", "post", "publish", "purge", "put", "query", "read", "remove", "rename", "reset",
    "run", "search", "send", "set", "show", "start", "stop", "submit", "sync", "test", "update", "upload", "upsert",
    "validate", "write",
))
# fmt: on


class Granularity(StrEnum):
    """What one scope is for: a TOOL (or resource, or prompt), a GROUP of them by what they are about, the SERVER."""

    TOOL = "tool"
    GROUP = "group"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What would be registered. `default_scopes` open nothing but tools that read, by their own account.

    They are also what is proposed for first use, which somebody must want by name.
    """

    scopes: tuple[Scope, ...]
    tools: tuple[Tool, ...]
    default_scopes: frozenset[str]


def propose(
    offered: Iterable[Declared],
    prefix: str,
    granularity: Granularity = Granularity.TOOL,
    taken: Set[str] = frozenset(),
) -> Proposal:
    """Return a scope for each of `offered`, each of which can be mapped and has a key of its own.

    At granularity TOOL no word is one of `taken`, or of another tool. Raises ScopeError for a prefix that is no scope.
    """
    items = tuple(offered)
    base = _base(prefix)
    if granularity is Granularity.TOOL:
        named: Mapping[tuple[TargetKind, str], str] = _one_each(items, base, taken)
    elif granularity is Granularity.GROUP:
        named = {item.key: f"{base}:{group(item)}:{_access(item)}" for item in items}
    else:
        named = {item.key: base for item in items}
    tools = tuple(item.mapped(named[item.key]) for item in items)
    behind: dict[str, list[Declared]] = {}
    for item in items:
        behind.setdefault(named[item.key], []).append(item)
    scopes = tuple(Scope(word, _description(those, granularity)) for word, those in behind.items())
    return Proposal(scopes, tools, frozenset(word for word, those in behind.items() if all(map(_reads, those))))


def segment(text: str, room: int, apart: str = "") -> str:
    """Return a segment of a scope for a name: the name itself where it is legal and fits in `room` characters.

    Another name ends with `~` and a part of its SHA-256, and each of them with a longer part of the SHA-256 of `apart`
    where that is given. A legal name has no `~`, so that none can be chosen to look like another one's segment.
    """
    if not apart and len(text) <= room and _LEGAL.fullmatch(text):
        return text
    size = _LONG if apart else _SHORT
    found = hashlib.sha256((apart or text).encode("utf-8", "surrogatepass")).hexdigest()[:size]
    return f"{_ILLEGAL.sub('-', text[:room]).strip('-')[: room - size - 1]}~{found}"


def group(item: Declared) -> str:
    """Return the group of a thing: the first part of its name that is no verb, in the singular.

    It depends on the name alone, so that a tool stays in its group whatever else comes and goes.
    """
    if item.kind is not TargetKind.TOOL:
        return f"{item.kind.value}s"
    parts = [part.lower() for part in _PART.findall(item.name[:_LONG])]
    told = next((part for part in parts if part not in _VERBS), parts[0] if parts else "other")
    singular = len(told) > _LISTED and told.endswith("s") and not told.endswith(("ss", "us", "is"))
    return told[:-1] if singular else told


def _base(prefix: str) -> str:
    words.word(prefix)
    if len(prefix) > LONGEST_PREFIX:
        raise ScopeError(f"a prefix has at most {LONGEST_PREFIX} characters")
    return f"{prefix}-server" if prefix in words.RESERVED else prefix


def _one_each(items: tuple[Declared, ...], base: str, taken: Set[str]) -> dict[tuple[TargetKind, str], str]:
    """Return a word for each, whatever order they come in: whose short word is taken gets a longer one."""
    used = set(taken)
    found: dict[tuple[TargetKind, str], str] = {}
    room = words.LONGEST - len(base) - 1
    for item in sorted(items, key=lambda one: one.key):
        name = item.label if item.kind is TargetKind.TOOL else f"{item.kind.value}/{item.label}"
        word = f"{base}:{segment(name, room)}"
        if word in used:
            others = (f"{base}:{segment(name, room, '/'.join((*item.key, *again)))}" for again in _more())
            word = next(other for other in others if other not in used)
        used.add(word)
        found[item.key] = word
    return found


def _more() -> Iterator[tuple[str, ...]]:
    """Yield nothing, then 1, 2 and so on: for a thing that comes back when its longer word is taken as well."""
    yield ()
    yield from ((str(number),) for number in count(1))


def _access(item: Declared) -> str:
    return "read" if item.risk is Risk.READS else "write"


def _reads(item: Declared) -> bool:
    return item.kind is TargetKind.TOOL and item.risk is Risk.READS


def _description(those: list[Declared], granularity: Granularity) -> str:
    """Return what a scope lets a client do: in the words of the tool, or by the names of what is behind it."""
    first = those[0]
    if granularity is Granularity.TOOL:
        told = first.title or re.split(r"(?<=[.!?])\s", first.description.strip()[: 4 * _LONGEST_LINE], maxsplit=1)[0]
        return one_line(told or f"Use {first.label}", _LONGEST_LINE)
    if granularity is Granularity.SERVER:
        return "Use everything that the server offers"
    more = f" and {len(those) - _LISTED} more" if len(those) > _LISTED else ""
    return one_line("Use " + ", ".join(item.label for item in those[:_LISTED]) + more, _LONGEST_LINE)
