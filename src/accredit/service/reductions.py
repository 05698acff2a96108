"""What guards must take from the tokens of a client whose roles carry less than before."""

from collections.abc import Iterable, Iterator

from accredit.identity.changes import Signal, SignalKind
from accredit.identity.role import HeldRole, remaining
from accredit.oauth.tokens import LONGEST_LIFETIME


def reductions(client: str, before: Iterable[HeldRole], after: Iterable[HeldRole], now: int) -> Iterator[Signal]:
    """Yield a signal for each server on which the client (an id) held `before` and may do less with `after`."""
    had, has = tuple(before), tuple(after)
    until = now + LONGEST_LIFETIME * 1_000_000
    for server in sorted({server for item in had for server in item.role.scopes}):
        left = remaining(had, has, server, now, until)
        if left is not None:
            yield Signal(SignalKind.REDUCED, client, server, left)
