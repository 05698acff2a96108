"""`accredit agent`: AI agents of one's own, and their credentials."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from accredit.cli.client import path
from accredit.cli.given import ending, lasting, role_ends
from accredit.cli.screen import Screen, mark, moment
from accredit.cli.secret_file import SecretFile, keeping
from accredit.cli.session import Session, command
from accredit.cli.trouble import usage

app = typer.Typer(help="Agents, with their owners and credentials.", no_args_is_help=True)
"""The commands of `accredit agent`."""
credential = typer.Typer(help="The secrets of an agent.", no_args_is_help=True)
"""The commands of `accredit agent credential`."""

app.add_typer(credential, name="credential")

Name = Annotated[str, typer.Argument(metavar="AGENT", help="Name of the agent.", show_default=False)]
"""The argument that names which one a command is about."""

Identity = Annotated[str, typer.Argument(metavar="CREDENTIAL", help="Its id: accredit agent show.", show_default=False)]
"""The argument that names a credential."""

RoleEnds = Annotated[
    list[str] | None,
    typer.Option("--role", metavar="ROLE[=WHEN]", help="A role that it holds, for good or until WHEN. Repeatable."),
]
"""The option that gives roles."""


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
    screen.done(f"agent {found['slug']} is registered for {found['owner']}{_roles(found)}{_until(found)}")
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
    _changed(session, session.server.patch(path("agents", name), body), f"agent {name} is changed")


@command(app, "remove")
def remove(session: Session, name: Name) -> None:
    """Delete an agent: its tokens are dead everywhere, and it never comes back."""
    session.confirm(f"Remove the agent {name}? Every token of it dies, and neither it nor its credentials come back.")
    session.server.delete(path("agents", name))
    _changed(session, {"agent": name, "removed": True}, f"agent {name} is removed")


@command(app, "suspend")
def suspend(session: Session, name: Name) -> None:
    """Refuse every token of an agent, everywhere, until it is resumed."""
    session.confirm(f"Suspend the agent {name}? Every token of it is refused everywhere until it is resumed.")
    _changed(session, session.server.post(path("agents", name, "suspend")), f"agent {name} is suspended")


@command(app, "resume")
def resume(session: Session, name: Name) -> None:
    """Let an agent work again."""
    _changed(session, session.server.post(path("agents", name, "resume")), f"agent {name} is active")


@command(credential, "add")
def add_credential(
    session: Session,
    name: Name,
    public_key: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Its own public key, a JSON Web Key; left out: a secret is made."),
    ] = None,
    secret_file: SecretFile = None,
) -> None:
    """Give an agent one more credential, so that the old one can be revoked when nobody uses it any more."""
    if public_key is not None:
        found = session.server.make(path("agents", name, "credentials"), {"jwk": _jwk(public_key)})
        _changed(session, found, f"agent {name} can authenticate with the key {found['credential']['id']}")
        return
    with keeping(secret_file) as kept:
        found = session.server.make(path("agents", name, "credentials"), once="secret")
        kept.keep(found["secret"])
    if session.as_json:
        session.screen.data(kept.shown(found, "secret"))
        return
    screen = session.screen
    screen.done(f"agent {name} has the new credential {found['credential']['id']}")
    screen.details([("client_id", found["client_id"])])
    kept.tell(screen, "secret", found["secret"])


@command(credential, "retire")
def retire_credential(
    session: Session,
    name: Name,
    identity: Identity,
    *,
    within: Annotated[
        str,
        typer.Option("--in", metavar="WHEN", help="How long it goes on working: 1h, 7d, or 2026-12-31T23:59:59Z."),
    ],
) -> None:
    """Let a credential work for a while and no longer: its successor takes over without a gap."""
    where = path("agents", name, "credentials", identity, "retire")
    found = session.server.post(where, ending(within, "retires"))
    _changed(session, found, f"{identity} of {name} works until {moment(found['retires_at'])} and no longer")


@command(credential, "revoke")
def revoke_credential(
    session: Session,
    name: Name,
    identity: Identity,
) -> None:
    """End a credential now and for ever, and every token that it obtained."""
    session.confirm(f"Revoke {identity} of {name}? It never works again, nor does any token that it obtained.")
    session.server.delete(path("agents", name, "credentials", identity))
    found = {"agent": name, "credential": identity, "state": "revoked"}
    _changed(session, found, f"{identity} of {name} is revoked")


def _jwk(file: Path) -> object:
    try:
        return json.loads(file.read_bytes())
    except OSError as error:
        raise usage(f"{file}: {error.strerror}") from error
    except ValueError as error:
        raise usage(f"{file} holds no JSON Web Key (RFC 7517)") from error


def _changed(session: Session, found: dict[str, Any], sentence: str) -> None:
    if session.as_json:
        session.screen.data(found)
    else:
        session.screen.done(sentence)


def _roles(found: dict[str, Any]) -> str:
    held = ", ".join(item["slug"] for item in found["roles"])
    return f", with {held}" if held else ""


def _until(found: dict[str, Any]) -> str:
    return f", until {moment(found['expires_at'])}" if found["expires_at"] else ""


def _end(item: dict[str, Any]) -> str | None:
    """Return when a credential stops working: times of the API sort as texts."""
    return min(filter(None, (item["expires_at"], item["retires_at"])), default=None)


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
    screen.say("")
    screen.table(
        ("credential", "kind", "state", "since", "expires"),
        [
            (item["id"], item["kind"], mark(item["state"]), moment(item["created_at"]), moment(_end(item)))
            for item in found["credentials"]
        ],
        "it has no credential that works; make one with: accredit agent credential add",
    )
    screen.say("")
    screen.table(
        ("role", "on", "carries", "until"),
        [
            (item["slug"], server, " ".join(words), moment(item["ends_at"]))
            for item in found["roles"]
            for server, words in (item["scopes"] or {"": []}).items()
        ],
        "it holds no role, so it gets no scope; give it one with: accredit role assign",
    )
