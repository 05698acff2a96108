"""`accredit guard`: the enforcement points in front of servers."""

import shlex
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from accredit.cli.client import path
from accredit.cli.screen import mark, moment
from accredit.cli.secret_file import SecretFile, keeping
from accredit.cli.session import Session, command

app = typer.Typer(help="Guards: the enforcement points in front of servers.", no_args_is_help=True)
"""The commands of `accredit guard`."""

Name = Annotated[str, typer.Argument(metavar="GUARD", help="Name of the guard.", show_default=False)]
"""The argument that names which one a command is about."""


@command(app, "enrol")
def enrol(
    session: Session,
    server: Annotated[str, typer.Argument(metavar="SERVER", help="The server that it guards.", show_default=False)],
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Name of the guard; left out, one is made.")] = None,
    secret_file: SecretFile = None,
) -> None:
    """Make a one-time code with which one guard of a server gets its identity."""
    body = {} if name is None else {"name": name}
    with keeping(secret_file) as kept:
        found = session.server.make(path("servers", server, "enrolments"), body, once="code")
        kept.keep(found["code"])
    if session.as_json:
        session.screen.data(kept.shown(found, "code"))
        return
    screen = session.screen
    screen.done(f"one guard of {server} can enrol as {found['guard']} until {moment(found['expires_at'])}")
    kept.tell(screen, "code", found["code"])
    code_file = f" --code-file {shlex.quote(str(kept.file))}" if kept.file is not None else ""
    screen.say(f"Give it to: python -m accredit_sdk.guard enrol --issuer URL --folder FOLDER{code_file}")


@command(app, "list")
def list_guards(session: Session) -> None:
    """List the guards."""
    found = list(session.server.items(path("guards")))
    if session.as_json:
        session.screen.data({"items": found})
        return
    session.screen.table(
        ("guard", "server", "state", "process", "heard", "behind"),
        [row for item in found for row in _rows(item)],
        "no guard is enrolled; begin with: accredit guard enrol SERVER",
    )


def _rows(item: dict[str, Any]) -> Iterator[tuple[object, ...]]:
    """Return a row for each process of a guard, or one for a guard without any."""
    about = (item["slug"], ", ".join(item["servers"]), mark(item["state"]))
    for one in item["processes"]:
        yield (*about, f"{one['instance']} {one['state']}", moment(one["seen_at"]), one["behind"])
    if not item["processes"]:
        yield (*about, "none", "", "")


@command(app, "suspend")
def suspend(session: Session, name: Name) -> None:
    """Give a guard no more state; it refuses by itself once its state is too old."""
    session.confirm(f"Suspend the guard {name}? Its server refuses every call once the state of the guard is too old.")
    _set(session, name, "suspend", "suspended")


@command(app, "resume")
def resume(session: Session, name: Name) -> None:
    """Let a guard work again."""
    _set(session, name, "resume", "active")


def _set(session: Session, name: str, verb: str, state: str) -> None:
    found = session.server.post(path("guards", name, verb))
    if session.as_json:
        session.screen.data(found)
    else:
        session.screen.done(f"guard {name} is {state}")
