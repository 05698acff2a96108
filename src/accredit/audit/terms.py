"""What a record can be found by: a term is a kind of name and a name, kept as a number of 64 bits. Pure.

Numbers instead of texts keep the search tables small; two texts that share one are a matter of 2^-64.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

import msgspec

from accredit.identity.changes import StoredRecord


class Term(StrEnum):
    """The kinds of names. EVERYTHING has no name: each record has it. MEMBER is whoever took part, in any place."""

    DECISION = "decision"
    TOKEN = "token"  # noqa: S105  (a name of a kind)
    TRACE = "trace"
    MEMBER = "member"
    SUBJECT = "subject"
    CLIENT = "client"
    TOOL = "tool"
    SERVER = "server"
    KIND = "kind"
    OUTCOME = "outcome"
    EVERYTHING = "everything"


_PLACES: Final[Mapping[str, tuple[Term, ...]]] = {
    "jti": (Term.TOKEN,),
    "trace_id": (Term.TRACE,),
    "subject": (Term.SUBJECT, Term.MEMBER),
    "client": (Term.CLIENT, Term.MEMBER),
    "client_id": (Term.CLIENT, Term.MEMBER),
    **dict.fromkeys(("credential", "guard", "by", "actors"), (Term.MEMBER,)),
}


def number(kind: Term, name: str = "") -> int:
    """Return the number of a term, from -2^63 to 2^63 - 1."""
    text = f"{kind}\0{name}"
    # What names one thing that happened does not come again: remembered, it would only take memory from the rest.
    once = kind is Term.DECISION or kind is Term.TOKEN or kind is Term.TRACE
    return _hashed(text) if once else _number(text)


def _hashed(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode(errors="surrogatepass")).digest()[:8], "big", signed=True)


@lru_cache(maxsize=16_384)
def _number(text: str) -> int:
    """Return the number of a text. Looked up by that alone: an enum beside it would cost more than the rest."""
    return _hashed(text)


def of(record: StoredRecord) -> frozenset[int]:
    """Return the numbers of all terms of a record."""
    return frozenset([number(kind, name) for kind, name in (*_header(record), *_person(record))])


def personal(record: StoredRecord) -> frozenset[int]:
    """Return the numbers of those terms of a record that come from its person part alone: what redaction takes."""
    return of(record) - frozenset(number(kind, name) for kind, name in _header(record))


def _header(record: StoredRecord) -> list[tuple[Term, str]]:
    named = [
        (Term.DECISION, record.decision),
        (Term.KIND, record.kind),
        (Term.SERVER, record.server),
        (Term.OUTCOME, record.outcome),
    ]
    return [(Term.EVERYTHING, ""), *(item for item in named if item[1])]


def _person(record: StoredRecord) -> Iterator[tuple[Term, str]]:
    said = _said(record.person)
    for member, kinds in _PLACES.items():
        if member in said:
            yield from ((kind, name) for name in _names(said[member]) for kind in kinds)
    target = Term.TOOL if "method" in said else Term.MEMBER
    yield from ((target, name) for name in _names(said.get("target")))


def _said(person: bytes | None) -> Mapping[str, Any]:
    try:
        found = msgspec.json.decode(person or b"{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _names(value: object) -> Iterable[str]:
    found = value if isinstance(value, list) else [value]
    return (name for name in found if isinstance(name, str) and name)
