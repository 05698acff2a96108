"""`accredit agent credential` and `accredit app credential`: secrets and keys of a client."""

import json
from pathlib import Path
from typing import Annotated

import typer

from accredit.cli.client import path
from accredit.cli.given import ending
from accredit.cli.screen import moment
from accredit.cli.secret_file import SecretFile, keeping
from accredit.cli.session import Session, command
from accredit.cli.trouble import usage

Identity = Annotated[str, typer.Argument(metavar="CREDENTIAL", help="Its id, as `show` tells it.", show_default=False)]
"""The argument that names a credential."""
PublicKey = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Its own public key, a JSON Web Key; left out: a secret is made."),
]
"""The option that names a key file."""
Within = Annotated[
    str, typer.Option("--in", metavar="WHEN", help="How long it goes on working: 1h, 7d, or 2026-12-31T23:59:59Z.")
]
"""The option that names a deadline."""


def commands(noun: str, section: str) -> typer.Typer:
    """Return the commands for the credentials of one noun; `section` is its name in the management API."""
    app = typer.Typer(help=f"The secrets and keys of an {noun}.", no_args_is_help=True)
    Name = Annotated[str, typer.Argument(metavar=noun.upper(), help="Its name.", show_default=False)]  # noqa: N806  (a type)

    def add(session: Session, name: Name, public_key: PublicKey = None, secret_file: SecretFile = None) -> None:
        """Give it one more credential, so that the old one can be revoked when nobody uses it any more."""
        _add(session, noun, path(section, name, "credentials"), public_key, secret_file)

    def retire(session: Session, name: Name, identity: Identity, *, within: Within) -> None:
        """Let a credential work for a while and no longer: its successor takes over without a gap."""
        where = path(section, name, "credentials", identity, "retire")
        found = session.server.post(where, ending(within, "retires"))
        told = f"{identity} of {name} works until {moment(found['retires_at'])} and no longer"
        session.changed(found, told)

    def revoke(session: Session, name: Name, identity: Identity) -> None:
        """End a credential now and for ever, and every token that it obtained."""
        session.confirm(f"Revoke {identity} of {name}? It never works again, nor does any token that it obtained.")
        session.server.delete(path(section, name, "credentials", identity))
        found = {noun: name, "credential": identity, "state": "revoked"}
        session.changed(found, f"{identity} of {name} is revoked")

    for word, function in (("add", add), ("retire", retire), ("revoke", revoke)):
        command(app, word)(function)
    return app


def _add(session: Session, noun: str, where: str, public_key: Path | None, secret_file: Path | None) -> None:
    if public_key is not None:
        found = session.server.make(where, {"jwk": _jwk(public_key)})
        told = f"{noun} {found['client']} can authenticate with the key {found['credential']['id']}"
        session.changed(found, told)
        return
    with keeping(secret_file) as kept:
        found = session.server.make(where, once="secret")
        kept.keep(found["secret"])
    if session.as_json:
        session.screen.data(kept.shown(found, "secret"))
        return
    screen = session.screen
    screen.done(f"{noun} {found['client']} has the new credential {found['credential']['id']}")
    screen.details([("client_id", found["client_id"])])
    kept.tell(screen, "secret", found["secret"])


def _jwk(file: Path) -> object:
    try:
        return json.loads(file.read_bytes())
    except OSError as error:
        raise usage(f"{file}: {error.strerror}") from error
    except ValueError as error:
        raise usage(f"{file} holds no JSON Web Key (RFC 7517)") from error
