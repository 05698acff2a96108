"""All the figures there are, in the order of `make bench`."""

import importlib
import importlib.util
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from bench import issue_client_credentials
from bench.figure import Figure, Measure, Pair, Plan, Round
from bench.running import Unavailable
from bench.verdict import Bar


def in_process(name: str, bar: Bar) -> Figure:
    """Make a figure of bench/`name`.py, whose `measure()` is one round: `ours_us`, `peer_us`, and more."""

    @contextmanager
    def opened(plan: Plan) -> Iterator[Round]:
        measure = _measure_of(name)

        def run(number: int) -> Mapping[str, Pair]:
            found = measure()
            plan.say(f"  {number + 1:2}  " + "  ".join(f"{key} {value:.2f}" for key, value in found.items()))
            return {name: (found["ours_us"], found["peer_us"])}

        run(-1)  # warm
        yield run

    return Figure(name, (Measure(name, "µs", bar),), opened, dict)


def _measure_of(name: str) -> Callable[[], Mapping[str, float]]:
    if importlib.util.find_spec(f"bench.{name}") is None:
        raise Unavailable(f"bench/{name}.py is not there yet")
    measure: Callable[[], Mapping[str, float]] = importlib.import_module(f"bench.{name}").measure
    return measure


FIGURES: Final = {
    figure.name: figure
    for figure in (
        issue_client_credentials.FIGURE,
        in_process("guard_hot", Bar(0.30)),
        in_process("guard_cold", Bar(1.3)),
    )
}
"""Name → figure."""
