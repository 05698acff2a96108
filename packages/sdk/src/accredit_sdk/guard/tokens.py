"""Tokens that were verified, by the text of the `Authorization` header: the second sight of one costs a look-up.

What can change between two sights is looked at each time: the clock, the revocations, the policy.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from accredit_sdk.claims import AccessClaims
from accredit_sdk.decision import Decision
from accredit_sdk.methods import Era
from accredit_sdk.policy import Name, Policy
from accredit_sdk.revocation import Revocations

_MOST: Final = 4096


@dataclass(slots=True)
class Standing:
    """A decision that holds for one token and one target as long as the policy does; `head` begins its records."""

    decision: Decision
    head: bytes


@dataclass(slots=True)
class Seen:
    """A verified token. `until` is when it ends, with the tolerance of clocks (microseconds UTC).

    `owner` is for whom and through which client, as seals know it; `held` are its scopes. `cleared` are the revocations
    that it was last compared with and lives under; `standings` hold under `policy`. `user` is how the framework of the
    server knows the caller.
    """

    claims: AccessClaims
    until: int
    owner: bytes
    held: frozenset[str]
    cleared: Revocations | None = None
    policy: Policy | None = None
    standings: dict[tuple[Era, str, tuple[Name, ...]], Standing] = field(default_factory=dict)
    user: tuple[object, object] | None = None


class Tokens:
    """The most recently used ones. Only what a signature vouches for gets in, so a stranger cannot fill it."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._seen: OrderedDict[bytes, Seen] = OrderedDict()

    def get(self, authorization: bytes) -> Seen | None:
        """Return the token of that header, None when it has not been verified (or not for long)."""
        found = self._seen.get(authorization)
        if found is not None:
            self._seen.move_to_end(authorization)
        return found

    def put(self, authorization: bytes, seen: Seen) -> None:
        """Keep a token that was verified just now."""
        self._seen[authorization] = seen
        if len(self._seen) > self._most:
            self._seen.popitem(last=False)

    def drop(self, authorization: bytes) -> None:
        """Forget one token."""
        self._seen.pop(authorization, None)

    def clear(self) -> None:
        """Forget all: the keys that vouched for them have changed."""
        self._seen.clear()
