"""The command line as a whole. No exception reaches a person: each one becomes a sentence and an exit code."""

import os
import sys
import traceback
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

import httpx2
import typer
from typer.core import TyperGroup
from typer.main import get_group

from accredit.cli import (
    admin,
    agent,
    application,
    audit,
    backup,
    completion,
    doctor,
    emergency,
    explain,
    group,
    guard,
    key,
    log_care,
    log_file,
    manifest,
    migrate,
    proof,
    report,
    role,
    server,
    signal,
    up,
    used,
    version,
    webhook,
)
from accredit.cli.screen import Screen
from accredit.cli.session import Session, shared
from accredit.cli.trouble import Exit, Told, Trouble
from accredit.config import ConfigurationProblems

LOG: Final = "cli-errors.log"
"""The file in the data folder that keeps what nobody foresaw."""

_WIDEST: Final = 80
_MARGIN: Final = 2


def program() -> typer.Typer:
    """Return the whole command line."""
    app = typer.Typer(
        name="accredit",
        help="Identity and access for the Model Context Protocol.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback(no_args_is_help=True)(shared)
    used.register(role.app, report.app)
    for name, noun in (
        ("server", server),
        ("role", role),
        ("agent", agent),
        ("app", application),
        ("group", group),
        ("guard", guard),
        ("key", key),
        ("report", report),
        ("webhook", webhook),
    ):
        app.add_typer(noun.app, name=name, short_help=noun.app.info.help)
    app.add_typer(admin.app, name="admin", short_help=admin.app.info.help)
    proof.register(audit.app)
    log_file.register(audit.app)
    log_care.register(audit.app)
    app.add_typer(audit.app, name="audit", short_help=audit.app.info.help)
    app.add_typer(signal.app, name="signal", short_help=signal.app.info.help)
    app.add_typer(emergency.app, name="emergency", short_help=emergency.app.info.help)
    for single in (manifest, explain, completion, up, migrate, doctor, backup, version):
        single.register(app)
    return app


@cache
def _command() -> TyperGroup:
    """Return the program as one command; to build it takes longer than to run it."""
    return get_group(program())


def main(arguments: Sequence[str] | None = None, transport: httpx2.BaseTransport | None = None) -> int:
    """Run one command and return its exit code. Only tests bring arguments and a transport of their own."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    words = sys.argv[1:] if arguments is None else list(arguments)
    session = Session(transport=transport)
    try:
        width = min(session.screen.width, _WIDEST) - _MARGIN
        ended = _command()(args=words, obj=session, prog_name="accredit", standalone_mode=False, terminal_width=width)
    except Told as told:
        return told.code
    except Trouble as trouble:
        return _ended(session, trouble)
    except typer.TyperException as error:
        return _misused(session, error, words)
    except typer.Abort:
        return _ended(session, Trouble(Exit.REFUSED, "nothing was changed"))
    except ConfigurationProblems as error:
        return _ended(session, Trouble(Exit.USAGE, "\n".join(error.problems)))
    except Exception as error:  # noqa: BLE001  (the last line: whatever it is, it becomes a sentence)
        return _ended(session, _unforeseen(session, error))
    finally:
        session.close()
    return ended if isinstance(ended, int) else Exit.OK


def _misused(session: Session, error: typer.TyperException, words: Sequence[str]) -> int:
    """Say what is wrong with the command line: to a program in JSON, to a person with the way to the help."""
    error.message = error.message.removeprefix("Value error, ")
    session.as_json = session.as_json or "--json" in words
    show = getattr(error, "show", None)
    if session.as_json or show is None:
        return _ended(session, Trouble(Exit.USAGE, error.format_message()))
    show()
    return error.exit_code


def _ended(session: Session, trouble: Trouble) -> int:
    Screen(as_json=session.as_json).trouble(trouble.sentence, trouble.members | {"exit": int(trouble.code)})
    return trouble.code


def _unforeseen(session: Session, error: Exception) -> Trouble:
    """Put the details where the operator finds them, and only the kind of the error on the screen."""
    kind = type(error).__name__
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return Trouble(Exit.REFUSED, f"{where}{error.strerror}")
    log = _logged(session, error)
    text = f"internal error ({kind}); {f'details are in {log}' if log else 'it could not be logged'}"
    return Trouble(Exit.REFUSED, text, {"class": kind})


def _logged(session: Session, error: Exception) -> Path | None:
    try:
        log: Path = session.settings().data / LOG
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write("".join(traceback.format_exception(error)) + "\n")
    except (OSError, ConfigurationProblems):
        return None
    return log
