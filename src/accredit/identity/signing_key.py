"""Signing keys of the server: upcoming (published before use), active, retired (published while a token lives)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from accredit_sdk.jws import Algorithm

PUBLISHED: Final = 3_600_000_000
"""Microseconds for which a key is published before it signs by itself: longer than guards and caches keep a key set."""


class KeyUse(StrEnum):
    """What a key signs; each use has keys of its own, so that no document can pass for another."""

    ACCESS = "access"
    SIGNAL = "signal"
    CHECKPOINT = "checkpoint"


class KeyState(StrEnum):
    """The life of a key, in this order; GONE keys are no longer published."""

    UPCOMING = "upcoming"
    ACTIVE = "active"
    RETIRED = "retired"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A signing key at rest: `public` is its JSON Web Key, `sealed` its private half under the master key.

    `gone_at` is set on retirement: the microsecond (UTC) from which no living token was signed by it. A key of
    checkpoints has none: what it signed is to be proved for as long as the log is kept. `active_at` is since when it
    signs; None while it has not begun, and for one that began before this was kept.
    """

    kid: str
    use: KeyUse
    algorithm: Algorithm
    state: KeyState
    public: bytes
    sealed: bytes
    created_at: int
    gone_at: int | None = None
    active_at: int | None = None


def due(active: StoredKey, upcoming: StoredKey, age: int, now: int) -> bool:
    """Tell whether `upcoming` should take over at `now`: `active` has signed for `age`, and everybody knows the next.

    Both are microseconds. An `age` of 0 means never.
    """
    began = active.created_at if active.active_at is None else active.active_at
    return age > 0 and now - began >= age and now - upcoming.created_at >= PUBLISHED
