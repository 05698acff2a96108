"""`accredit audit`: what was recorded, and whether it is unaltered."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from accredit.cli.client import path
from accredit.cli.given import past
from accredit.cli.screen import Screen, mark, moment, plain
from accredit.cli.session import Session, command

app = typer.Typer(help="The audit log: search it, prove it, keep it elsewhere.", no_args_is_help=True)
"""The commands of `accredit audit`."""


class Outcome(StrEnum):
    """How it ended."""

    ALLOW = "allow"
    DENY = "deny"
    DONE = "done"


@command(app, "search")
def search(  # noqa: PLR0913  (each is an option of its own)
    session: Session,
    *,
    server: Annotated[str | None, typer.Option(metavar="SERVER", help="Only this server.")] = None,
    kind: Annotated[str | None, typer.Option(metavar="KIND", help="Only this kind, like token_refused.")] = None,
    outcome: Annotated[Outcome | None, typer.Option(help="Only what ended so.")] = None,
    decision: Annotated[str | None, typer.Option(metavar="ID", help="Only this decision.")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="WHEN", help="From then on: 2h (ago), or 2026-12-31T00:00:00Z.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="WHEN", help="Before then, written likewise.")] = None,
    limit: Annotated[int, typer.Option(help="How many records, 1 to 200.")] = 50,
    cursor: Annotated[str | None, typer.Option(metavar="CURSOR", help="Where the page before ended.")] = None,
) -> None:
    """Search the log, newest first."""
    found = session.server.get(
        path("audit"),
        server=server,
        kind=kind,
        outcome=outcome.value if outcome is not None else None,
        decision=decision,
        since=past(since),
        until=past(until),
        limit=limit,
        cursor=cursor,
    )
    if session.as_json:
        session.screen.data(found)
        return
    screen = session.screen
    screen.table(
        ("when", "outcome", "what", "server", "who and why", "decision"),
        [_row(item) for item in found["items"]],
        "nothing matches",
    )
    if found["next"]:
        screen.say("")
        screen.say(f"There is more: --cursor {found['next']}")


@command(app, "show")
def show(
    session: Session,
    decision: Annotated[str, typer.Argument(metavar="DECISION", help="The id of a decision.", show_default=False)],
) -> None:
    """Show the records of a decision as they were written. `accredit explain` tells them in words."""
    found = session.server.get(path("decisions", decision))
    if session.as_json:
        session.screen.data({"items": found["records"]})
        return
    for record in found["records"]:
        _record(session.screen, record)


def _row(item: dict[str, Any]) -> tuple[object, ...]:
    return (
        moment(item["at"]),
        mark(item["outcome"]),
        item["kind"],
        item["server_slug"] or item["server"],
        _told(item["person"]),
        item["decision"],
    )


def _told(person: dict[str, Any] | None) -> str:
    """Return what a record says in one line: whoever it is about, and the reason."""
    if person is None:
        return "(redacted)"
    who = person.get("by") or person.get("client_id") or person.get("guard")
    what = person.get("target") if "method" in person else None
    why = person.get("summary") or person.get("reason") or _joined(person.get("scopes"))
    return ": ".join(plain(part) for part in (who, what, why) if part)


def _joined(value: object) -> str:
    return " ".join(str(item) for item in value) if isinstance(value, list) else ""


def _record(screen: Screen, record: dict[str, Any]) -> None:
    person = record["person"]
    screen.details(
        [
            ("record", f"{record['seq']} of {record['chain']}"),
            ("at", record["at"]),
            ("kind", record["kind"]),
            ("outcome", mark(record["outcome"])),
            ("decision", record["decision"]),
            ("server", record["server_slug"] or record["server"]),
            *((f"  {plain(name)}", _value(value)) for name, value in (person or {}).items()),
            ("redacted", "yes" if person is None else ""),
            ("link", record["hash"]),
        ]
    )
    screen.say("")


def _value(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_value(item) for item in value)
    if isinstance(value, dict):
        return " ".join(f"{name}={_value(item)}" for name, item in value.items())
    return "" if value is None else str(value)
