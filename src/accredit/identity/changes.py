"""Everything that can be written, as values.

A *claim* is a change that can lose against a rival (a taken name, a used `jti`, a version that moved on): the store
says who won. A *write* cannot lose. Both are applied by `store`, in the transaction of the outcome that names them.
"""

from dataclasses import dataclass

from accredit.identity.agent import Agent
from accredit.identity.answer import KeptAnswer
from accredit.identity.application import Application
from accredit.identity.client import Client
from accredit.identity.credential_changes import (
    AddCredential,
    EndCredential,
    NoteUse,
    RetireCredential,
    RevokeCredential,
)
from accredit.identity.denial import Deny, DenySoftware, Lift, LiftSoftware
from accredit.identity.group_changes import AddGroup, AddMember, RemoveGroup, RemoveMember, ReplaceGroup
from accredit.identity.guard import Enrolment
from accredit.identity.lease import ForgetLeases, KeepLeases
from accredit.identity.log_changes import (
    AddCheckpoint,
    AppendRecords,
    DropRecords,
    EmptyTerms,
    ForgetTerms,
    IndexRecords,
    RedactRecord,
    Seal,
    SealKind,
    StoredRecord,
)
from accredit.identity.role import Assignment, Role
from accredit.identity.server import Server
from accredit.identity.signal import NumberedSignal, Signal, SignalKind
from accredit.identity.signing_key import KeyState, StoredKey
from accredit.identity.webhook_changes import (
    AddWebhook,
    Announce,
    ForgetDeliveries,
    RemoveWebhook,
    SettleDelivery,
    TakeDelivery,
)

Rest = Agent | Application
"""What agents and applications have beside their client."""


@dataclass(frozen=True, slots=True)
class AddServer:
    """Claim: register a server with its scopes and tools. Loses when its slug or resource is taken."""

    server: Server


@dataclass(frozen=True, slots=True)
class ReplaceServer:
    """Claim: put `server` in the place of its predecessor. Loses unless the stored version is `server.version - 1`."""

    server: Server


@dataclass(frozen=True, slots=True)
class RemoveServer:
    """Claim: make a server (an id) a tombstone; slug and resource are free again. Loses unless `version` is stored."""

    server: str
    version: int


@dataclass(frozen=True, slots=True)
class AddRole:
    """Claim: create a role. Loses when its slug is taken."""

    role: Role


@dataclass(frozen=True, slots=True)
class ReplaceRole:
    """Claim: put `role` in the place of its predecessor. Loses unless the stored version is `role.version - 1`."""

    role: Role


@dataclass(frozen=True, slots=True)
class RemoveRole:
    """Claim: drop a role (an id) and take it from whoever holds it. Loses unless the stored version is `version`."""

    role: str
    version: int


@dataclass(frozen=True, slots=True)
class AddClient:
    """Claim: register a client; `rest` is what else its kind has. Loses when slug or client_id is taken."""

    client: Client
    rest: Rest | None = None


@dataclass(frozen=True, slots=True)
class ReplaceClient:
    """Claim: change a client, and with `rest` what else its kind has. Loses unless the stored version is one less."""

    client: Client
    rest: Rest | None = None


