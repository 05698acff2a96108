"""What a decision of the core amounts to: an answer, and everything that must be true before it may be given."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from accredit.audit.events import Event
from accredit.identity.changes import Claim, Signal, Write

Answer = TypeVar("Answer", covariant=True)


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Answer]):
    """The result of a decision. The answer may leave the process only after the rest has been committed.

    `claims` can lose against a rival; then nothing of this outcome is written. `events` go to the audit log and
    `signals` to every node and guard, in the same transaction.
    """

    answer: Answer
    claims: tuple[Claim, ...] = ()
    writes: tuple[Write, ...] = ()
    events: tuple[Event, ...] = ()
    signals: tuple[Signal, ...] = ()


@dataclass(frozen=True, slots=True)
class Won:
    """The outcome is durable. `seq` is the number of its last signal, or None when it had none."""

    seq: int | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """A rival was first: `claim` is the claim that lost, and nothing of the outcome was written."""

    claim: Claim


Verdict = Won | Lost
"""What committing an outcome answers."""
