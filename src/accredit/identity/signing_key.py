"""Signing keys of the server: upcoming (published before use), active, retired (published while a token lives)."""

from dataclasses import dataclass
from enum import StrEnum

from accredit_sdk.jws import Algorithm


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
    checkpoints has none: what it signed is to be proved for as long as the log is kept.
    """

    kid: str
    use: KeyUse
    algorithm: Algorithm
    state: KeyState
    public: bytes
    sealed: bytes
    created_at: int
    gone_at: int | None = None
