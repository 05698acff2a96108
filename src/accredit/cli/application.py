"""`accredit app`: applications that are registered up-front, and their credentials."""

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

app = typer.Typer(help="Applications, with their redirect URIs and credentials.", no_args_is_help=True)
"""The commands of `accredit app`."""
_credentials = credential.commands("app", "applications")
app.add_typer(_credentials, name="credential", short_help=_credentials.info.help)

Name = Annotated[str, typer.Argument(metavar="APP", help="Name of the application.", show_default=False)]
"""The argument that names which one a command is about."""
Redirects = Annotated[
    list[str] | None,
    typer.Option("--redirect", metavar="URI", help="Where people come back to it. Repeatable."),
]
"""The option that names redirect URIs."""

SoftwareId = Annotated[
    str | None, typer.Option("--software", metavar="ID", help="The software that it is an installation of.")
]
"""The option that names a software (RFC 7591, 2)."""
SoftwareVersion = Annotated[str | None, typer.Option("--software-version", metavar="TEXT", help="Its version.")]
"""The option that names the version of a software."""


@command(app, "add")
def add(  # noqa: PLR0913  (each is an option of its own)
    session: Session,
    name: Name,
    *,
    owner: Annotated[str, typer.Option(metavar="WHO", help="Whose application it is.", show_default=False)],
    purpose: Annotated[str, typer.Option(metavar="TEXT", help="What it is for.")] = "",
    title: Annotated[str, typer.Option(metavar="TEXT", help="Its name for people.")] = "",
    public: Annotated[
        bool, typer.Option("--public", help="It can keep no secret: it authenticates with none.")
    ] = False,
    redirect: Redirects = None,
    software: SoftwareId = None,
    software_version: SoftwareVersion = None,
    role: RoleEnds = None,
    expires: Annotated[
        str | None, typer.Option(metavar="WHEN", help="When it ends: 90d, 12h, or 2026-12-31T23:59:59Z.")
    ] = None,
    secret_file: SecretFile = None,
) -> None:
    """Register an application with its roles; one that can keep a secret gets its first."""
    body = {"slug": name, "owner": owner, "purpose": purpose, "name": title, "redirect_uris": redirect or []}
    more = {"type": "public" if public else "confidential", "roles": role_ends(role or [])}
    if public and secret_file is not None:
        raise usage("a public application has no secret: leave --secret-file out")
    with keeping(secret_file) as kept:
        body |= more | ending(expires, "expires") | _software(software, software_version)
        found = session.server.make(path("applications"), body, once="" if public else "secret")
        if found["secret"] is not None:
            kept.keep(found["secret"])
    if session.as_json:
        session.screen.data(kept.shown(found, "secret"))
        return
    screen = session.screen
    screen.done(f"application {found['slug']} is registered for {found['owner']}{with_roles(found)}{until(found)}")
    screen.details([("client_id", found["client_id"]), ("type", found["type"])])
    if found["secret"] is not None:
        kept.tell(screen, "secret", found["secret"])


@command(app, "list")
def list_applications(session: Session) -> None:
    """List the applications."""
    found = list(session.server.items(path("applications")))
    if session.as_json:
        session.screen.data({"items": found})
        return
    session.screen.table(
        ("application", "owner", "type", "purpose", "state", "expires"),
        [
            (one["slug"], one["owner"], one["type"], one["purpose"], mark(one["state"]), moment(one["expires_at"]))
            for one in found
        ],
        "there is no application; begin with: accredit app add NAME --owner WHO",
    )


@command(app, "show")
def show(session: Session, name: Name) -> None:
    """Show an application with its redirect URIs, credentials and roles."""
    found = session.server.get(path("applications", name))
    if session.as_json:
        session.screen.data(found)
        return
    _details(session.screen, found)


