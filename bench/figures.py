"""All the figures there are, in the order of `make bench`."""

import importlib
import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any, Final

from bench import apply, audit_projection, audit_search, issue_client_credentials, revoke_to_refusal
from bench.figure import Figure, Measure, Pair, Plan, Round
from bench.running import Unavailable
from bench.verdict import Bar


def in_process(name: str, *measures: Measure, packages: Sequence[str] = ()) -> Figure:
    """Make a figure of bench/`name`.py, whose `measure()` is one round.

    It returns the pair of each measure by the rest of its name behind the figure's; or, where the figure has one
    measure, `ours_us` and `peer_us`. `packages` are those of peers, whose versions are to be known.
    """

    @contextmanager
    def opened(plan: Plan) -> Iterator[Round]:
        measure = _measure_of(name)

        def run(number: int) -> Mapping[str, Pair]:
            found = _pairs(name, measure())
            plan.say("\n".join(f"  {number + 1:2}  {_round(key, pair)}" for key, pair in found.items()))
            return found

        run(-1)  # warm
        yield run

    return Figure(name, measures, opened, lambda: {package: version(package) for package in packages})


def _measure_of(name: str) -> Callable[[], Mapping[str, Any]]:
    if importlib.util.find_spec(f"bench.{name}") is None:
        raise Unavailable(f"bench/{name}.py is not there yet")
    measure: Callable[[], Mapping[str, Any]] = importlib.import_module(f"bench.{name}").measure
    return measure


def _pairs(name: str, found: Mapping[str, Any]) -> dict[str, Pair]:
    if "ours_us" in found:
        return {name: (found["ours_us"], found["peer_us"])}
    return {f"{name}.{part}": pair for part, pair in found.items()}


def _round(name: str, pair: Pair) -> str:
    mine, its = pair
    return f"{name}  {mine:.2f}" + ("" if its is None else f"  against {its:.2f}: {mine / its:.3f}")


FIGURES: Final = {
    figure.name: figure
    for figure in (
        issue_client_credentials.FIGURE,
        in_process("guard_hot", Measure("guard_hot", "µs", Bar(0.30))),
        in_process("guard_cold", Measure("guard_cold", "µs", Bar(1.3))),
        in_process(
            "guard_share_of_tools_call",
            Measure("guard_share_of_tools_call.sdk", "µs added", Bar(1 / 6)),
            Measure("guard_share_of_tools_call.fastmcp", "µs added", Bar(1 / 12)),
            packages=("mcp", "fastmcp", "pyjwt"),
        ),
        in_process("audit_append", Measure("audit_append.record", "µs", Bar(50))),
        audit_search.figure(),
        audit_projection.FIGURE,
        in_process(
            "import_time_and_memory",
            Measure("import_time_and_memory.import_time", "ms", Bar(80)),
            Measure("import_time_and_memory.import_memory", "MB", Bar(15)),
            Measure("import_time_and_memory.guard_memory", "MB", Bar(25)),
            Measure("import_time_and_memory.idle_server_memory", "MB", Bar(130)),
        ),
        apply.FIGURE,
        revoke_to_refusal.FIGURE,
    )
}
"""Name → figure."""