@dataclass(frozen=True, slots=True)
class RemoveClient:
    """Claim: turn a client (an id) into a tombstone; its slug is free again. Loses unless `version` is stored."""

    client: str
    version: int


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Claim: nothing that signals tell of has changed since the one with the number `since`.

    What clients do with single tokens (RFC 7009) is none. Loses when anything else was told, or `since` is to come.

    An outcome that makes it must raise a signal itself, and is committed alone.
    """

    since: int


@dataclass(frozen=True, slots=True)
class UseJti:
    """Claim: remember that `issuer` used `jti` (RFC 7519, 4.1.7). Loses when it was used before.

    The memory may be dropped after `expires_at` (microseconds UTC).
    """

    issuer: str
    jti: str
    expires_at: int


@dataclass(frozen=True, slots=True)
class KeepAnswer:
    """Claim: remember what a request is answered that may be sent again. Loses when its key was used before."""

    answer: KeptAnswer


@dataclass(frozen=True, slots=True)
class TakeEnrolment:
    """Claim: use up an enrolment code at `now` (microseconds UTC). Loses when it was taken or has run out."""

    enrolment: str
    now: int


@dataclass(frozen=True, slots=True)
class AdvanceKey:
    """Claim: move a signing key from one state to the next. Loses unless it is in state `before`.

    `gone_at` (microseconds UTC) comes with retirement: the moment from which nothing that it signed is alive;
    `active_at` with activation: since when it signs.
    """

    kid: str
    before: KeyState
    after: KeyState
    gone_at: int | None = None
    active_at: int | None = None


@dataclass(frozen=True, slots=True)
class Reseal:
    """Claim: let the database belong to another master key, whose check value is `after`.

    `sealed` has for each key that is not gone what was sealed before and what takes its place, `webhooks` the same for
    the secrets of webhooks. Loses unless the stored check value is `before` and what is sealed is exactly that. What is
    left of keys that are gone is wiped.
    """

    before: bytes
    after: bytes
    sealed: tuple[tuple[bytes, bytes], ...]
    webhooks: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Assign:
    """Write: give a role to a holder, or move the end of the assignment."""

    assignment: Assignment


@dataclass(frozen=True, slots=True)
class Unassign:
    """Write: take a role (an id) from a holder (an id)."""

    role: str
    holder: str


@dataclass(frozen=True, slots=True)
class AddEnrolment:
    """Write: open an invitation for a guard."""

    enrolment: Enrolment


@dataclass(frozen=True, slots=True)
class ForgetJti:
    """Write: drop every used `jti` whose `expires_at` lies before `before` (microseconds UTC)."""

    before: int


@dataclass(frozen=True, slots=True)
class BeginEpoch:
    """Write: void everything decided before `at` (microseconds UTC), because an older state was brought back.

    Signals are numbered from `at` on, so no guard has ever heard of a higher number. The keys of access tokens are
    gone, open invitations are over, and no client assertion of the time before counts.
    """

    at: int


@dataclass(frozen=True, slots=True)
class AddKey:
    """Claim: keep a new signing key. Loses when a key of the same use is already in the same state.

    One upcoming and one active key per use: two nodes that start at once agree on one. `check` is the check value of
    the master key that it is sealed under: it loses, too, when the database belongs to another one by now.
    """

    key: StoredKey
    check: bytes = b""


@dataclass(frozen=True, slots=True)
class ForgetAnswers:
    """Write: drop every kept answer whose `expires_at` lies before `before` (microseconds UTC)."""

    before: int


Claim = (
    Unchanged
    | AddServer
    | ReplaceServer
    | RemoveServer
    | AddRole
    | ReplaceRole
    | RemoveRole
    | AddGroup
    | ReplaceGroup
    | RemoveGroup
    | AddClient
    | ReplaceClient
    | RemoveClient
    | UseJti
    | KeepAnswer
    | TakeEnrolment
    | AdvanceKey
    | Reseal
    | EndCredential
    | AppendRecords
    | AddKey
    | AddCheckpoint
    | IndexRecords
    | DropRecords
    | AddWebhook
    | RemoveWebhook
    | TakeDelivery
)
"""What may have been done by somebody else in the meantime: committing says who won."""

Write = (
    AddCredential
    | RetireCredential
    | RevokeCredential
    | NoteUse
    | Assign
    | Unassign
    | AddMember
    | RemoveMember
    | AddEnrolment
    | ForgetJti
    | Deny
    | Lift
    | DenySoftware
    | LiftSoftware
    | KeepLeases
    | ForgetLeases
    | ForgetAnswers
    | BeginEpoch
    | RedactRecord
    | ForgetTerms
    | EmptyTerms
    | Announce
    | SettleDelivery
    | ForgetDeliveries
)
"""What follows from a claim that was won, or needs none."""

__all__ = [
    "AddCheckpoint",
    "AddClient",
    "AddCredential",
    "AddEnrolment",
    "AddGroup",
    "AddKey",
    "AddMember",
    "AddRole",
    "AddServer",
    "AddWebhook",
    "AdvanceKey",
    "Announce",
    "AppendRecords",
    "Assign",
    "BeginEpoch",
    "Claim",
    "Deny",
    "DenySoftware",
    "DropRecords",
    "EmptyTerms",
    "EndCredential",
    "ForgetAnswers",
    "ForgetDeliveries",
    "ForgetJti",
    "ForgetLeases",
    "ForgetTerms",
    "IndexRecords",
    "KeepAnswer",
    "KeepLeases",
    "Lift",
    "LiftSoftware",
    "NoteUse",
    "NumberedSignal",
    "RedactRecord",
    "RemoveClient",
    "RemoveGroup",
    "RemoveMember",
    "RemoveRole",
    "RemoveServer",
    "RemoveWebhook",
    "ReplaceClient",
    "ReplaceGroup",
    "ReplaceRole",
    "ReplaceServer",
    "Reseal",
    "Rest",
    "RetireCredential",
    "RevokeCredential",
    "Seal",
    "SealKind",
    "SettleDelivery",
    "Signal",
    "SignalKind",
    "StoredRecord",
    "TakeDelivery",
    "TakeEnrolment",
    "Unassign",
    "Unchanged",
    "UseJti",
    "Write",
]
