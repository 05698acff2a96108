"""What a use case answers when it cannot do what was asked: one value for the person, the program and the operator."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class ProblemCode(StrEnum):
    """The kinds of trouble; the management API turns each into a problem type (RFC 9457)."""

    INVALID = "invalid"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    STALE = "stale"
    GONE = "gone"
    FORBIDDEN = "forbidden"
    UNAVAILABLE = "unavailable"


class Problem(Exception):
    """A request that cannot be carried out. Nothing was changed. `detail` says what to do; it holds no secret.

    `members` are for programs: of what is not there, its `kind` and its `name`.
    """

    def __init__(self, code: ProblemCode, detail: str, members: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.members = dict(members or {})


class Crossed(Problem):
    """A change that crossed another one. Whoever asked would ask the same again, knowing what is there now."""


_COMMANDS: Final = {"application": "app"}
"""The word of the command line for a noun, where it is another one."""


def not_found(kind: str, slug: str) -> Problem:
    """Return the problem of an unknown noun."""
    command = f"accredit {_COMMANDS.get(kind, kind)} list"
    text = f"there is no {kind} called {slug[:80]!r}; `{command}` shows them"
    return Problem(ProblemCode.NOT_FOUND, text, {"kind": kind, "name": slug[:80]})


def taken(kind: str, slug: str) -> Problem:
    """Return the problem of a name that is in use."""
    return Problem(ProblemCode.CONFLICT, f"a {kind} called {slug[:80]!r} is there already; choose another name")


def stale(kind: str, slug: str) -> Problem:
    """Return the problem of a change that crossed another one, and may not be what is wanted any more."""
    return Problem(ProblemCode.STALE, _crossed(kind, slug))


def crossed(kind: str, slug: str) -> Crossed:
    """Return the problem of a change that crossed another one, and is worth another try at once."""
    return Crossed(ProblemCode.STALE, _crossed(kind, slug))


def _crossed(kind: str, slug: str) -> str:
    return f"the {kind} {slug!r} was changed by somebody else meanwhile; look again, then retry"
