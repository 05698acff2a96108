"""Redaction: the person part of a record goes, the chain stays."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Final

import msgspec

from accredit.identity.changes import StoredRecord

SHORTEST: Final = 3
"""The shortest name that can be redacted: a shorter one stands in too much that is about somebody else."""

_WHOLE: Final = frozenset(
    {"subject", "client", "client_id", "credential", "guard", "by", "actors", "jti", "grant_id", "trace_id"}
)
"""The members that hold one name, or a list of them: only all of it is a name."""

_NOBODY: Final = frozenset(
    {
        *("reason", "problem", "error", "action", "operation", "method", "grant_type", "mode", "version", "arguments"),
        *("requested", "scopes", "removed", "needed", "missing", "candidate", "candidate_missing"),
    }
)
"""The members that hold words of ours, of the protocol or of a server: nobody is called so."""

_BEFORE: Final = r"(?<![\w@.-])(?:"
_AFTER: Final = r")(?![\w@-]|\.\w)"


def redacted(stored: StoredRecord) -> StoredRecord:
    """Return `stored` without its person part and salt; its commitment, and so its link, still holds."""
    return replace(stored, person=None, salt=None)


def about(names: Iterable[str]) -> Callable[[bytes], bool]:
    """Return what tells whether a person part names one of `names`.

    A name is all of a member that holds names, or a word of one that people write, like a summary; one that is too
    short to be told apart is none there. Members that nobody knows yet are read like those, and so is what is no JSON.
    """
    found = frozenset(names)
    words = sorted(name for name in found if len(name) >= SHORTEST)
    word = re.compile(_BEFORE + "|".join(map(re.escape, words)) + _AFTER) if words else None

    def named(person: bytes) -> bool:
        for member, text in _said(person):
            if text in found if member in _WHOLE else word is not None and word.search(text):
                return True
        return False

    return named


def _said(person: bytes) -> Iterator[tuple[str, str]]:
    """Yield every text of a person part that may name somebody, and the member that it stands in."""
    try:
        said = msgspec.json.decode(person)
    except (ValueError, RecursionError):
        said = person.decode(errors="replace")
    if not isinstance(said, dict):
        said = {"": said}
    for member, value in said.items():
        if member not in _NOBODY:
            yield from ((member, text) for text in _texts(value))


def _texts(value: object) -> Iterator[str]:
    """Yield the texts in a value of a JSON document; the names of members are none."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str() as text:
                yield text
            case list() as items:
                waiting += items
            case dict() as members:
                waiting += members.values()
