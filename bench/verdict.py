"""What paired rounds prove about a bar: the median, how far it may be off, and whether the bar holds."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

ROUNDS: Final = 7
"""The fewest paired rounds that can decide anything."""

REPEATS: Final = 3
"""How often ROUNDS rounds are run before an undecided figure stays undecided. Rounds add up, none is thrown away."""

CONFIDENCE: Final = 0.95
"""How sure the spread is to contain the true median."""


@dataclass(frozen=True, slots=True)
class Bar:
    """What the ratio ours : peer must reach; without a peer, what our own figure must reach."""

    limit: float
    at_least: bool = False

    def met(self, value: float) -> bool:
        """Tell whether `value` is on the good side; the limit itself is."""
        return value >= self.limit if self.at_least else value <= self.limit

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.limit:g}"


@dataclass(frozen=True, slots=True)
class Finding:
    """Medians of ours and the peer's, the median of the rounds' ratios, its spread, and the verdict.

    Without a peer, `peer` and `ratio` are None and `spread` is that of ours. `holds` is None when the rounds do not
    decide: fewer than ROUNDS, or a spread with the bar inside it.
    """

    ours: float
    peer: float | None
    ratio: float | None
    spread: tuple[float, float]
    holds: bool | None


def spread(values: Sequence[float]) -> tuple[float, float]:
    """Return an interval that contains the true median with CONFIDENCE, whatever the distribution of the noise.

    It runs between two of the values: each is above the true median with probability one half, so the binomial
    distribution says how many may be cut off at both ends. Of seven values none may: it is smallest to largest.
    Raises ValueError when there is no value.
    """
    if not values:
        raise ValueError("no values")
    ordered, count = sorted(values), len(values)
    cut, beyond = 0, 1
    while 2 * (beyond + math.comb(count, cut + 1)) <= (1 - CONFIDENCE) * 2**count:
        cut += 1
        beyond += math.comb(count, cut)
    return ordered[cut], ordered[-1 - cut]


def judge(ours: Sequence[float], peer: Sequence[float] | None, bar: Bar) -> Finding:
    """Judge rounds: `ours[i]` and `peer[i]` were taken one after the other, in the same round.

    Raises ValueError for rounds that are not pairs and for a figure that is not a positive number.
    """
    if peer is not None and len(ours) != len(peer):
        raise ValueError(f"{len(ours)} rounds of ours against {len(peer)} of the peer")
    if not all(math.isfinite(value) and value > 0 for value in (*ours, *(peer or ()))):
        raise ValueError("a figure is a positive number")
    judged = list(ours) if peer is None else [mine / its for mine, its in zip(ours, peer, strict=True)]
    around = spread(judged)
    return Finding(
        ours=statistics.median(ours),
        peer=None if peer is None else statistics.median(peer),
        ratio=None if peer is None else statistics.median(judged),
        spread=around,
        holds=_holds(around, len(judged), bar),
    )


def _holds(around: tuple[float, float], rounds: int, bar: Bar) -> bool | None:
    low, high = (bar.met(end) for end in around)
    return None if rounds < ROUNDS or low is not high else low
