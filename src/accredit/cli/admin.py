"""`accredit admin`: who may use the management API with a token, and for what."""

from typing import Annotated, Any

import typer

from accredit.cli.client import path
from accredit.cli.given import ending
from accredit.cli.screen import moment
from accredit.cli.session import Session, command
from accredit.cli.trouble import usage

app = typer.Typer(help="Administrators, server administrators and auditors.", no_args_is_help=True)
"""The commands of `accredit admin`."""

AgentName = Annotated[str, typer.Argument(metavar="AGENT", help="Name of the agent.", show_default=False)]
"""The argument that names which one a command is about."""


@command(app, "name")
def name(
    session: Session,
    agent: AgentName,
    everything: Annotated[bool, typer.Option("--everything", help="It may do everything.")] = False,
    auditor: Annotated[bool, typer.Option("--auditor", help="It may look at everything.")] = False,
    server: Annotated[
        list[str] | None, typer.Option("--server", metavar="SERVER", help="A server that it administers. Repeatable.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="WHEN", help="When it ends: 30d, 12h, or 2026-12-31T23:59:59Z.")
    ] = None,
) -> None:
    """Set all that an agent may do at the management API; what it was named for before is replaced."""
    if not (everything or auditor or server):
        raise usage("say what for: --everything, --auditor, or --server SERVER")
    if everything:
        session.confirm(f"Let {agent} do everything at the management API?")
    body = {"administrator": everything, "auditor": auditor, "servers": server or []} | ending(until, "ends")
    found = session.server.put(path("administrators", agent), body)
    end = f" until {moment(found['ends_at'])}" if found["ends_at"] else ""
    session.changed(found, f"{agent} is {_office(found)}{end}")


@command(app, "list")
def list_administrators(session: Session) -> None:
    """List who may use the management API with a token."""
    found = list(session.server.items(path("administrators")))
    if session.as_json:
        session.screen.data({"items": found})
        return
    session.screen.table(
        ("agent", "is", "until"),
        [(item["agent"], _office(item), moment(item["ends_at"]) if item["ends_at"] else "") for item in found],
        "no agent is named; whoever runs this command is the local administrator",
    )


@command(app, "dismiss")
def dismiss(session: Session, agent: AgentName) -> None:
    """Take everything from an agent that it may do at the management API; its tokens stop working there at once."""
    session.confirm(f"Dismiss {agent}?")
    session.server.delete(path("administrators", agent))
    session.changed({"agent": agent, "dismissed": True}, f"{agent} may not use the management API any more")


def _office(found: dict[str, Any]) -> str:
    parts = ["administrator"] if found["administrator"] else []
    parts += ["auditor"] if found["auditor"] else []
    parts += [f"administrator of {server}" for server in found["servers"]]
    return ", ".join(parts)
