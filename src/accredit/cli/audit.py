"""`accredit audit`: what was recorded, and whether it is unaltered."""

from typing import Annotated, Any

import typer

from accredit.audit.events import Result
from accredit.cli.client import path
from accredit.cli.given import past
from accredit.cli.screen import Screen, count, mark, moment, plain
from accredit.cli.session import Session, command
from accredit.cli.trouble import usage

app = typer.Typer(help="The audit log: search it, prove it, keep it elsewhere.", no_args_is_help=True)
"""The commands of `accredit audit`."""

Server = Annotated[str | None, typer.Option(metavar="SERVER", help="Only this server.")]
"""The option of a server."""

Kind = Annotated[str | None, typer.Option(metavar="KIND", help="Only this kind, like token_refused.")]
"""The option of a kind."""

Decision = Annotated[str | None, typer.Option(metavar="ID", help="Only this decision.")]
"""The option of a decision."""

Subject = Annotated[
    str | None, typer.Option(metavar="WHO", help="Only on behalf of this one: an agent, app:NAME or an id.")
]
"""The option of a subject."""

By = Annotated[
    str | None, typer.Option("--client", metavar="WHO", help="Only what this client did: an agent, app:NAME or an id.")
]
"""The option of a client."""

Agent = Annotated[str | None, typer.Option(metavar="AGENT", help="Only what this agent did.")]
"""The option of an agent."""

Tool = Annotated[str | None, typer.Option(metavar="TOOL", help="Only calls of this tool.")]
"""The option of a tool."""

Member = Annotated[
    str | None, typer.Option(metavar="WHO", help="Only where this one took part, in any place of the chain.")
]
"""The option of whoever took part."""

Token = Annotated[str | None, typer.Option(metavar="JTI", help="Only the token with this jti.")]
"""The option of a token."""

Trace = Annotated[str | None, typer.Option(metavar="ID", help="Only calls with this trace id.")]
"""The option of a trace."""

Since = Annotated[str | None, typer.Option(metavar="WHEN", help="From then on: 2h (ago), or 2026-12-31T00:00:00Z.")]
"""The option of the earliest moment."""

Until = Annotated[str | None, typer.Option(metavar="WHEN", help="Before then, written likewise.")]
"""The option of the moment that ends it."""


@command(app, "search")
def search(  # noqa: PLR0913  (each is an option of its own)
    session: Session,
    *,
    server: Server = None,
    kind: Kind = None,
    outcome: Annotated[Result | None, typer.Option(help="Only what ended so.")] = None,
    decision: Decision = None,
    subject: Subject = None,
    client: By = None,
    agent: Agent = None,
    tool: Tool = None,
    member: Member = None,
    token: Token = None,
    trace: Trace = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(help="How many records, 1 to 200.")] = 50,
    cursor: Annotated[str | None, typer.Option(metavar="CURSOR", help="Where the page before ended.")] = None,
) -> None:
    """Search the log, newest first."""
    by = _one_of(client, agent)
    found = session.server.get(
        path("audit"),
        server=server,
        kind=kind,
        outcome=outcome.value if outcome is not None else None,
        decision=decision,
        subject=subject,
        client=by,
        tool=tool,
        member=member,
        token=token,
        trace=trace,
        since=past(since),
        until=past(until),
        limit=limit,
        cursor=cursor,
    )
    screen = session.screen
    if session.as_json:
        screen.data(found)
        return
    screen.table(
        ("when", "outcome", "what", "server", "who and why", "decision"),
        [_row(item) for item in found["items"]],
        "nothing matches",
    )
    if found["next"]:
        screen.say("")
        screen.say(f"There is more: --cursor {found['next']}")
    _behind(screen, found["behind"])


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


def _one_of(client: str | None, agent: str | None) -> str | None:
    if client is not None and agent is not None:
        raise usage("--client and --agent: an agent is a client; give one of them")
    return client if agent is None else agent


def _behind(screen: Screen, lag: dict[str, Any]) -> None:
    if lag["records"]:
        screen.warn(f"{count(lag['records'], 'record')} cannot be found yet; the oldest is {lag['seconds']:.0f} s old")


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
