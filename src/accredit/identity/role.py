"""Roles: bundles of scopes, possibly over several servers, and their assignments."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from accredit_sdk import scopes as words


@dataclass(frozen=True, slots=True)
class Role:
    """A bundle of scopes per server id. `scopes` maps a server's id to the words that the role carries there."""

    id: str
    slug: str
    name: str
    scopes: Mapping[str, frozenset[str]]
    created_at: int
    version: int = 1


@dataclass(frozen=True, slots=True)
class Assignment:
    """A role held by a client. `ends_at` is the first microsecond (UTC) at which it no longer counts, or None."""

    role: str
    holder: str
    ends_at: int | None = None


@dataclass(frozen=True, slots=True)
class HeldRole:
    """A role as its holder has it: the role, the end of the assignment, and the group (an id) that it comes through."""

    role: Role
    ends_at: int | None = None
    through: str | None = None

    def counts(self, now: int) -> bool:
        """Tell whether the assignment is in force at `now` (microseconds UTC)."""
        return self.ends_at is None or now < self.ends_at


def ceiling(held: Iterable[HeldRole], server: str, now: int) -> frozenset[str]:
    """Return the scopes on `server` (an id) that the roles in force at `now` carry together."""
    granted: set[str] = set()
    for item in held:
        if item.counts(now):
            granted |= item.role.scopes.get(server, frozenset())
    return words.smallest(granted)


def lasts_until(held: Iterable[HeldRole], server: str, scopes: frozenset[str], now: int) -> int | None:
    """Return the first microsecond (UTC) after `now` at which the roles carry `scopes` on `server` no longer.

    None means that they carry them for good. What has been granted must not outlive that moment.
    """
    known = tuple(held)
    ends = sorted({item.ends_at for item in known if item.ends_at is not None and item.counts(now)})
    return next((end for end in ends if words.missing(ceiling(known, server, end), scopes)), None)


def remaining(
    before: Iterable[HeldRole], after: Iterable[HeldRole], server: str, now: int, until: int
) -> frozenset[str] | None:
    """Return what a token may still carry on `server` (an id) once `after` are held instead of `before`, or None.

    None: nothing is lost, by no token that was issued before `now` and ends before `until` (microseconds UTC). No token
    outlives what it was granted on, so only an end that has come nearer takes something from it.
    """
    had, has = tuple(before), tuple(after)
    ends = {item.ends_at for item in has if item.ends_at is not None and now < item.ends_at < until}
    for at in sorted({now, *ends}, reverse=True):
        rest = ceiling(has, server, at)
        if words.missing(rest, ceiling(had, server, at)):
            return rest
    return None
