"""What the guard knows: the signed state of its server, as old as its last signed document. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from accredit_sdk import jws, keys, signal, snapshot
from accredit_sdk.claims import AccessClaims
from accredit_sdk.decision import Reason
from accredit_sdk.guard.identity import Identity
from accredit_sdk.guard.seals import Seals
from accredit_sdk.jws import VerifyingKey
from accredit_sdk.policy import Policy, Target
from accredit_sdk.revocation import Revocations
from accredit_sdk.snapshot import SnapshotError, State

SKEW: Final = 30
"""Seconds by which Accredit's clock may be ahead of ours."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """The state of one server up to signal `seq`, known to be complete at `at` (seconds UTC, by Accredit's clock).

    `keys` verify access tokens; `signal_keys` are the ones that Accredit signs its documents with from now on (JWKs);
    `arguments_key` is for the keyed hash of arguments in records, `seals` for the ids that the server gives out.
    """

    seq: int
    at: int
    policy: Policy
    revocations: Revocations
    keys: Mapping[str, VerifyingKey]
    signal_keys: tuple[Mapping[str, Any], ...]
    arguments_key: bytes
    seals: Seals

    def dead(self, claims: AccessClaims) -> Reason | None:
        """Return why a token with these claims counts no more, None while it does; time is not looked at."""
        reason = self.revocations.reason((*claims.rev, claims.jti), claims.ver)
        return Reason.SUSPENDED if reason is None and self.policy.suspended else reason

    def held(self, claims: AccessClaims) -> frozenset[str]:
        """Return what a token with these claims carries today. Raises ScopeError when its scope is malformed."""
        return self.revocations.held(claims.rev, claims.ver, claims.scopes())

    def age(self, now: int) -> float:
        """Return how old this is at `now` (microseconds UTC), in seconds; negative for a clock that is a little behind.

        For one that is behind by more than the tolerance nobody can tell, and nothing newer is understood: infinite.
        """
        found = now / 1_000_000 - self.at
        return found if found >= -SKEW else math.inf


def from_snapshot(token: bytes, identity: Identity, now: int, targets: tuple[Target, ...] | None = None) -> Knowledge:
    """Return what a signed snapshot says, with `targets` of the program's own in the place of its targets.

    Raises InvalidToken, SnapshotError; then nothing of it counts.
    """
    found = snapshot.decode_snapshot(jws.verify(token, identity.pinned(), snapshot.SNAPSHOT_TYPE))
    _check(found.issuer, found.server.id, found.at, identity, now)
    if found.server.resource != identity.resource:
        raise SnapshotError("the snapshot is about another resource; enrol the guard for this one")
    try:
        arguments_key, sealing_key = bytes.fromhex(found.arguments_key), bytes.fromhex(found.sealing_key)
        usable = keys.key_set(found.keys)
    except ValueError:
        raise SnapshotError("a key of the snapshot cannot be read") from None
    if len(arguments_key) != 32 or len(sealing_key) != 32:
        raise SnapshotError("a key for arguments or for seals has not 32 bytes")
    state, policy = snapshot.state(found), snapshot.policy(found)
    return Knowledge(
        state.seq,
        found.at,
        policy if targets is None else replace(policy, targets={(one.kind, one.name): one for one in targets}),
        state.revocations,
        usable,
        tuple(found.signal_keys),
        arguments_key,
        Seals(sealing_key),
    )


def after_changes(known: Knowledge, token: bytes, identity: Identity, now: int) -> tuple[Knowledge, bool]:
    """Return `known` with a signed page of changes applied, and whether the page was empty: then there is no more.

    Raises InvalidToken and SnapshotError: the page does not count; Gap and Reread: a snapshot is needed.
    """
    page = snapshot.decode_changes(jws.verify(token, identity.pinned(), snapshot.CHANGES_TYPE))
    _check(page.issuer, page.server, page.at, identity, now)
    state = State(known.seq, known.revocations)
    for change in page.changes:
        state = snapshot.apply(state, change)
    if state.seq < page.seq:
        raise snapshot.Gap(f"the page ends at {state.seq} and speaks of {page.seq}")
    at = max(known.at, page.at) if state.seq == page.seq else known.at
    return replace(known, seq=state.seq, revocations=state.revocations, at=at), not page.changes


def after_signal(known: Knowledge, token: bytes, identity: Identity, now: int) -> Knowledge:
    """Return `known` after one signed signal, which must be the next; a lower one changes nothing.

    A beat tells how long it is known that there was none. Raises InvalidToken and SnapshotError: the signal does not
    count; Gap and Reread: a snapshot is needed.
    """
    heard = signal.decode(jws.verify(token, identity.pinned(), signal.SIGNAL_TYPE))
    if heard.issuer != identity.issuer or heard.audience != identity.audience:
        raise SnapshotError("the signal is for other guards")
    if heard.at > now // 1_000_000 + SKEW:
        raise SnapshotError("the signal is from the future: this machine's clock, or Accredit's, is wrong")
    if heard.kind == signal.BEAT:
        if heard.seq > known.seq:
            raise snapshot.Gap(f"the last signal is {heard.seq}, and {known.seq} is known")
        return known if heard.at <= known.at else replace(known, at=heard.at)
    state = snapshot.apply(State(known.seq, known.revocations), heard.change(identity.server))
    return known if state.seq == known.seq else replace(known, seq=state.seq, revocations=state.revocations)


def _check(issuer: str, server: str, at: int, identity: Identity, now: int) -> None:
    if issuer != identity.issuer or server != identity.server:
        raise SnapshotError("the document is for another guard")
    if at > now // 1_000_000 + SKEW:
        raise SnapshotError("the document is from the future: this machine's clock, or Accredit's, is wrong")
