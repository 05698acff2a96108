"""What the soak found, as a person reads it and as build/soak.json."""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median as _median
from typing import Any, Final

from tests.soak.agents import Tally
from tests.soak.events import Events

FLAT: Final = 1.1
"""The last third of the samples of a process may be so many times the first third, once it is warm."""


@dataclass
class Memory:
    """Resident memory in MB, by the process and how often it had been started."""

    samples: dict[tuple[str, int], list[float]] = field(default_factory=lambda: defaultdict(list))

    def growth(self) -> dict[str, tuple[float, float]]:
        """Return by process the medians of the first and of the last third, of those seen for long enough."""
        return {
            f"{name} #{start}": (
                _median(seen[: len(seen) // 3]),
                _median(seen[-(len(seen) // 3) :]),
            )
            for (name, start), seen in self.samples.items()
            if len(seen) >= 60
        }


@dataclass
class Report:
    """Everything that is to be shown."""

    seconds: float
    tally: Tally
    events: Events
    memory: Memory
    lost: int
    recorded: int
    verified: bool

    def failures(self) -> list[str]:
        """Return what should not have happened; nothing is what everybody hopes for."""
        found = list(self.tally.wrongs)
        if self.lost:
            found.append(f"{self.lost} calls that were let through are in no record")
        if not self.verified:
            found.append("the audit log does not verify")
        for name, (first, last) in self.memory.growth().items():
            if last > first * FLAT:
                found.append(f"{name} grew from {first:.0f} to {last:.0f} MB")
        return found

    def plain(self) -> dict[str, Any]:
        """Return it as JSON has it; times in milliseconds."""
        arrivals = sorted(self.events.arrivals)
        return {
            "seconds": round(self.seconds),
            "answers": dict(sorted(self.tally.answers.items())),
            "happened": dict(sorted(self.events.happened.items())),
            "unreached": dict(sorted(self.tally.unreached.items())),
            "arrival_ms": {
                "median": _ms(_median(arrivals)) if arrivals else None,
                "p99": _ms(arrivals[int(len(arrivals) * 0.99)]) if arrivals else None,
                "last": _ms(arrivals[-1]) if arrivals else None,
                "count": len(arrivals),
            },
            "latest_allowed_ms": _ms(max(self.tally.late, default=0.0)),
            "allowed": sum(self.tally.allowed.values()),
            "recorded": self.recorded,
            "lost": self.lost,
            "verified": self.verified,
            "memory_mb": {name: [round(one, 1) for one in pair] for name, pair in self.memory.growth().items()},
            "failures": self.failures(),
        }

    def write(self, file: Path) -> None:
        """Keep it as a file."""
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(self.plain(), indent=2) + "\n")


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
