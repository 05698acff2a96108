"""When a credential can be ended without anybody noticing: judged from what was seen of it and of its successors."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from accredit.identity.credential import Credential, CredentialState
from accredit.identity.use import Use

QUIET: Final = 3_600_000_000
"""Microseconds for which nobody must have come: no token lives longer, so whoever still has it would have come."""


class Outlook(StrEnum):
    """What is known of a credential in view of its end.

    SAFE: nobody comes with it any more, and its successor is in use. IN_USE: somebody came a short while ago. FRESH: it
    was made a short while ago, and nobody has come with it yet. UNTRIED: nobody has come with a successor since. ALONE:
    nothing else would go on working. ENDED: it works no more.
    """

    SAFE = "safe"
    FRESH = "fresh"
    IN_USE = "in_use"
    UNTRIED = "untried"
    ALONE = "alone"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Holding:
    """A credential with what is known of its use, None when nobody ever came with it."""

    credential: Credential
    use: Use | None = None


def outlook(one: Holding, all_held: Iterable[Holding], now: int) -> Outlook:
    """Judge `one` of all the credentials that its client holds, at `now` (microseconds UTC)."""
    if not one.credential.usable(now):
        return Outlook.ENDED
    others = [other for other in all_held if other.credential.id != one.credential.id and _stays(other, now)]
    if not others:
        return Outlook.ALONE
    last = one.use.last_at if one.use is not None else one.credential.created_at
    quiet = now - last >= QUIET
    if one.use is None and not quiet:
        return Outlook.FRESH
    if not any(other.use is not None and other.use.last_at > last for other in others):
        return Outlook.UNTRIED
    return Outlook.SAFE if quiet else Outlook.IN_USE


def _stays(other: Holding, now: int) -> bool:
    """Tell whether `other` works and is not on its way out itself."""
    return other.credential.usable(now) and other.credential.state is CredentialState.ACTIVE
