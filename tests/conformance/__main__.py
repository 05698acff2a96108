"""`make conformance`: the judges that no one here wrote, one table, and build/conformance.json.

It ends with 0 only when a judge has really run and nothing that passes without Accredit fails with it: a target that
reports nothing as success would be worse than none.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from demo.stage import Stage
from tests.conformance import house, judged_agent
from tests.conformance.judged_agent import AgentVerdict
from tests.conformance.results import Row, Verdict, count
from tests.conformance.suite import Suite, Unavailable

BUILD: Final = Path("build").absolute()
REVISIONS: Final = ("2026-07-28", "2025-11-25")
GUARD: Final = "server behind guard"

NOT_YET: Final = (
    ("@modelcontextprotocol/conformance authorization", "needs /authorize, sign-in and consent"),
    ("@modelcontextprotocol/conformance server, through the gateway", "needs the gateway"),
    ("MCP Inspector, mcp-remote, the SDKs' own OAuth clients", "need /authorize and registration"),
    ("schemathesis on the management API", "needs its public listener, protected by Accredit itself"),
)

console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)


def main() -> int:
    """Judge; return 0 if every verdict holds, 1 if one does not, 2 if nothing could be judged."""
    document = BUILD / "conformance.json"
    document.unlink(missing_ok=True)
    for judge, lack in NOT_YET:
        console.print(f"not run  {judge}: {lack}", soft_wrap=True)
    try:
        suite = Suite(BUILD / "conformance" / "suite")
        agent = judged_agent.judged(suite, BUILD / "conformance" / "results" / "client")
        verdicts = judged(suite)
    except (Unavailable, RuntimeError) as trouble:
        console.print(f"conformance: {trouble}", markup=False, soft_wrap=True)
        return 2
    show(verdicts)
    show_agent(agent)
    documents = [*(verdict.document() for verdict in verdicts), agent.document()]
    told = {"suite": suite.version, "verdicts": documents}
    document.write_text(json.dumps(told, indent=2) + "\n")
    return 0 if agent.holds() and all(verdict.holds() for verdict in verdicts) else 1


def judged(suite: Suite) -> list[Verdict]:
    """Run the suite against the server, directly and through the guard, for each revision."""
    folder = BUILD / "conformance" / "results"
    found = []
    with Stage(BUILD / "conformance" / "stage") as stage:
        direct, guarded = house.start_direct(stage), house.start_guarded(stage)
        for revision in REVISIONS:
            alone = suite.judge(direct, revision, folder / f"{revision}-direct")
            behind = suite.judge(guarded, revision, folder / f"{revision}-guarded")
            found.append(Verdict(GUARD, revision, suite.required(revision), alone, behind))
    return found


def show(verdicts: Iterable[Verdict]) -> None:
    """Print one table, and under it every check that does not pass on both sides."""
    table = Table("judge", "version", "scenario", "passed/failed direct", "guarded", box=None, pad_edge=False)
    for column in table.columns:
        column.no_wrap = True
    for verdict in verdicts:
        for row in verdict.rows():
            table.add_row(*_cells(row), style="" if row.direct == row.guarded else "bold red")
        table.add_row(*_cells(verdict.totals()), style="bold", end_section=True)
    console.print(table)
    for verdict in verdicts:
        for scenario in verdict.missing():
            console.print(f"{verdict.version}  {scenario} is required and did not run", style="red")
        for one in verdict.differences():
            style = "red" if one.lost else "yellow"
            console.print(f"{verdict.version}  {one.sentence()}", style=style, markup=False, soft_wrap=True)


def show_agent(verdict: AgentVerdict) -> None:
    """Print what the judge of clients found, and what it was not asked."""
    table = Table("judge", "version", "scenario", "passed/failed", box=None, pad_edge=False)
    for name, checks in verdict.scenarios.items():
        passed, failed = count(checks)
        style = "bold red" if failed or not passed else ""
        table.add_row(judged_agent.JUDGE, judged_agent.REVISION, name, f"{passed:3}/{failed}", style=style)
    console.print(table)
    for name, why in verdict.others.items():
        console.print(f"not run  {judged_agent.JUDGE}, {name}: {why}", style="dim", soft_wrap=True)


def _cells(row: Row) -> tuple[str, ...]:
    sides = (f"{passed:3}/{failed}" for passed, failed in (row.direct, row.guarded))
    return (row.judge, row.version, row.scenario, *sides)


if __name__ == "__main__":
    sys.exit(main())
