"""Leases of guards: which processes are there, what each has applied, and when the last one had it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

BEATS: Final = 3
"""A lease lives for so many beats after it was last renewed."""

FORGOTTEN_AFTER: Final = 3_600_000_000
"""How long a lease is shown after nothing can rest on it any more, in microseconds."""

TOLERANCE: Final = 1
"""Seconds more that a lease may matter: guards know the time of a beat in whole seconds, and one may refuse later."""


@dataclass(frozen=True, slots=True)
class Lease:
    """One process of a guard (an id), as it last spoke: it had applied every signal up to `seq`, since `acked_at`.

    It speaks every `beat` seconds, and refuses everything by itself when it has heard nothing for `bound` seconds.
    Times are microseconds UTC. `ended`: it took its leave.
    """

    guard: str
    instance: str
    seq: int
    acked_at: int
    seen_at: int
    bound: int
    beat: int
    ended: bool = False

    def lives(self, now: int) -> bool:
        """Tell whether it spoke within its last beats."""
        return not self.ended and now < self.seen_at + BEATS * self.beat * 1_000_000

    def harmless_at(self) -> int:
        """Return from when on it refuses by itself, unless it speaks again."""
        return self.seen_at if self.ended else self.seen_at + (self.bound + TOLERANCE) * 1_000_000

    def renewed(self, later: "Lease") -> "Lease":
        """Return what is known after `later` was heard of the same process; one that is older changes nothing."""
        if later.seen_at < self.seen_at:
            return self
        if later.seq > self.seq:
            return later
        return Lease(
            self.guard, self.instance, self.seq, self.acked_at, later.seen_at, later.bound, later.beat, later.ended
        )


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a signal has come. `acknowledged` processes have applied it, the last of them `last_at`.

    `waiting` ones live and have not; `lapsed` ones have gone silent, and may still act on what they knew before.
    """

    seq: int
    acknowledged: tuple[Lease, ...]
    waiting: tuple[Lease, ...]
    lapsed: tuple[Lease, ...]

    @property
    def everywhere(self) -> bool:
        """Tell whether no guard acts on anything older."""
        return not self.waiting and not self.lapsed

    @property
    def last_at(self) -> int | None:
        """Return when the last one of those that have it acknowledged it; None when there is none."""
        return max((lease.acked_at for lease in self.acknowledged), default=None)

    @property
    def certain_at(self) -> int | None:
        """Return from when on the silent ones refuse by themselves; None when there are none."""
        return max((lease.harmless_at() for lease in self.lapsed), default=None)


def reach(seq: int, leases: Iterable[Lease], now: int) -> Reach:
    """Return how far the signal numbered `seq` has come at `now` (microseconds UTC)."""
    acknowledged, waiting, lapsed = [], [], []
    for lease in leases:
        if lease.seq >= seq:
            acknowledged.append(lease)
        elif lease.lives(now):
            waiting.append(lease)
        elif now < lease.harmless_at():
            lapsed.append(lease)
    return Reach(seq, tuple(acknowledged), tuple(waiting), tuple(lapsed))


@dataclass(frozen=True, slots=True)
class KeepLeases:
    """Write: keep what guards last said of themselves, unless something later is kept already."""

    leases: tuple[Lease, ...]


@dataclass(frozen=True, slots=True)
class ForgetLeases:
    """Write: drop every lease on which nothing can rest since before `before` (microseconds UTC), or that has ended."""

    before: int
