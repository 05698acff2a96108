"""What a person says about an MCP server that is to be read: where, with which token, for how long, in which grain."""

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from accredit.cli.session import Session
from accredit.cli.trouble import usage
from accredit_sdk import resource
from accredit_sdk.errors import ResourceError

if TYPE_CHECKING:
    from accredit.cli.reader import Offer

TOKEN: Final = "MCP_SERVER_TOKEN"  # noqa: S105  (the name of a variable)
"""The environment variable that holds a token for the server to be read: it is no setting of Accredit."""

_LONGEST_TOKEN: Final = 16_384


class Grain(StrEnum):
    """What one proposed scope is for."""

    TOOL = "tool"
    GROUP = "group"
    SERVER = "server"


Granularity = Annotated[Grain, typer.Option(help="What one proposed scope is for.")]
"""The option that says how fine the proposed scopes are."""

Prefix = Annotated[
    str | None, typer.Option(metavar="WORD", help="How proposed scopes begin; left out, with the server's name.")
]
"""The option that says how proposed scopes begin."""

From = Annotated[
    str | None,
    typer.Option("--from", metavar="URL", help="Read the server here, where no guard is in front of it."),
]
"""The option that names another address of the same server."""

TokenFile = Annotated[
    Path | None,
    typer.Option(metavar="PATH", help=f"A token for the server, if it wants one; or in {TOKEN}.", readable=False),
]
"""The option for a token. On the command line itself it would be seen by others."""

Timeout = Annotated[float, typer.Option(metavar="SECONDS", min=1, max=600, help="How long to read at most.")]
"""The option for the time that reading may take."""


def offer(session: Session, url: str, where: str | None, token_file: Path | None, seconds: float) -> "Offer":
    """Read what the server offers. Raises Trouble."""
    address, token = _address(url, where), _token(token_file)
    if token is not None and not _private(address):
        raise usage(f"a token goes over https or to this machine only, and not to {address[:200]}")
    from accredit.cli import reader  # noqa: PLC0415  (the MCP client takes seconds to load, and few commands need it)

    with session.screen.working(f"Reading {address}"):
        return reader.read(reader.Source(address, token, seconds))


def _address(url: str, where: str | None) -> str:
    """Return the address to read: the resource, or any other that is named on purpose, also within a network."""
    try:
        address = resource.canonical(url)
        if where is None:
            return address
        resource.canonical("https://" + where.removeprefix("https://").removeprefix("http://"))
    except ResourceError as error:
        raise usage(f"{(where or url)[:200]!r}: {error}") from error
    if not where.startswith(("https://", "http://")):
        raise usage(f"--from {where[:200]!r}: an address begins with https:// or http://")
    return where


def _private(address: str) -> bool:
    try:
        resource.canonical(address)
    except ResourceError:
        return False
    return True


def _token(file: Path | None) -> str | None:
    """Return the token that is given, None without one. It is never shown, also not when it is unusable."""
    try:
        text = file.read_text("ascii").strip() if file is not None else os.environ.get(TOKEN, "").strip()
    except OSError as error:
        raise usage(f"cannot read {file}: {error.strerror}") from error
    except ValueError:
        raise usage(f"{file} holds no token: a token is one word of ASCII") from None
    if file is None and not text:
        return None
    if not text or len(text) > _LONGEST_TOKEN or not all("!" <= c <= "~" for c in text):
        raise usage(f"{file or TOKEN} holds no token: a token is one word of ASCII")
    return text
