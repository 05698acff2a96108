"""What a guard tells of itself, for whoever shows metrics in its process."""

from collections.abc import Mapping
from dataclasses import dataclass

from accredit_sdk.decision import Reason


@dataclass(frozen=True, slots=True)
class GuardState:
    """The state of a guard at one moment.

    `decisions` counts what was decided and recorded, by reason, since the process began; `unrecorded` what could not be
    recorded and was therefore refused. `signal` is the number of the last signal applied, `age` how old in seconds the
    state is that decisions are made on; both are None before the first. `waiting` are records of this process that
    Accredit has not taken yet.
    """

    decisions: Mapping[Reason, int]
    unrecorded: int
    signal: int | None
    age: float | None
    waiting: int
