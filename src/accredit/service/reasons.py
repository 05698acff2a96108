"""The sentences of `explain`: why it was decided so, and who can change it."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final

from accredit.service.keepers import Keepers
from accredit_sdk.decision import Reason


class Cause(StrEnum):
    """What kept a scope out: a factor of the rule (SERVER, CLIENT_ROLES), or the token was asked for less (REQUEST).

    REDUCED: the token carried it, and its roles carry less since.
    """

    SERVER = "server"
    CLIENT_ROLES = "client_roles"
    REQUEST = "request"
    REDUCED = "reduced"
    UNKNOWN = "unknown"


_GUARD: Final[Mapping[str, str]] = {
    Reason.OK: "the token carries every scope that the call needs",
    Reason.FREE: "this method needs a valid token and no scope",
    Reason.OBSERVED: "{server} observed and did not enforce: it let through what the token has no scope for",
    Reason.NO_TOKEN: "the call came without a token",
    Reason.INVALID_TOKEN: "the token is not valid",
    Reason.INSUFFICIENT_SCOPE: "the token lacks a scope that the call needs",
    Reason.TOOL_UNMAPPED: "{server} has no policy for this name; map it with: accredit server tool",
    Reason.METHOD_REFUSED: "this method is not open to anybody",
    Reason.MALFORMED: "the message is not one that could be judged",
    Reason.HEADER_MISMATCH: "the headers and the body of the request name different things",
    Reason.BLIND: "the guard had no fresh state and refuses by itself until it has",
    Reason.REVOKED: "the credential, or something else that the token rests on, was revoked",
    Reason.SUSPENDED: "the client, the server or the credential is suspended",
    Reason.FORBIDDEN_ORIGIN: "the request came from an origin or for a host that is not allowed",
    Reason.SPOOL_FULL: "the guard could not write its record, and without one nothing runs",
    Reason.SESSION: "the session, event, task or request state was not given to this caller",
    Reason.ASK_REFUSED: "the server asked for something that its policy does not let it ask: accredit server may-ask",
    Reason.DENIED: "an administrator has denied it to everybody; see, and lift, with: accredit emergency",
    Reason.ENCODED: "the server answered in a form that cannot be looked into",
}


CONTESTED: Final = (
    "several processes of guards have recorded it as theirs, and only one can have made it; "
    "who says what is shown by: accredit audit show"
)
"""What is said of a decision that several claim."""


_OWN: Final[Mapping[str, Callable[[Mapping[str, Any], str], str]]] = {
    "token_issued": lambda said, server: f"a token for {server} with {' '.join(texts(said, 'scopes')) or 'no scope'}",
    "token_refused": lambda said, _: f"no token: {said.get('reason') or said.get('error') or 'refused'}",
    "token_revoked": lambda _, server: f"a token for {server} was given back by its client",
    "revocation_refused": lambda said, _: f"nothing was revoked: {said.get('reason', '')}",
    "administered": lambda said, _: str(said.get("summary", "")),
    "guard_enrolled": lambda _, server: f"a guard of {server} used its code and made its key",
    "enrolment_refused": lambda said, _: f"no guard was enrolled: {said.get('reason', '')}",
    "administration_refused": lambda said, _: (
        f"{said.get('operation') or 'the management API'} was refused: {said.get('reason', '')}"
    ),
    "chain_opened": lambda said, _: f"a process began to write, version {said.get('version', '')}",
    "chain_closed": lambda _, __: "a process ended in good order",
}
"""Of each kind that Accredit itself records: its sentence, made of the person part and the name of the server."""


def sentence(kind: str, outcome: str, said: Mapping[str, Any] | None, server: str) -> str:
    """Return one sentence about a record. `said` is its person part, or None when that was redacted."""
    if said is None:
        return "what was recorded about persons was redacted; the header remains"
    if kind in _OWN:
        return _OWN[kind](said, server)
    return _guard(said, outcome, server)


def _guard(said: Mapping[str, Any], outcome: str, server: str) -> str:
    # A guard's record is a stranger's text: what it says is shown, and never used as a pattern.
    reason = str(said.get("reason", ""))
    told = _GUARD[reason].format(server=server) if reason in _GUARD else reason or outcome
    missing = texts(said, "missing")
    if missing:
        told += ": " + ", ".join(missing)
    problem = said.get("problem")
    told += f" ({problem})" if problem else ""
    return told + _candidate(said)


def _candidate(said: Mapping[str, Any]) -> str:
    """Return what a dry run recorded beside the decision."""
    verdict = said.get("candidate")
    if not isinstance(verdict, str):
        return ""
    missing = texts(said, "candidate_missing")
    return f"; in a dry run, the candidate says {verdict}" + (f", without {', '.join(missing)}" if missing else "")


def texts(said: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return the texts in the list `name` of a person part; nothing when there is no such list."""
    found = said.get(name)
    return tuple(item for item in found if isinstance(item, str)) if isinstance(found, list) else ()


def left_out(cause: Cause, server: str, client: str) -> str:
    """Return why a scope is missing."""
    match cause:
        case Cause.SERVER:
            return f"{server} has no such scope"
        case Cause.CLIENT_ROLES:
            return f"no role that {client} holds carries it on {server}"
        case Cause.REQUEST:
            return "the token was not asked for it"
        case Cause.REDUCED:
            return f"the token carried it, and the roles of {client} carry it no more since"
        case Cause.UNKNOWN:
            return "a factor that this version does not know removed it"


def remedy(scope: str, now: Cause, server: str, client: str) -> str:
    """Return what somebody can do about `scope` when, as things stand, `now` is what keeps it out."""
    match now:
        case Cause.SERVER:
            return f"add it to the server: accredit server scope {server} {scope}"
        case Cause.CLIENT_ROLES:
            return f"put it into a role of the client: accredit role scopes ROLE --scope {server}={scope}"
        case _:
            return f"nothing needs to change: {client} can ask for a new token with this scope"


def who(now: Cause, server: str, keepers: Keepers) -> str:
    """Return who can do that."""
    return keepers.of(server) if now in (Cause.SERVER, Cause.CLIENT_ROLES) else "the client itself"
