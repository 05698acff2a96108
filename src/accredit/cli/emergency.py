"""`accredit emergency`: what nobody may use for the time being, whatever roles say."""

from typing import Annotated, Any, Final

import typer

from accredit.cli import arrival
from accredit.cli.client import path
from accredit.cli.screen import Screen, moment
from accredit.cli.session import Session, command
from accredit.cli.trouble import usage

app = typer.Typer(help="The emergency brake: deny a tool, a server or a software to everybody.", no_args_is_help=True)
"""The commands of `accredit emergency`."""

Server = Annotated[str | None, typer.Argument(metavar="[SERVER]", help="Name of the server.", show_default=False)]
"""The argument that names the server."""

Target = Annotated[
    str | None, typer.Option("--tool", metavar="NAME", help="Only this tool; left out, the server as a whole.")
]
"""The option that names the tool."""

Kind = Annotated[str, typer.Option(metavar="KIND", help="What --tool names: tool, resource or prompt.")]
"""The option that says what the name is of."""

Software = Annotated[
    str | None, typer.Option("--software", metavar="ID", help="Instead of a server: every client of this software.")
]
"""The option that names a software."""

Version = Annotated[
    str, typer.Option("--software-version", metavar="TEXT", help="Only this version of it; left out, every one.")
]
"""The option that names a version of it."""

_MOST_NAMED: Final = 10


@command(app, "deny")
def deny(
    session: Session,
    server: Server = None,
    *,
    tool: Target = None,
    kind: Kind = "tool",
    software: Software = None,
    software_version: Version = "",
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; it is in the audit log.")] = "",
    no_wait: arrival.NoWait = False,
) -> None:
    """Let nobody use a tool, a server or a software, until it is lifted; tell when the last guard had it."""
    named = _about(server, tool, software, software_version)
    if named is None:
        _deny_software(session, _software(software, software_version), reason, no_wait=no_wait)
        return
    what = _named(named, tool, kind)
    session.confirm(f"Deny {what} to everybody? Every call of it is refused until it is lifted.")
    found = session.server.post(path("servers", named, "denials"), _body(tool, kind) | {"reason": reason})
    arrival.ended(session, found, f"{what} is denied to everybody", no_wait=no_wait)


@command(app, "lift")
def lift(
    session: Session,
    server: Server = None,
    *,
    tool: Target = None,
    kind: Kind = "tool",
    software: Software = None,
    software_version: Version = "",
) -> None:
    """Let roles decide again."""
    named = _about(server, tool, software, software_version)
    if named is None:
        wanted = _software(software, software_version)
        session.server.post(path("software", "denials", "lift"), wanted)
        session.changed(wanted | {"denied": False}, f"the software {_called(wanted)} is denied no longer")
        return
    found = session.server.post(path("servers", named, "denials", "lift"), _body(tool, kind))
    session.changed(found, f"{_named(named, tool, kind)} is denied no longer")


@command(app, "list")
def list_denials(session: Session) -> None:
    """List what is denied."""
    found = [item | {"server": one["slug"]} for one in session.server.items(path("servers")) for item in one["denied"]]
    software = session.server.get(path("software", "denials"))["items"]
    if session.as_json:
        session.screen.data({"items": found, "software": software})
        return
    rows = [(item["server"], _target(item["name"], item["kind"]), *_said(item)) for item in found]
    rows += [("", f"software {_called(item)}", *_said(item)) for item in software]
    session.screen.table(("server", "what", "since", "by", "why"), rows, "nothing is denied")


def _deny_software(session: Session, wanted: dict[str, str], reason: str, *, no_wait: bool) -> None:
    """Show whom it would stop, ask, and do it."""
    concerned = session.server.get(path("software", "concerned"), patient=False, **wanted)
    if not session.as_json:
        _tell(session.screen, concerned)
    told = "No client of it gets a token, or uses the one it has, until it is lifted."
    session.confirm(f"Deny the software {_called(wanted)}? {told}")
    found = session.server.post(path("software", "denials"), wanted | {"reason": reason})
    shown = found | {"concerned": concerned}
    arrival.ended(session, shown, f"the software {_called(wanted)} is denied to everybody", no_wait=no_wait)


def _tell(screen: Screen, concerned: dict[str, Any]) -> None:
    clients = concerned["clients"]
    more = f" and {len(clients) - _MOST_NAMED} more" if len(clients) > _MOST_NAMED else ""
    screen.details(
        [
            ("clients", (", ".join(clients[:_MOST_NAMED]) or "none yet; those that come are denied, too") + more),
            ("servers", ", ".join(concerned["servers"]) or "none"),
            ("guards", concerned["guards"]),
        ]
    )


def _about(server: str | None, tool: str | None, software: str | None, version: str) -> str | None:
    """Return the server that a command is about, None when that is a software. Raises Trouble."""
    if software is None:
        if version:
            raise usage("--software-version goes with --software")
        if server is None:
            raise usage("say what: a server, or --software ID")
        return server
    if server is not None or tool is not None:
        raise usage("--software stands alone: it is denied on every server")
    return None


def _software(software: str | None, version: str) -> dict[str, str]:
    return {"software_id": software or "", "software_version": version}


def _called(wanted: dict[str, Any]) -> str:
    return f"{wanted['software_id']} {wanted['software_version']}".strip()


def _said(item: dict[str, Any]) -> tuple[str, str, str]:
    return moment(item["at"]), item["by"], item["reason"]


def _body(tool: str | None, kind: str) -> dict[str, Any]:
    return {} if tool is None else {"name": tool, "kind": kind}


def _target(name: str | None, kind: str) -> str:
    return "everything" if name is None else f"{kind} {name}"


def _named(server: str, tool: str | None, kind: str) -> str:
    return f"the server {server}" if tool is None else f"the {kind} {tool} of {server}"
