"""What a client may do beside what its calls needed: which scopes to keep, and which could go.

What a call needed is what the server's policy asks for it today: that is what a role would have to carry.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from accredit.identity.role import HeldRole
from accredit.identity.tally import Count, Use
from accredit_sdk import scopes as words

Place = tuple[str, str]
"""A server (an id) and one of its scopes."""


class Verdict(StrEnum):
    """What the calls say of a scope."""

    KEEP = "keep"
    """It is held, and calls needed it."""
    WIDER = "wider"
    """It is held, and calls needed only narrower ones that it covers: those would be enough."""
    UNUSED = "unused"
    """It is held, and no call needed it."""
    MISSING = "missing"
    """It is not held, and calls needed it."""
    UNSEEN = "unseen"
    """It is held on a server of which nobody recorded a call: nothing is known of it."""


IDLE: Final = frozenset({Verdict.UNUSED, Verdict.WIDER})
"""What is said of scopes that could go."""


@dataclass(frozen=True, slots=True)
class Line:
    """A scope on a server (an id): the verdict, the calls that needed it, and the roles in force that carry it."""

    server: str
    scope: str
    verdict: Verdict
    count: Count
    roles: tuple[HeldRole, ...] = ()

    @property
    def wanted(self) -> bool:
        """Tell whether a role made of past calls carries it: it is needed and held, or was let through without."""
        return self.verdict is Verdict.KEEP or (self.verdict is Verdict.MISSING and self.count.observed > 0)


def needed(uses: Mapping[Use, Count], needs: Callable[[Use], frozenset[str]]) -> dict[Place, Count]:
    """Return how often each scope was needed; `needs` says which a use needs today, none for what is not there."""
    found: dict[Place, Count] = {}
    for use, count in uses.items():
        for word in words.smallest(needs(use)):
            place = (use.server, word)
            found[place] = found.get(place, Count()).plus(count)
    return found


def lines(
    held: Iterable[HeldRole], calls: Mapping[Place, Count], servers: Set[str], seen: Set[str], now: int
) -> tuple[Line, ...]:
    """Return the verdicts about everything that is held or was needed on `servers` (ids), by server and scope.

    `held` are roles, of which those count that are in force at `now`; `seen` are the servers whose guards recorded.
    """
    carried = _carried(held, servers, now)
    found: list[Line] = []
    for server in sorted({place[0] for place in (*carried, *calls)} & servers):
        had = {word: roles for (where, word), roles in carried.items() if where == server}
        asked = {word: count for (where, word), count in calls.items() if where == server}
        found += sorted(_of_server(server, had, asked, known=server in seen), key=lambda line: line.scope)
    return tuple(found)


def _carried(held: Iterable[HeldRole], servers: Set[str], now: int) -> dict[Place, tuple[HeldRole, ...]]:
    found = defaultdict[Place, list[HeldRole]](list)
    for item in held:
        for server in item.role.scopes.keys() & servers if item.counts(now) else ():
            for word in item.role.scopes[server]:
                found[server, word].append(item)
    return {place: tuple(roles) for place, roles in found.items()}


def _of_server(
    server: str, had: Mapping[str, tuple[HeldRole, ...]], asked: Mapping[str, Count], *, known: bool
) -> Iterable[Line]:
    for word, roles in had.items():
        if word not in asked:
            yield Line(server, word, _idle(word, asked, known=known), Count(), roles)
    for word, count in asked.items():
        carriers = (role for wide, roles in had.items() if words.covers(wide, word) for role in roles)
        through = {(item.role.id, item.through): item for item in carriers}
        yield Line(server, word, Verdict.KEEP if through else Verdict.MISSING, count, tuple(through.values()))


def _idle(word: str, asked: Iterable[str], *, known: bool) -> Verdict:
    if any(words.covers(word, one) for one in asked):
        return Verdict.WIDER
    return Verdict.UNUSED if known else Verdict.UNSEEN
