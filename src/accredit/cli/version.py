"""`accredit version`: which software this is."""

import platform
from importlib.metadata import version as installed

import typer

from accredit.cli.session import Session, command


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    command(app, "version")(version)


def version(session: Session) -> None:
    """Show the version of this software."""
    found = {"accredit": installed("accredit"), "sdk": installed("accredit-sdk"), "python": platform.python_version()}
    if session.as_json:
        session.screen.data(found)
    else:
        session.screen.say(f"accredit {found['accredit']} (SDK {found['sdk']}, Python {found['python']})")
