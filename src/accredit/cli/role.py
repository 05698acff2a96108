"""`accredit role`: bundles of scopes, and who holds them."""

from typing import Annotated, Any

import typer

from accredit.cli.client import path
from accredit.cli.given import ending, pairs
from accredit.cli.screen import moment
from accredit.cli.session import Session, command
from accredit.cli.trouble import usage

app = typer.Typer(help="Roles: bundles of scopes, and who holds them.", no_args_is_help=True)
"""The commands of `accredit role`."""

Name = Annotated[str, typer.Argument(metavar="ROLE", help="Name of the role.", show_default=False)]
"""The argument that names which one a command is about."""
Holder = Annotated[
    str,
    typer.Argument(
        metavar="HOLDER", help="Name of an agent; app:NAME for an application, group:NAME for a group.",
        show_default=False,
    ),
]  # fmt: skip
"""The argument that names who holds a role."""
Scopes = Annotated[
    list[str] | None,
    typer.Option("--scope", metavar="SERVER=SCOPE", help="A scope on a server. Repeatable, also for one server."),
]
"""The option that gives a role its scopes."""


@command(app, "add")
def add(
    session: Session,
    name: Name,
    scope: Scopes = None,
    title: Annotated[str, typer.Option(metavar="TEXT", help="Its name for people.")] = "",
) -> None:
    """Create a role."""
    body = {"slug": name, "name": title, "scopes": pairs(scope or [], "--scope", "SERVER=SCOPE")}
    found = session.server.make(path("roles"), body)
    session.changed(found, f"role {found['slug']} carries {_carried(found)}")


@command(app, "list")
def list_roles(session: Session) -> None:
    """List the roles."""
    found = list(session.server.items(path("roles")))
    if session.as_json:
        session.screen.data({"items": found})
        return
    session.screen.table(
        ("role", "name", "carries"),
        [(item["slug"], item["name"], _carried(item)) for item in found],
        "there is no role; begin with: accredit role add NAME --scope SERVER=SCOPE",
    )


@command(app, "show")
def show(session: Session, name: Name) -> None:
    """Show a role with everything that it carries."""
    found = session.server.get(path("roles", name))
    if session.as_json:
        session.screen.data(found)
        return
    screen = session.screen
    created = moment(found["created_at"])
    screen.details([("role", found["slug"]), ("name", found["name"]), ("id", found["id"]), ("since", created)])
    screen.say("")
    rows = [(server, " ".join(words)) for server, words in found["scopes"].items()]
    screen.table(("server", "scopes"), rows, "it carries nothing; fill it with: accredit role scopes")


@command(app, "scopes")
def scopes(session: Session, name: Name, scope: Scopes = None) -> None:
    """Set what a role carries on the servers that are named; SERVER= takes everything on that server out of it."""
    wanted = pairs(scope or [], "--scope", "SERVER=SCOPE")
    if not wanted:
        raise usage("say what the role carries: --scope SERVER=SCOPE")
    found: dict[str, Any] = {}
    for server, words in wanted.items():
        found = session.server.put(path("roles", name, "scopes", server), {"scopes": words})
    session.changed(found, f"role {name} carries {_carried(found)}")


@command(app, "assign")
def assign(
    session: Session,
    name: Name,
    holder: Holder,
    until: Annotated[
        str | None, typer.Option(metavar="WHEN", help="When it ends: 30d, 12h, or 2026-12-31T23:59:59Z.")
    ] = None,
) -> None:
    """Give a role to an agent, an application or a group, or move the end of that."""
    found = session.server.put(path("roles", name, "assignments", holder), ending(until, "ends"))
    end = f" until {moment(found['ends_at'])}" if found["ends_at"] else ""
    session.changed(found, f"{holder} holds the role {name}{end}")


@command(app, "unassign")
def unassign(session: Session, name: Name, holder: Holder) -> None:
    """Take a role from an agent, an application or a group; tokens that are out lose it, too."""
    session.confirm(f"Take the role {name} from {holder}?")
    session.server.delete(path("roles", name, "assignments", holder))
    session.changed({"role": name, "holder": holder, "assigned": False}, f"{holder} holds the role {name} no more")


def _carried(found: dict[str, Any]) -> str:
    carried = (f"{word} on {server}" for server, words in found["scopes"].items() for word in words)
    return ", ".join(carried) or "nothing"
