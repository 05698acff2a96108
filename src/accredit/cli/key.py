"""`accredit key`: the keys that sign tokens and signals."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final

import typer

from accredit.cli.client import path
from accredit.cli.screen import mark, moment
from accredit.cli.session import Session, command

app = typer.Typer(help="Signing keys.", no_args_is_help=True)
"""The commands of `accredit key`."""


class Use(StrEnum):
    """What a key signs."""

    ACCESS = "access"
    SIGNAL = "signal"
    CHECKPOINT = "checkpoint"


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
        ("key", "signs", "algorithm", "state", "since", "gone"),
        [
            (
                item["kid"],
                _SIGNS.get(item["use"], item["use"]),
                item["algorithm"],
                mark(item["state"]),
                moment(item["created_at"]),
                moment(item["gone_at"]),
            )
            for item in found["items"]
        ],
        "there is no key",
    )


@command(app, "rotate")
def rotate(
    session: Session, use: Annotated[Use, typer.Argument(help="What the key signs.", show_default=False)]
) -> None:
    """Sign with the upcoming key from now on; the present one stays published until its last token is dead."""
    session.confirm(f"Rotate the {use.value} key? Everything new is signed with the upcoming one.")
    found = session.server.make(path("keys", use.value, "rotate"))
    if session.as_json:
        session.screen.data(found)
    else:
        session.screen.done(f"{use.value}: {found['kid']} signs from now on")