@command(app, "edit")
def edit(  # noqa: PLR0913  (each is an option of its own)
    session: Session,
    name: Name,
    *,
    owner: Annotated[str | None, typer.Option(metavar="WHO", help="Whose application it is.")] = None,
    purpose: Annotated[str | None, typer.Option(metavar="TEXT", help="What it is for.")] = None,
    title: Annotated[str | None, typer.Option(metavar="TEXT", help="Its name for people.")] = None,
    redirect: Redirects = None,
    no_redirect: Annotated[bool, typer.Option("--no-redirect", help="Take all its redirect URIs.")] = False,
    software: SoftwareId = None,
    software_version: SoftwareVersion = None,
    role: RoleEnds = None,
    no_role: Annotated[bool, typer.Option("--no-role", help="Take all its roles.")] = False,
    expires: Annotated[
        str | None, typer.Option(metavar="WHEN", help="When it ends: 90d, 2026-12-31T23:59:59Z, or never.")
    ] = None,
) -> None:
    """Change what is said of an application; what is left out stays.

    --redirect and --role name all that it has from now on.
    """
    said = {"owner": owner, "purpose": purpose, "name": title}
    body: dict[str, Any] = {key: value for key, value in said.items() if value is not None}
    body |= lasting(expires, "expires") | _software(software, software_version)
    if redirect or no_redirect:
        body["redirect_uris"] = redirect or []
    if role or no_role:
        body["roles"] = role_ends(role or [])
    if not body:
        raise usage("say what changes, like --owner or --redirect")
    session.changed(session.server.patch(path("applications", name), body), f"application {name} is changed")


@command(app, "remove")
def remove(session: Session, name: Name, no_wait: arrival.NoWait = False) -> None:
    """Delete an application for good: its tokens are dead everywhere; tell when the last guard had it."""
    session.confirm(f"Remove the application {name}? Every token of it dies, and it never comes back.")
    session.server.delete(path("applications", name))
    arrival.ended(session, {"app": name, "removed": True}, f"application {name} is removed", no_wait=no_wait)


@command(app, "suspend")
def suspend(session: Session, name: Name, no_wait: arrival.NoWait = False) -> None:
    """Refuse every token of an application, everywhere, until it is resumed; tell when the last guard had it."""
    session.confirm(f"Suspend the application {name}? Every token of it is refused everywhere until it is resumed.")
    found = session.server.post(path("applications", name, "suspend"))
    arrival.ended(session, found, f"application {name} is suspended", no_wait=no_wait)


@command(app, "revoke")
def revoke(session: Session, name: Name, no_wait: arrival.NoWait = False) -> None:
    """End every token that an application has now, everywhere; it gets new ones; tell when the last guard had it."""
    session.confirm(f"End every token of the application {name} that is out?")
    session.server.post(path("applications", name, "revoke"))
    arrival.ended(
        session, {"app": name, "revoked": True}, f"the tokens of application {name} are revoked", no_wait=no_wait
    )


@command(app, "resume")
def resume(session: Session, name: Name) -> None:
    """Let an application work again."""
    found = session.server.post(path("applications", name, "resume"))
    session.changed(found, f"application {name} is active")


def _details(screen: Screen, found: dict[str, Any]) -> None:
    screen.details(
        [
            ("application", found["slug"]),
            ("name", found["name"]),
            ("client_id", found["client_id"]),
            ("type", found["type"]),
            ("owner", found["owner"]),
            ("purpose", found["purpose"]),
            ("software", f"{found['software_id']} {found['software_version']}".strip()),
            *(("redirect", uri) for uri in found["redirect_uris"]),
            ("state", mark(found["state"])),
            ("since", moment(found["created_at"])),
            ("expires", moment(found["expires_at"])),
        ]
    )
    if found["type"] == "confidential":
        credential_table(screen, found, "it has no credential that works; make one with: accredit app credential add")
    role_table(screen, found)


def _software(identity: str | None, version: str | None) -> dict[str, str]:
    said = {"software_id": identity, "software_version": version}
    return {name: value for name, value in said.items() if value is not None}
