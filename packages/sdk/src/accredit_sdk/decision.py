"""A decision: the one value that feeds the answer, the audit record, `explain` and the console."""

from dataclasses import dataclass
from enum import StrEnum

from accredit_sdk.errors import Problem


class Effect(StrEnum):
    """What was decided."""

    ALLOW = "allow"
    DENY = "deny"


class Mode(StrEnum):
    """What a server's guards do with a call whose token lacks scopes; nothing else about a call depends on it."""

    ENFORCE = "enforce"
    """It is refused."""
    OBSERVE = "observe"
    """It is let through and recorded as one that would be refused; one that destroys, or is concealed, is refused."""
    DRY_RUN = "dry-run"
    """It is refused, and what another policy would say of each call is recorded beside it."""


class Reason(StrEnum):
    """Why. OK, FREE and OBSERVED go with ALLOW, all others with DENY."""

    OK = "ok"
    FREE = "free"
    OBSERVED = "observed"
    """The token lacks a scope, and the server observes: it was let through."""
    NO_TOKEN = "no_token"  # noqa: S105  (the name of a reason, not a secret)
    INVALID_TOKEN = "invalid_token"  # noqa: S105
    INSUFFICIENT_SCOPE = "insufficient_scope"
    TOOL_UNMAPPED = "tool_unmapped"
    METHOD_REFUSED = "method_refused"
    MALFORMED = "malformed"
    HEADER_MISMATCH = "header_mismatch"
    BLIND = "blind"
    REVOKED = "revoked"
    SUSPENDED = "suspended"
    FORBIDDEN_ORIGIN = "forbidden_origin"
    SPOOL_FULL = "spool_full"
    SESSION = "session"
    """The session, event, task or request state is not this principal's, or none of ours."""
    ASK_REFUSED = "ask_refused"
    """The server asked the client for something that its policy does not let it ask."""
    DENIED = "denied"
    """An administrator has denied it to everybody for the time being."""
    ENCODED = "encoded"
    """The server answered in a form that cannot be filtered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Allow or deny, with its reason.

    `id` is the same in the HTTP answer, the audit trail, the trace and the console. `server` is the server's id,
    `tool` the name of the tool, prompt or resource. `actors` is newest first. `policy_version` is the signal number
    of the policy that was applied, `jti` the id of the token. `problem` says what was wrong with the token. In a dry
    run, `candidate` is what the other policy would have said, and `candidate_missing` the scopes that it would miss.
    """

    id: str
    effect: Effect
    reason: Reason
    server: str
    method: str | None = None
    tool: str | None = None
    needed: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    subject: str | None = None
    client_id: str | None = None
    actors: tuple[str, ...] = ()
    grant_id: str | None = None
    jti: str | None = None
    policy_version: int = 0
    problem: Problem | None = None
    grantable: bool = True
    destructive: bool = False
    mode: Mode = Mode.ENFORCE
    candidate: Reason | None = None
    candidate_missing: frozenset[str] = frozenset()

    @property
    def allowed(self) -> bool:
        """Tell whether the call goes on."""
        return self.effect is Effect.ALLOW
