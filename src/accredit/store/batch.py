"""One transaction for many outcomes: claims, then the winners' writes and events, then the signal numbers, last.

Plain synchronous functions over a connection; who calls them, and on which thread, is `writer`'s business.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

import sqlalchemy as sa

from accredit.audit import chain
from accredit.audit.chain import Head
from accredit.audit.events import Event
from accredit.identity import changes
from accredit.identity.changes import Claim, Signal, StoredRecord, Write
from accredit.identity.signing_key import KeyState
from accredit.oauth.outcome import Lost, Outcome, Verdict, Won
from accredit.store import (
    answers,
    audit,
    checkpoints,
    clients,
    credentials,
    denials,
    deployment,
    enrolments,
    groups,
    jti,
    keys,
    leases,
    roles,
    servers,
    signals,
    terms,
    uses,
    webhooks,
)

SALT_BYTES: Final = 16
"""How much randomness each event needs."""

_LIFE: Final = tuple(KeyState)


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of a batch: the verdicts in its order, and the end of the audit chain."""

    verdicts: tuple[Verdict, ...]
    head: Head


class PartlyLost(Exception):
    """An outcome must be tried alone: it won some claims and lost others, or claims that nothing else happened."""


@dataclass(frozen=True, slots=True)
class _Verb:
    """How claims of a type are made. `order` sorts them: all nodes lock in one order; rivals stay in the queue's."""

    make: Callable[[sa.Connection, Sequence[Any]], list[bool]]
    order: Callable[[Any], Any]


CLAIMS: Final[dict[type, _Verb]] = {
    changes.Unchanged: _Verb(signals.unchanged, lambda claim: claim.since),
    # A slug or a resource must be free before something new can take it: removals come first.
    changes.RemoveGroup: _Verb(groups.remove, lambda claim: claim.group),
    changes.RemoveClient: _Verb(clients.remove, lambda claim: claim.client),
    changes.RemoveRole: _Verb(roles.remove, lambda claim: claim.role),
    changes.RemoveServer: _Verb(servers.remove, lambda claim: claim.server),
    changes.UseJti: _Verb(jti.use, lambda claim: (claim.issuer, claim.jti)),
    changes.KeepAnswer: _Verb(answers.keep, lambda claim: claim.answer.key),
    changes.TakeEnrolment: _Verb(enrolments.take, lambda claim: claim.enrolment),
    changes.AddServer: _Verb(servers.add, lambda claim: claim.server.slug),
    changes.ReplaceServer: _Verb(servers.replace, lambda claim: claim.server.id),
    changes.AddRole: _Verb(roles.add, lambda claim: claim.role.slug),
    changes.ReplaceRole: _Verb(roles.replace, lambda claim: claim.role.id),
    changes.AddGroup: _Verb(groups.add, lambda claim: claim.group.slug),
    changes.ReplaceGroup: _Verb(groups.replace, lambda claim: claim.group.id),
    changes.AddClient: _Verb(clients.add, lambda claim: (claim.client.kind, claim.client.slug)),
    changes.ReplaceClient: _Verb(clients.replace, lambda claim: claim.client.id),
    # A place must be left before the next key can take it: the end of a key's life comes first.
    changes.AdvanceKey: _Verb(keys.advance, lambda claim: (-_LIFE.index(claim.after), claim.kid)),
    changes.Reseal: _Verb(keys.reseal, lambda claim: claim.after),
    changes.AddKey: _Verb(keys.add, lambda claim: (claim.key.use, claim.key.kid)),
    changes.EndCredential: _Verb(credentials.end, lambda claim: claim.credential),
    changes.AppendRecords: _Verb(audit.append, lambda claim: claim.chain),
    changes.AddCheckpoint: _Verb(checkpoints.add, lambda claim: claim.number),
    changes.IndexRecords: _Verb(terms.index, lambda claim: claim.chain),
    changes.DropRecords: _Verb(terms.drop, lambda claim: claim.chain),
    changes.RemoveWebhook: _Verb(webhooks.remove, lambda claim: claim.webhook),
    changes.AddWebhook: _Verb(webhooks.add, lambda claim: claim.webhook.slug),
    changes.TakeDelivery: _Verb(webhooks.take, lambda claim: (claim.webhook, claim.event)),
}
"""Every claim, in the order in which a transaction makes them."""

WRITES: Final[dict[type, Callable[[sa.Connection, Sequence[Any]], None]]] = {
    changes.AddEnrolment: enrolments.add,
    changes.AddCredential: credentials.add,
    changes.RetireCredential: credentials.retire,
    changes.RevokeCredential: credentials.revoke,
    changes.NoteUse: uses.note,
    changes.Assign: roles.assign,
    changes.Unassign: roles.unassign,
    changes.AddMember: groups.join,
    changes.RemoveMember: groups.leave,
    changes.ForgetJti: jti.forget,
    changes.Deny: denials.deny,
    changes.Lift: denials.lift,
    changes.DenySoftware: denials.deny_software,
    changes.LiftSoftware: denials.lift_software,
    changes.KeepLeases: leases.keep,
    changes.ForgetLeases: leases.forget,
    changes.RedactRecord: terms.redact,
    changes.ForgetTerms: terms.forget,
    changes.EmptyTerms: terms.empty,
    changes.ForgetAnswers: answers.forget,
    changes.BeginEpoch: deployment.begin_epoch,
    changes.Announce: webhooks.announce,
    changes.SettleDelivery: webhooks.settle,
    changes.ForgetDeliveries: webhooks.forget,
}
"""Every write. They are applied in the order of the queue."""


