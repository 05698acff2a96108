"""RFC 8417 in spirit: what guards are told over `/guard/v1`: a snapshot, then numbered changes. Unknown rules deny."""

from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

import msgspec

from accredit_sdk.decision import Mode
from accredit_sdk.errors import AccreditError
from accredit_sdk.policy import Name, Policy, Target, Visibility
from accredit_sdk.revocation import Reduction, Revocations

SCHEMA: Final = 1
"""The version of these documents that is written; it is also the only one that is read."""

LONGEST_BOUND: Final = 86_400
"""The longest time, in seconds, for which a guard may go on with what it knows when it hears nothing: a day."""

SNAPSHOT_TYPE: Final = "accredit-snapshot+jwt"
"""The `typ` of a signed snapshot."""

CHANGES_TYPE: Final = "accredit-changes+jwt"
"""The `typ` of a signed page of changes."""


_MODES: Final = frozenset(mode.value for mode in Mode)

Document = TypeVar("Document", "Snapshot", "Changes")


class SnapshotError(AccreditError):
    """A document cannot be read, or says something that this version does not understand."""


class Gap(AccreditError):
    """A change is missing: the state must be read anew."""


class Reread(AccreditError):
    """A change cannot be applied by itself: the state must be read anew."""


class TargetEntry(msgspec.Struct, frozen=True):
    """A tool, resource or prompt on the wire."""

    kind: str
    name: str
    needs: list[str]
    destructive: bool = False
    read_only: bool = False
    visibility: str = "show"


class DeniedEntry(msgspec.Struct, frozen=True):
    """A denial on the wire: what nobody may use, whatever they hold; of a whole server the kind is "server"."""

    kind: str
    name: str


class ServerEntry(msgspec.Struct, frozen=True):
    """The guard's server on the wire. `candidate` are the targets of the policy that a dry run compares with."""

    id: str
    resource: str
    suspended: bool
    scopes: list[str]
    default_scopes: list[str]
    targets: list[TargetEntry]
    may_ask: list[str] = []
    candidate: list[TargetEntry] | None = None
    denied: list[DeniedEntry] = []


