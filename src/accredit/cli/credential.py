"""`accredit agent credential`, and the same for every kind of client: secrets and keys, given, rotated and ended."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from accredit.cli import arrival
from accredit.cli.client import path
from accredit.cli.given import ending
from accredit.cli.screen import mark, moment
from accredit.cli.secret_file import SecretFile, keeping
from accredit.cli.session import Session, command
from accredit.cli.trouble import usage

Name = Annotated[str, typer.Argument(metavar="CLIENT", help="Name of the client.", show_default=False)]
"""The argument that names whose credentials a command is about."""

Identity = Annotated[
    str, typer.Argument(metavar="CREDENTIAL", help="Its id, as `credential list` shows it.", show_default=False)
]
"""The argument that names a credential."""

PublicKey = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Its own public key, a JSON Web Key; left out: a secret is made."),
]
"""The option for a credential that the client made itself."""


@dataclass(frozen=True, slots=True)
class Noun:
    """A kind of client: as people say it, and as it stands in the addresses of the API."""

    word: str
    plural: str

    def where(self, name: str, *more: str) -> str:
        """Return the address of the credentials of the client called `name`, or of what is below."""
        return path(self.plural, name, "credentials", *more)


def commands(word: str, plural: str) -> typer.Typer:
    """Return the commands for the credentials of one noun; `plural` is its name in the management API."""
    noun = Noun(word, plural)
    app = typer.Typer(help=f"The secrets and keys of an {noun.word}.", no_args_is_help=True)
    for register in (_list, _add, _rotate, _retire, _revoke):
        register(app, noun)
    return app


def _list(app: typer.Typer, noun: Noun) -> None:
    @command(app, "list")
    def list_credentials(
        session: Session,
        name: Name,
        *,
        everything: Annotated[bool, typer.Option("--all", help="Those that work no more, too.")] = False,
    ) -> None:
        """List the credentials of a client: who made them, who comes with them, and which can be retired."""
        found = session.server.get(noun.where(name))
        items = [item for item in found["items"] if everything or item["state"] not in ("revoked", "ended")]
        if session.as_json:
            session.screen.data(found | {"items": items})
            return
        session.screen.table(
            ("credential", "kind", "state", "made", "by", "last used", "from", "at node", "ends"),
            [_row(item) for item in items],
            f"it has no credential that works; make one with: accredit {noun.word} credential add {name}",
        )
        for item in items:
            session.screen.say(f"{item['id']}: {item['advice']}")


def _add(app: typer.Typer, noun: Noun) -> None:
    @command(app, "add")
    def add(session: Session, name: Name, public_key: PublicKey = None, secret_file: SecretFile = None) -> None:
        """Give a client one more credential, so that the old one can be revoked when nobody uses it any more."""
        found = _make(session, noun, noun.where(name), {}, public_key, secret_file)
        arrival.followed(session, found, no_wait=True)


def _rotate(app: typer.Typer, noun: Noun) -> None:
    @command(app, "rotate")
    def rotate(
        session: Session,
        name: Name,
        old: Annotated[
            str | None,
            typer.Argument(metavar="CREDENTIAL", help="What is replaced: the only active one.", show_default=False),
        ] = None,
        *,
        retire_in: Annotated[
            str | None, typer.Option(metavar="WHEN", help="How long the old one goes on working (7d).")
        ] = None,
        now: Annotated[bool, typer.Option("--now", help="Cut the old one at once, and all its tokens.")] = False,
        public_key: PublicKey = None,
        secret_file: SecretFile = None,
        no_wait: arrival.NoWait = False,
    ) -> None:
        """Make a new credential, and give the old one its deadline, in one step.

        When it is cut at once, it is told when the last guard had it.
        """
        if now and retire_in is not None:
            raise usage("--now and --retire-in exclude each other: the old one is cut, or works on for a while")
        if now:
            session.confirm(f"Cut the old credential of {name}? It and every token that it obtained die at once.")
        body: dict[str, Any] = {"now": True} if now else ending(retire_in, "retires")
        body |= {"old": old} if old is not None else {}
        found = _make(session, noun, noun.where(name, "rotate"), body, public_key, secret_file)
        arrival.followed(session, found, no_wait=no_wait or not now)


def _retire(app: typer.Typer, noun: Noun) -> None:
    @command(app, "retire")
    def retire(
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
        found = session.server.post(noun.where(name, identity, "retire"), ending(within, "retires"))
        session.changed(found, f"{identity} of {name} works until {moment(found['retires_at'])} and no longer")


def _revoke(app: typer.Typer, noun: Noun) -> None:
    @command(app, "revoke")
    def revoke(session: Session, name: Name, identity: Identity, no_wait: arrival.NoWait = False) -> None:
        """End a credential now and for ever, and every token that it obtained."""
        session.confirm(f"Revoke {identity} of {name}? It never works again, nor does any token that it obtained.")
        session.server.delete(noun.where(name, identity))
        found = {noun.word: name, "credential": identity, "state": "revoked"}
        arrival.ended(session, found, f"{identity} of {name} is revoked", no_wait=no_wait)


def _make(
    session: Session, noun: Noun, where: str, body: dict[str, Any], key: Path | None, secret_file: Path | None
) -> dict[str, Any]:
    """Let the server make a credential, and show its secret to a person this once; return what a program is told."""
    if key is not None:
        found: dict[str, Any] = session.server.make(where, body | {"jwk": _jwk(key)})
        text = f"{noun.word} {found['client']} can authenticate with the key {found['credential']['id']}"
        if not session.as_json:
            session.screen.done(text + _replaced(found))
        return found
    with keeping(secret_file) as kept:
        found = session.server.make(where, body, once="secret")
        kept.keep(found["secret"])
    shown: dict[str, Any] = kept.shown(found, "secret")
    if session.as_json:
        return shown
    screen = session.screen
    screen.done(f"{noun.word} {found['client']} has the new credential {found['credential']['id']}{_replaced(found)}")
    screen.details([("client_id", found["client_id"])])
    kept.tell(screen, "secret", found["secret"])
    return shown


def _replaced(found: dict[str, Any]) -> str:
    if "old" not in found:
        return ""
    old = found["old"]
    if old["state"] == "revoked":
        return f"; {old['id']} is cut, and every token that it obtained"
    return f"; {old['id']} works until {moment(old['retires_at'])} and no longer"


def _row(item: dict[str, Any]) -> tuple[object, ...]:
    used = item["used"] or {"last_at": None, "address": "", "node": ""}
    ends = min(filter(None, (item["expires_at"], item["retires_at"])), default=None)
    return (
        item["id"],
        item["kind"],
        mark(item["state"]),
        moment(item["created_at"]),
        item["created_by"],
        moment(used["last_at"]) or "never",
        used["address"],
        used["node"],
        moment(ends),
    )


def _jwk(file: Path) -> object:
    try:
        return json.loads(file.read_bytes())
    except OSError as error:
        raise usage(f"{file}: {error.strerror}") from error
    except ValueError as error:
        raise usage(f"{file} holds no JSON Web Key (RFC 7517)") from error
