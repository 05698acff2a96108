"""`accredit key`: the keys that sign tokens and signals, and the master key that protects them."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import typer

from accredit.cli import arrival
from accredit.cli.client import path
from accredit.cli.node import refusing
from accredit.cli.screen import mark, moment
from accredit.cli.session import Session, command
from accredit.identity.signing_key import KeyUse

app = typer.Typer(help="Signing keys.", no_args_is_help=True)
"""The commands of `accredit key`."""

_SIGNS: Final[Mapping[str, str]] = {
    "access": "tokens",
    "signal": "signals to guards",
    "checkpoint": "checkpoints of the audit log",
}


@command(app, "list")
def list_keys(session: Session) -> None:
    """List the published keys."""
    found = {"items": list(session.server.items(path("keys")))}
    if session.as_json:
        session.screen.data(found)
        return
    session.screen.table(
        ("key", "signs", "algorithm", "state", "made", "signs since", "gone"),
        [
            (
                item["kid"],
                _SIGNS.get(item["use"], item["use"]),
                item["algorithm"],
                mark(item["state"]),
                moment(item["created_at"]),
                moment(item["active_at"]),
                moment(item["gone_at"]),
            )
            for item in found["items"]
        ],
        "there is no key",
    )


@command(app, "rotate")
def rotate(
    session: Session, use: Annotated[KeyUse, typer.Argument(help="What the key signs.", show_default=False)]
) -> None:
    """Sign with the upcoming key from now on; the present one stays published until its last token is dead."""
    session.confirm(f"Rotate the {use.value} key? Everything new is signed with the upcoming one.")
    found = session.server.make(path("keys", use.value, "rotate"))
    if session.as_json:
        session.screen.data(found)
    else:
        session.screen.done(f"{use.value}: {found['kid']} signs from now on")


@command(app, "withdraw")
def withdraw(
    session: Session,
    kid: Annotated[
        str,
        typer.Argument(metavar="KEY", help="Its id, after -- if it begins with -.", show_default=False),
    ],
    no_wait: arrival.NoWait = False,
) -> None:
    """Trust nothing any more that a key signed: for one that may be in the wrong hands.

    It is told when the last guard had it.
    """
    session.confirm(f"Withdraw the key {kid}? Everything that it signed dies at once, also what is honest.")
    found = session.server.post(path("keys", kid, "withdraw"))
    sentence = f"{found['kid']} is withdrawn; what it signed is refused as soon as guards hear of it"
    arrival.ended(session, found, sentence, no_wait=no_wait)


@command(app, "rotate-master")
def rotate_master(
    session: Session,
    target: Annotated[
        Path | None,
        typer.Option("--to", metavar="FILE", help="New file for the new key, when the old one is configured."),
    ] = None,
) -> None:
    """Seal everything in the database under a new master key. Every node must be stopped."""
    settings = session.settings()
    session.confirm("Change the master key? Every node must be stopped, and what is sealed is sealed anew.")
    from accredit import offline  # noqa: PLC0415  (the server is loaded only by those who need its database)

    with refusing(), session.screen.working("Sealing anew"):
        sentence = asyncio.run(offline.reseal(settings, "local administrator", target))
    if session.as_json:
        session.screen.data({"rotated": sentence})
    else:
        session.screen.done(sentence)
