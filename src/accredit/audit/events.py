"""The closed set of events that the server records. What a guard decides reaches the log as a guard's own record.

Each event has a `kind`, a `decision` (an id shared with the HTTP answer), a `server` (an id, or None) and an `outcome`;
these and the time make the header of its record. Everything else may concern a person and makes the part that
can be redacted. Events never hold a token, a secret, a code or an argument.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from accredit.identity.rule import Removed


class Result(StrEnum):
    """How it ended: ALLOW and DENY for decisions, DONE for changes."""

    ALLOW = "allow"
    DENY = "deny"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainOpened:
    """A process began to write; `version` is the software's."""

    kind: ClassVar[str] = "chain_opened"
    outcome: ClassVar[Result] = Result.DONE
    decision: str = ""
    server: str | None = None
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainClosed:
    """A process ended in good order; nothing follows in its chain."""

    kind: ClassVar[str] = "chain_closed"
    outcome: ClassVar[Result] = Result.DONE
    decision: str = ""
    server: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenIssued:
    """An access token was issued. `removed` keeps, for `explain`, what was asked for and left out, and why."""

    kind: ClassVar[str] = "token_issued"
    outcome: ClassVar[Result] = Result.ALLOW
    decision: str
    server: str
    subject: str
    client: str
    client_id: str
    credential: str
    grant_type: str
    jti: str
    requested: frozenset[str]
    scopes: frozenset[str]
    removed: tuple[Removed, ...]
    expires: int
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRefused:
    """A token request was refused. `reason` is for the operator; the client saw only `error`."""

    kind: ClassVar[str] = "token_refused"
    outcome: ClassVar[Result] = Result.DENY
    decision: str
    server: str | None = None
    client: str | None = None
    client_id: str
    grant_type: str
    error: str
    reason: str
    requested: frozenset[str] = frozenset()
    removed: tuple[Removed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRevoked:
    """A client gave a token of its own back (RFC 7009)."""

    kind: ClassVar[str] = "token_revoked"
    outcome: ClassVar[Result] = Result.DONE
    decision: str
    server: str | None = None
    client: str
    client_id: str
    jti: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationRefused:
    """A client that is not who it says, or whose token it was not, asked for a revocation."""

    kind: ClassVar[str] = "revocation_refused"
    outcome: ClassVar[Result] = Result.DENY
    decision: str
    server: str | None = None
    client: str | None = None
    client_id: str
    error: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Administered:
    """An administrator (or a job) changed something. `action` is a noun and a verb, like `agent.suspend`.

    `target` is the id of what was changed, `by` who did it, `summary` one plain sentence without secrets.
    """

    kind: ClassVar[str] = "administered"
    outcome: ClassVar[Result] = Result.DONE
    decision: str
    server: str | None = None
    action: str
    target: str
    by: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardEnrolled:
    """A guard used its one-time code; `credential` is the key that it made."""

    kind: ClassVar[str] = "guard_enrolled"
    outcome: ClassVar[Result] = Result.DONE
    decision: str
    server: str
    guard: str
    credential: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentRefused:
    """Somebody tried a code that is not open."""

    kind: ClassVar[str] = "enrolment_refused"
    outcome: ClassVar[Result] = Result.DENY
    decision: str
    server: str | None = None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AdministrationRefused:
    """Somebody asked for what they may not have at the management API, or came with a token that opens nothing there.

    `by` is who asked and `operation` what for; both are empty for a stranger. `unsaid` counts the strangers since the
    last record of one who are not recorded themselves.
    """

    kind: ClassVar[str] = "administration_refused"
    outcome: ClassVar[Result] = Result.DENY
    decision: str
    server: str | None = None
    by: str
    operation: str
    reason: str
    unsaid: int = 0


Event = (
    ChainOpened
    | ChainClosed
    | TokenIssued
    | TokenRefused
    | TokenRevoked
    | RevocationRefused
    | Administered
    | GuardEnrolled
    | EnrolmentRefused
    | AdministrationRefused
)
"""Everything that the server itself records."""
