"""`accredit agent`: AI agents of one's own, and their credentials."""

from typing import Annotated, Any

import typer

from accredit.cli import arrival, credential
from accredit.cli.belongings import RoleEnds, credential_table, role_table, until, with_roles
from accredit.cli.client import path
from accredit.cli.given import ending, lasting, role_ends
from accredit.cli.screen import Screen, mark, moment
from accredit.cli.secret_file import SecretFile, keeping
from accredit.cli.session import Session, command
from accredit.cli.trouble import usage

app = typer.Typer(help="Agents, with their owners and credentials.", no_args_is_help=True)
"""The commands of `accredit agent`."""
_credentials = credential.commands("agent", "agents")
app.add_typer(_credentials, name="credential", short_help=_credentials.info.help)

Name = Annotated[str, typer.Argument(metavar="AGENT", help="Name of the agent.", show_default=False)]
"""The argument that names which one a command is about."""


@command(app, "add")
def add(  # noqa: PLR0913  (each is an option of its own)
    session: Session,
    name: Name,
    *,
    owner: Annotated[str, typer.Option(metavar="WHO", help="Whose agent it is.", show_default=False)],
    purpose: Annotated[str, typer.Option(metavar="TEXT", help="What it is for.")] = "",
    sponsor: Annotated[str, typer.Option(metavar="WHO", help="Who answers for it.")] = "",
    title: Annotated[str, typer.Option(metavar="TEXT", help="Its name for people.")] = "",
    role: RoleEnds = None,
    expires: Annotated[
        str | None, typer.Option(metavar="WHEN", help="When it ends: 90d, 12h, or 2026-12-31T23:59:59Z.")
    ] = None,
    secret_file: SecretFile = None,
) -> None:
    """Register an agent with its roles, and make its first secret."""
    people = {"owner": owner, "purpose": purpose, "sponsor": sponsor}
    body = {"slug": name, "name": title, "roles": role_ends(role or []), **people}
    with keeping(secret_file) as kept:
        found = session.server.make(path("agents"), body | ending(expires, "expires"), once="secret")
        kept.keep(found["secret"])
    if session.as_json:
        session.screen.data(kept.shown(found, "secret"))
        return
    screen = session.screen
    screen.done(f"agent {found['slug']} is registered for {found['owner']}{with_roles(found)}{until(found)}")
    screen.details([("client_id", found["client_id"])])
    kept.tell(screen, "secret", found["secret"])


@command(app, "list")
def list_agents(session: Session) -> None:
    """List the agents."""
    found = list(session.server.items(path("agents")))
    if session.as_json:
        session.screen.data({"items": found})
        return
    session.screen.table(
        ("agent", "owner", "purpose", "state", "expires"),
        [
            (item["slug"], item["owner"], item["purpose"], mark(item["state"]), moment(item["expires_at"]))
            for item in found
        ],
        "there is no agent; begin with: accredit agent add NAME --owner WHO",
    )


@command(app, "show")
def show(session: Session, name: Name) -> None:
    """Show an agent with its credentials and roles."""
    found = session.server.get(path("agents", name))
    if session.as_json:
        session.screen.data(found)
        return
    _details(session.screen, found)


@command(app, "edit")
def edit(  # noqa: PLR0913  (each is an option of its own)
    session: Session,
    name: Name,
    *,
    owner: Annotated[str | None, typer.Option(metavar="WHO", help="Whose agent it is.")] = None,
    purpose: Annotated[str | None, typer.Option(metavar="TEXT", help="What it is for.")] = None,
    sponsor: Annotated[str | None, typer.Option(metavar="WHO", help="Who answers for it.")] = None,
    title: Annotated[str | None, typer.Option(metavar="TEXT", help="Its name for people.")] = None,
    role: RoleEnds = None,
    no_role: Annotated[bool, typer.Option("--no-role", help="Take all its roles.")] = False,
    expires: Annotated[
        str | None, typer.Option(metavar="WHEN", help="When it ends: 90d, 2026-12-31T23:59:59Z, or never.")
    ] = None,
) -> None:
    """Change what is said of an agent; what is left out stays. --role names all roles that it holds from now on."""
    said = {"owner": owner, "purpose": purpose, "sponsor": sponsor, "name": title}
    body = {key: value for key, value in said.items() if value is not None} | lasting(expires, "expires")
    if role or no_role:
        body["roles"] = role_ends(role or [])
    if not body:
        raise usage("say what changes, like --owner or --expires")
    session.changed(session.server.patch(path("agents", name), body), f"agent {name} is changed")


@command(app, "remove")
def remove(session: Session, name: Name, no_wait: arrival.NoWait = False) -> None:
    """Delete an agent for good: its tokens are dead everywhere; tell when the last guard had it."""
    session.confirm(f"Remove the agent {name}? Every token of it dies, and neither it nor its credentials come back.")
    session.server.delete(path("agents", name))
    arrival.ended(session, {"agent": name, "removed": True}, f"agent {name} is removed", no_wait=no_wait)


@command(app, "suspend")
def suspend(session: Session, name: Name, no_wait: arrival.NoWait = False) -> None:
    """Refuse every token of an agent, everywhere, until it is resumed; tell when the last guard had it."""
    session.confirm(f"Suspend the agent {name}? Every token of it is refused everywhere until it is resumed.")
    found = session.server.post(path("agents", name, "suspend"))
    arrival.ended(session, found, f"agent {name} is suspended", no_wait=no_wait)


@command(app, "revoke")
def revoke(session: Session, name: Name, no_wait: arrival.NoWait = False) -> None:
    """End every token that an agent has now, everywhere; it gets new ones; tell when the last guard had it."""
    session.confirm(f"End every token of the agent {name} that is out?")
    session.server.post(path("agents", name, "revoke"))
    arrival.ended(session, {"agent": name, "revoked": True}, f"the tokens of agent {name} are revoked", no_wait=no_wait)


@command(app, "resume")
def resume(session: Session, name: Name) -> None:
    """Let an agent work again."""
    session.changed(session.server.post(path("agents", name, "resume")), f"agent {name} is active")


def _details(screen: Screen, found: dict[str, Any]) -> None:
    screen.details(
        [
            ("agent", found["slug"]),
            ("name", found["name"]),
            ("client_id", found["client_id"]),
            ("owner", found["owner"]),
            ("sponsor", found["sponsor"]),
            ("purpose", found["purpose"]),
            ("state", mark(found["state"])),
            ("since", moment(found["created_at"])),
            ("expires", moment(found["expires_at"])),
        ]
    )
    credential_table(screen, found, "it has no credential that works; make one with: accredit agent credential add")
    role_table(screen, found)