class ReductionEntry(msgspec.Struct, frozen=True):
    """A reduction on the wire: what tokens of `handle` decided below signal `seq` carry at the most."""

    handle: str
    seq: int
    scopes: list[str]


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The whole state that matters to a guard: at signal `seq`, made at `at` (seconds UTC).

    `keys` verify access tokens, `signal_keys` documents like this one; both are lists of JSON Web Keys.
    `arguments_key` is 32 bytes in hex, for the keyed hash of arguments in records; `sealing_key` likewise, for the ids
    that a guard seals. `mode` tells whether the policy is enforced.
    """

    schema: int
    issuer: str
    seq: int
    at: int
    server: ServerEntry
    keys: list[dict[str, Any]]
    signal_keys: list[dict[str, Any]]
    before: dict[str, int]
    suspended: list[str]
    arguments_key: str
    sealing_key: str
    reduced: list[ReductionEntry]
    mode: str = Mode.ENFORCE.value


class Change(msgspec.Struct, frozen=True):
    """One signal as a guard hears it; `kind` "none" is a number that does not concern it.

    `scopes` go with "reduced": what is left.
    """

    seq: int
    kind: str
    handle: str | None = None
    scopes: list[str] | None = None


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """A page of changes, in order. `seq` is the last number in it, or the one asked for when nothing is new."""

    schema: int
    issuer: str
    server: str
    seq: int
    at: int
    changes: list[Change]


@dataclass(frozen=True, slots=True)
class State:
    """What a guard acts on: the number of the last signal applied, and the revocations up to it."""

    seq: int
    revocations: Revocations


def encode_snapshot(snapshot: Snapshot) -> bytes:
    """Return the snapshot as JSON."""
    return msgspec.json.encode(snapshot)


def decode_snapshot(payload: bytes) -> Snapshot:
    """Read a snapshot. Raises SnapshotError."""
    return _known(_read(payload, Snapshot))


def encode_changes(changes: Changes) -> bytes:
    """Return the page as JSON."""
    return msgspec.json.encode(changes)


def decode_changes(payload: bytes) -> Changes:
    """Read a page of changes. Raises SnapshotError."""
    page = _read(payload, Changes)
    if page.schema != SCHEMA:
        raise SnapshotError(f"schema {page.schema} is not understood")
    return page


def _read(payload: bytes, kind: type[Document]) -> Document:
    try:
        return msgspec.json.decode(payload, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise SnapshotError("the document cannot be read") from None


def _known(snapshot: Snapshot) -> Snapshot:
    if snapshot.schema != SCHEMA:
        raise SnapshotError(f"schema {snapshot.schema} is not understood")
    if snapshot.mode not in _MODES:
        raise SnapshotError("the mode is not understood")
    return snapshot


def policy(snapshot: Snapshot) -> Policy:
    """Return the policy in a snapshot. Raises SnapshotError for a visibility that is not understood."""
    return policy_of(snapshot.server, snapshot.issuer, snapshot.seq, Mode(snapshot.mode))


def policy_of(server: ServerEntry, issuer: str, seq: int, mode: Mode = Mode.ENFORCE) -> Policy:
    """Return the policy of a server as a guard reads it at signal `seq`. Raises SnapshotError."""
    found = Policy(
        server_id=server.id,
        resource=server.resource,
        issuer=issuer,
        version=seq,
        targets=_targets(server.targets),
        scopes=frozenset(server.scopes),
        default_scopes=frozenset(server.default_scopes),
        suspended=server.suspended,
        may_ask=frozenset(server.may_ask),
        denied=frozenset((entry.kind, entry.name) for entry in server.denied),
        mode=mode,
    )
    if server.candidate is None:
        return found
    return replace(found, candidate=replace(found, mode=Mode.ENFORCE, targets=_targets(server.candidate)))


def _targets(entries: list[TargetEntry]) -> dict[Name, Target]:
    try:
        return {
            (entry.kind, entry.name): Target(
                entry.kind,
                entry.name,
                frozenset(entry.needs),
                entry.destructive,
                entry.read_only,
                Visibility(entry.visibility),
            )
            for entry in entries
        }
    except ValueError:
        raise SnapshotError("a visibility is not understood") from None


def state(snapshot: Snapshot) -> State:
    """Return the state that a snapshot begins with."""
    reduced = {entry.handle: Reduction(entry.seq, frozenset(entry.scopes)) for entry in snapshot.reduced}
    return State(snapshot.seq, Revocations(dict(snapshot.before), frozenset(snapshot.suspended), reduced))


def apply(known: State, change: Change) -> State:
    """Return the state after `change`: exactly the next number is applied, lower ones are ignored.

    Raises Gap for a number further ahead, Reread for a change that only a new snapshot can bring.
    """
    if change.seq <= known.seq:
        return known
    if change.seq != known.seq + 1:
        raise Gap(f"change {change.seq} came after {known.seq}")
    revocations = known.revocations
    if change.kind == "none":
        return State(change.seq, revocations)
    if change.handle is None:
        raise Reread(f"change {change.seq} needs a new snapshot")
    return State(change.seq, _changed(revocations, change, change.handle))


def _changed(known: Revocations, change: Change, handle: str) -> Revocations:
    match change.kind:
        case "revoked":
            return replace(known, before={**known.before, handle: change.seq})
        case "suspended":
            return replace(known, suspended=known.suspended | {handle})
        case "resumed":
            return replace(known, suspended=known.suspended - {handle})
        case "reduced" if change.scopes is not None:
            return replace(known, reduced={**known.reduced, handle: Reduction(change.seq, frozenset(change.scopes))})
    raise Reread(f"change {change.seq} needs a new snapshot")