def apply(
    conn: sa.Connection, batch: Sequence[Outcome[Any]], head: Head, at: int, salts: bytes, opening: Event | None = None
) -> BatchResult:
    """Apply `batch` inside the transaction that `conn` is in, at `at` (microseconds UTC); the caller commits.

    `salts` holds SALT_BYTES for each event. `opening` becomes the first record of a chain that is still empty; it needs
    salt, too. Raises PartlyLost, what the drivers raise, and ValueError for an outcome that cannot be.
    """
    if len(batch) > 1 and any(isinstance(claim, changes.Unchanged) for outcome in batch for claim in outcome.claims):
        raise PartlyLost
    lost = _claim(conn, batch)
    won = [outcome for index, outcome in enumerate(batch) if index not in lost]
    _write(conn, [write for outcome in won for write in outcome.writes])
    events = [event for outcome in won for event in outcome.events]
    if events and opening is not None and head.seq == 0:
        events.insert(0, opening)
    new = _record(conn, events, head, at, salts)
    raised = [signal for outcome in won for signal in outcome.signals]
    sent = _number(conn, won, raised, at)
    overtaken = _overtaken(conn, won, sent)
    if overtaken is not None:
        return BatchResult((overtaken,), head)
    numbers = iter(sent)
    verdicts = tuple(lost[index] if index in lost else Won(next(numbers)) for index in range(len(batch)))
    return BatchResult(verdicts, new)


def _claim(conn: sa.Connection, batch: Sequence[Outcome[Any]]) -> dict[int, Lost]:
    """Make all claims; return what lost, by the place of its outcome in the batch."""
    made: dict[type, list[tuple[int, int, Claim]]] = defaultdict(list)
    for index, outcome in enumerate(batch):
        for place, claim in enumerate(outcome.claims):
            made[type(claim)].append((index, place, claim))
    if not made:
        return {}
    losers: dict[int, dict[int, Claim]] = defaultdict(dict)
    for kind, verb in CLAIMS.items():
        queued = sorted(made.pop(kind, ()), key=lambda item: verb.order(item[2]))
        if queued:
            won = verb.make(conn, [claim for _, _, claim in queued])
            for (index, place, claim), ok in zip(queued, won, strict=True):
                if not ok:
                    losers[index][place] = claim
    if made:
        raise TypeError(f"no such claim: {next(iter(made)).__name__}")
    if len(batch) > 1 and any(len(claims) < len(batch[index].claims) for index, claims in losers.items()):
        raise PartlyLost
    return {index: Lost(claims[min(claims)]) for index, claims in losers.items()}


def _write(conn: sa.Connection, writes: Sequence[Write]) -> None:
    for kind, group in groupby(writes, key=type):
        WRITES[kind](conn, list(group))


def _record(conn: sa.Connection, events: Sequence[Event], head: Head, at: int, salts: bytes) -> Head:
    """Link and keep `events`; return the new end of the chain."""
    if not events:
        return head
    records: list[StoredRecord] = []
    new = head
    for event, salt in zip(events, _sliced(salts), strict=False):
        new, record = chain.append(new, event, at, salt)
        records.append(record)
    if len(records) != len(events):
        raise ValueError("not enough salt")
    audit.extend(conn, head, new, records)
    return new


def _sliced(salts: bytes) -> Iterator[bytes]:
    return (salts[start : start + SALT_BYTES] for start in range(0, len(salts) - SALT_BYTES + 1, SALT_BYTES))


def _number(conn: sa.Connection, won: Iterable[Outcome[Any]], raised: Sequence[Signal], at: int) -> list[int | None]:
    """Send the signals; return for each winner the number of its last one, or None."""
    if not raised:
        return [None for _ in won]
    last = signals.send(conn, raised, at) - len(raised)
    numbers: list[int | None] = []
    for outcome in won:
        last += len(outcome.signals)
        numbers.append(last if outcome.signals else None)
    return numbers


def _overtaken(conn: sa.Connection, won: Sequence[Outcome[Any]], numbers: Sequence[int | None]) -> Lost | None:
    """Return what lost because somebody else's signal got a number after `Unchanged` had been looked at."""
    for outcome, last in zip(won, numbers, strict=True):
        for claim in outcome.claims:
            if isinstance(claim, changes.Unchanged) and (
                last is None or signals.changed(conn, claim.since, last - len(outcome.signals))
            ):
                return Lost(claim)
    return None
