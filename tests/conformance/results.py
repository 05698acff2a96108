"""What the suite found, directly and through the guard, and the difference between the two. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

PASSED = "SUCCESS"
FAILED = ("FAILURE", "WARNING")


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a scenario: its id and name in the suite, its status there, and what it complains about."""

    id: str
    name: str
    status: str
    complaint: str = ""


Checks: TypeAlias = dict[tuple[str, str, int], Check]
"""The checks of a scenario by id, name and number: the suite makes some more than once, always in the same order."""

Scenarios: TypeAlias = dict[str, Checks]
"""The checks of a run by scenario."""


def numbered(checks: Iterable[Check]) -> Checks:
    """Return checks of one scenario by what tells them apart."""
    seen = Counter[tuple[str, str]]()
    found: Checks = {}
    for check in checks:
        seen[check.id, check.name] += 1
        found[check.id, check.name, seen[check.id, check.name]] = check
    return found


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: how many checks of a scenario passed and failed, directly and through the guard."""

    judge: str
    version: str
    scenario: str
    direct: tuple[int, int]
    guarded: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Difference:
    """A check that passes on one side only. `status` and `complaint` are those of the side where it does not."""

    scenario: str
    id: str
    name: str
    lost: bool
    status: str
    complaint: str

    def sentence(self) -> str:
        """Say it to a person."""
        how = "fails only through the guard" if self.lost else "passes only through the guard"
        return f"{self.scenario}: {self.name} ({self.id}) {how}: {self.status} {self.complaint}".rstrip()


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judge's verdict about one revision."""

    judge: str
    version: str
    required: frozenset[str]
    direct: Scenarios
    guarded: Scenarios

    def rows(self) -> Iterator[Row]:
        """Yield a line for each scenario that ran on either side."""
        for scenario in sorted(self.direct.keys() | self.guarded.keys()):
            sides = [count(side.get(scenario, {})) for side in (self.direct, self.guarded)]
            yield Row(self.judge, self.version, scenario, sides[0], sides[1])

    def totals(self) -> Row:
        """Return the sum of all lines."""
        rows = list(self.rows())
        direct, guarded = ([sum(part) for part in zip((0, 0), *side, strict=True)] for side in _sides(rows))
        return Row(self.judge, self.version, "all", (direct[0], direct[1]), (guarded[0], guarded[1]))

    def missing(self) -> list[str]:
        """Return the required scenarios that have no passing check of a direct run, or no result at all behind it."""
        return sorted(
            scenario
            for scenario in self.required
            if not count(self.direct.get(scenario, {}))[0] or scenario not in self.guarded
        )

    def differences(self) -> list[Difference]:
        """Return every check that passes on one side only."""
        found: list[Difference] = []
        for scenario in sorted(self.direct.keys() | self.guarded.keys()):
            found += _compared(scenario, self.direct.get(scenario, {}), self.guarded.get(scenario, {}))
        return found

    def holds(self) -> bool:
        """Tell whether the judge really ran, and nothing that passes directly fails through the guard."""
        return bool(self.required) and not self.missing() and not any(one.lost for one in self.differences())

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "judge": self.judge,
            "version": self.version,
            "holds": self.holds(),
            "missing": self.missing(),
            "scenarios": [
                {"scenario": row.scenario, "required": row.scenario in self.required}
                | {"direct": _counted(row.direct), "guarded": _counted(row.guarded)}
                for row in self.rows()
            ],
            "differences": [
                {"scenario": one.scenario, "id": one.id, "name": one.name, "lost": one.lost}
                | {"status": one.status, "complaint": one.complaint}
                for one in self.differences()
            ],
        }


def count(checks: Mapping[tuple[str, str, int], Check]) -> tuple[int, int]:
    """Return how many passed and how many failed. What was skipped, or only informs, is neither."""
    statuses = Counter(check.status for check in checks.values())
    return statuses[PASSED], sum(statuses[status] for status in FAILED)


def _compared(scenario: str, direct: Checks, guarded: Checks) -> Iterator[Difference]:
    absent = Check("", "", "ABSENT")
    for key in [*direct, *(key for key in guarded if key not in direct)]:
        one, other = direct.get(key, absent), guarded.get(key, absent)
        if (one.status == PASSED) is not (other.status == PASSED):
            lost = one.status == PASSED
            bad = other if lost else one
            yield Difference(scenario, key[0], key[1], lost, bad.status, bad.complaint)


def _sides(rows: Iterable[Row]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    listed = list(rows)
    return [row.direct for row in listed], [row.guarded for row in listed]


def _counted(side: tuple[int, int]) -> dict[str, int]:
    return {"passed": side[0], "failed": side[1]}
