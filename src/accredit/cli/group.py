"""`accredit group`: groups of agents and applications that hold roles together."""

from typing import Annotated

import typer

from accredit.cli.belongings import role_table
from accredit.cli.client import path
from accredit.cli.screen import moment
from accredit.cli.session import Session, command

app = typer.Typer(help="Groups: who is in one has its roles.", no_args_is_help=True)
"""The commands of `accredit group`."""
member = typer.Typer(help="Who is in a group.", no_args_is_help=True)
"""The commands of `accredit group member`."""
app.add_typer(member, name="member", short_help=member.info.help)

Name = Annotated[str, typer.Argument(metavar="GROUP", help="Name of the group.", show_default=False)]
"""The argument that names which one a command is about."""
Member = Annotated[
    str, typer.Argument(metavar="MEMBER", help="Name of an agent, or app:NAME for an application.", show_default=False)
]
"""The argument that names a member."""


@command(app, "add")
def add(
    session: Session,
    name: Name,
    title: Annotated[str, typer.Option(metavar="TEXT", help="Its name for people.")] = "",
) -> None:
    """Create a group. It holds nothing until a role is assigned to it: accredit role assign ROLE group:NAME."""
    found = session.server.make(path("groups"), {"slug": name, "name": title})
    session.changed(found, f"group {found['slug']} is there; it holds no role yet")


@command(app, "list")
def list_groups(session: Session) -> None:
    """List the groups with what they hold."""
    found = list(session.server.items(path("groups")))
    if session.as_json:
        session.screen.data({"items": found})
        return
    session.screen.table(
        ("group", "name", "roles"),
        [(one["slug"], one["name"], ", ".join(role["slug"] for role in one["roles"])) for one in found],
        "there is no group; begin with: accredit group add NAME",
    )


@command(app, "show")
def show(session: Session, name: Name) -> None:
    """Show a group with its roles and members."""
    found = session.server.get(path("groups", name))
    if session.as_json:
        session.screen.data(found)
        return
    screen = session.screen
    created = moment(found["created_at"])
    screen.details([("group", found["slug"]), ("name", found["name"]), ("id", found["id"]), ("since", created)])
    role_table(screen, found)
    screen.say("")
    screen.table(("member",), [(one,) for one in found["members"]], "nobody is in it; accredit group member add")


@command(app, "remove")
def remove(session: Session, name: Name) -> None:
    """Drop a group: whoever was in it does not have its roles any more."""
    session.confirm(f"Remove the group {name}? Its members lose what they have through it.")
    session.server.delete(path("groups", name))
    session.changed({"group": name, "removed": True}, f"group {name} is removed")


@command(member, "add")
def add_member(session: Session, name: Name, who: Member) -> None:
    """Let an agent or an application into a group: it has the roles of the group from now on."""
    found = session.server.put(path("groups", name, "members", who), None)
    session.changed(found, f"{who} is in the group {name}")


@command(member, "remove")
def remove_member(session: Session, name: Name, who: Member) -> None:
    """Take an agent or an application out of a group; its tokens lose what it had through the group alone."""
    session.confirm(f"Take {who} out of the group {name}?")
    session.server.delete(path("groups", name, "members", who))
    session.changed({"group": name, "member": who, "removed": True}, f"{who} is not in the group {name} any more")
