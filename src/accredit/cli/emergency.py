"""`accredit emergency`: what nobody may use for the time being, whatever roles say."""

from typing import Annotated, Any

import typer

from accredit.cli import arrival
from accredit.cli.client import path
from accredit.cli.screen import moment
from accredit.cli.session import Session, command

app = typer.Typer(help="The emergency brake: deny a tool or a server to everybody.", no_args_is_help=True)
"""The commands of `accredit emergency`."""

Server = Annotated[str, typer.Argument(metavar="SERVER", help="Name of the server.", show_default=False)]
"""The argument that names the server."""

Target = Annotated[
    str | None, typer.Option("--tool", metavar="NAME", help="Only this tool; left out, the server as a whole.")
]
"""The option that names the tool."""

Kind = Annotated[str, typer.Option(metavar="KIND", help="What --tool names: tool, resource or prompt.")]
"""The option that says what the name is of."""


@command(app, "deny")
def deny(
    session: Session,
    server: Server,
    *,
    tool: Target = None,
    kind: Kind = "tool",
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; it is in the audit log.")] = "",
    no_wait: arrival.NoWait = False,
) -> None:
    """Let nobody use a tool, or a server, until it is lifted; tell when the last guard had it."""
    what = _named(server, tool, kind)
    session.confirm(f"Deny {what} to everybody? Every call of it is refused until it is lifted.")
    found = session.server.post(path("servers", server, "denials"), _body(tool, kind) | {"reason": reason})
    arrival.ended(session, found, f"{what} is denied to everybody", no_wait=no_wait)


@command(app, "lift")
def lift(session: Session, server: Server, *, tool: Target = None, kind: Kind = "tool") -> None:
    """Let roles decide again."""
    found = session.server.post(path("servers", server, "denials", "lift"), _body(tool, kind))
    if session.as_json:
        session.screen.data(found)
    else:
        session.screen.done(f"{_named(server, tool, kind)} is denied no longer")


@command(app, "list")
def list_denials(session: Session) -> None:
    """List what is denied."""
    found = [item | {"server": one["slug"]} for one in session.server.items(path("servers")) for item in one["denied"]]
    if session.as_json:
        session.screen.data({"items": found})
        return
    session.screen.table(
        ("server", "what", "since", "by", "why"),
        [
            (item["server"], _target(item["name"], item["kind"]), moment(item["at"]), item["by"], item["reason"])
            for item in found
        ],
        "nothing is denied",
    )


def _body(tool: str | None, kind: str) -> dict[str, Any]:
    return {} if tool is None else {"name": tool, "kind": kind}


def _target(name: str | None, kind: str) -> str:
    return "everything" if name is None else f"{kind} {name}"


def _named(server: str, tool: str | None, kind: str) -> str:
    return f"the server {server}" if tool is None else f"the {kind} {tool} of {server}"
