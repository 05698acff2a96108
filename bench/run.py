"""`python -m bench.run`: measure the figures, print them, and write build/bench.json.

Ends with 0 when no bar is missed, 1 when one is, 2 when something could not be measured. An undecided bar is neither
held nor missed: the spread of the rounds was wider than the distance to the bar.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from bench import audit_search, machine
from bench.figure import SECONDS, WARM_UP, Entry, Figure, Plan, measured
from bench.figures import FIGURES
from bench.load import LoadFailed
from bench.processes import TooFewCores, cores, pinned
from bench.running import BUILD, Unavailable
from bench.token_answers import NotComparable
from bench.verdict import ROUNDS

_VERDICTS: Final = {True: "holds", False: "MISSED", None: "undecided"}


def main(words: Sequence[str] | None = None) -> int:
    """Do what the command line says and return the exit code."""
    asked = _arguments().parse_args(words)
    facts = machine.facts()
    print("\n".join(f"{name:13} {value}" for name, value in facts.items()))
    print(f"{'load average':13} {os.getloadavg()[0]:.2f} before we began")
    try:
        server, load = cores()
    except TooFewCores as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    figures = dict(FIGURES)
    if asked.records is not None:
        figures["audit_search"] = audit_search.figure(asked.records)
    plan = Plan(server_core=server, seconds=asked.seconds, rounds=asked.rounds, warm_up=asked.warm_up)
    entries: list[Entry] = []
    with pinned(load):
        failed = [_run(figures[name], plan, facts, entries) for name in asked.only or figures].count(False)
    _write(entries)
    missed = any(entry.finding.holds is False for entry in entries)
    return 2 if failed else int(missed)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description="Measure our figures against their peers.")
    parser.add_argument("--only", action="append", choices=tuple(FIGURES), metavar="NAME", help=", ".join(FIGURES))
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of load per side, kind and round")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"per repeat; fewer than {ROUNDS} decide nothing")
    parser.add_argument("--records", type=int, help="that audit_search searches; its bar is decided at 10000000")
    parser.add_argument("--warm-up", type=int, default=WARM_UP, help="requests per side and kind")
    return parser


def _run(figure: Figure, plan: Plan, facts: Mapping[str, str], entries: list[Entry]) -> bool:
    """Measure `figure`, print it and add it to `entries`; tell whether it could be measured."""
    print(f"\n{figure.name}", flush=True)
    try:
        found = measured(figure, plan)
    except (Unavailable, LoadFailed, NotComparable, OSError) as error:
        print(f"bench: {figure.name} was not measured: {error}", file=sys.stderr)
        return False
    for entry in found:
        print(line(entry))
        entries.append(replace(entry, versions={**facts, **entry.versions}))
    return True


def line(entry: Entry) -> str:
    """Return the line that a person reads: figure, peer, ratio with its spread, bar, verdict."""
    found, measure = entry.finding, entry.measure
    low, high = found.spread
    if found.peer is None:
        figures = f"{found.ours:.4g} {measure.unit} ({low:.4g} to {high:.4g})"
    else:
        figures = f"{found.ours:.4g} against {found.peer:.4g} {measure.unit}"
        figures += f": {found.ratio:.3f} ({low:.3f} to {high:.3f})"
    return f"  {_VERDICTS[found.holds]:9}  {measure.name}  {figures}, bar {measure.bar}"


def _write(entries: list[Entry]) -> None:
    BUILD.mkdir(exist_ok=True)
    text = json.dumps([entry.plain() for entry in entries], ensure_ascii=False, indent=1)
    (BUILD / "bench.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
