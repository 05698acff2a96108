"""A figure: what is measured in paired rounds, and what each of its measures must reach."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Final

from bench.verdict import REPEATS, ROUNDS, Bar, Finding, judge

SECONDS: Final = 5.0
WARM_UP: Final = 20_000
"""So many, because the peer's compiler is not done before: its requests cost half as much then as at first."""

Pair = tuple[float, float | None]
"""What one round found for a measure: ours and the peer's, None where there is no peer."""

Round = Callable[[int], Mapping[str, Pair]]
"""Runs round number n (from 0) and returns the pair of every measure, by name. It goes first in even rounds only."""


def say_aloud(line: str) -> None:
    """Print `line` at once."""
    print(line, flush=True)


@dataclass(frozen=True, slots=True)
class Plan:
    """How to measure: the core for servers, seconds of load per side, kind and round, rounds per repeat, repeats.

    `warm_up` is how many requests each side and kind gets before the first round; `say` takes a line for the watcher.
    """

    server_core: int
    seconds: float = SECONDS
    rounds: int = ROUNDS
    repeats: int = REPEATS
    warm_up: int = WARM_UP
    say: Callable[[str], None] = say_aloud


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the table: its name, the unit of ours and the peer's, and the bar.

    What does not decide was measured where it is easier than where the bar is meant: it can be missed, but not be held.
    """

    name: str
    unit: str
    bar: Bar
    decides: bool = True


@dataclass(frozen=True, slots=True)
class Figure:
    """A file of the bench. `opened` starts what the rounds need and ends it; `versions` says what was measured."""

    name: str
    measures: tuple[Measure, ...]
    opened: Callable[[Plan], AbstractContextManager[Round]]
    versions: Callable[[], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of build/bench.json."""

    measure: Measure
    finding: Finding
    versions: Mapping[str, str]

    def plain(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        found = self.finding
        return {
            "name": self.measure.name,
            "ours": found.ours,
            "peer": found.peer,
            "unit": self.measure.unit,
            "ratio": found.ratio,
            "bar": str(self.measure.bar),
            "holds": found.holds,
            "spread": list(found.spread),
            "versions": dict(self.versions),
        }


def measured(figure: Figure, plan: Plan) -> list[Entry]:
    """Run rounds until every measure is decided or the repeats are used up, and judge all the rounds together.

    A plan of fewer than ROUNDS rounds is a look, not a measurement: it is not repeated and decides nothing.
    """
    rounds: list[Mapping[str, Pair]] = []
    findings: list[Finding] = []
    with figure.opened(plan) as run_round:
        for _ in range(plan.repeats):
            for _ in range(plan.rounds):
                rounds.append(run_round(len(rounds)))
            findings = [_judged(measure, rounds) for measure in figure.measures]
            if plan.rounds < ROUNDS or all(map(_settled, figure.measures, findings)):
                break
        versions = figure.versions()
    return [Entry(measure, found, versions) for measure, found in zip(figure.measures, findings, strict=True)]


def _judged(measure: Measure, rounds: list[Mapping[str, Pair]]) -> Finding:
    pairs = [found[measure.name] for found in rounds]
    peers = [its for _, its in pairs if its is not None]
    found = judge([mine for mine, _ in pairs], peers or None, measure.bar)
    return found if measure.decides or not found.holds else replace(found, holds=None)


def _settled(measure: Measure, found: Finding) -> bool:
    """Tell whether more rounds would change nothing."""
    return found.holds is not None or (not measure.decides and measure.bar.met(max(found.spread)))
