"""`accredit signal`: what guards are told."""

import contextlib
import time
from typing import Annotated, Any

import typer

from accredit.cli.client import path
from accredit.cli.screen import moment
from accredit.cli.session import Session, command

app = typer.Typer(help="Signals: what guards are told when something changes.", no_args_is_help=True)
"""The commands of `accredit signal`."""

_EVERY = 0.5


@command(app, "tail")
def tail(
    session: Session,
    count: Annotated[int, typer.Option("-n", metavar="NUMBER", help="How many of the last ones, 1 to 200.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until interrupted.")] = False,
) -> None:
    """Show the last signals, in the order in which guards hear them."""
    found = session.server.get(path("signals"), limit=count)
    if session.as_json and not follow:
        session.screen.data({"items": found["items"]})
        return
    for item in found["items"]:
        _show(session, item)
    if not found["items"] and not follow:
        session.screen.say("no signal was raised yet")
    if follow:
        with contextlib.suppress(KeyboardInterrupt):
            _follow(session, found["items"][-1]["seq"] if found["items"] else 0)


def _follow(session: Session, last: int) -> None:
    while True:
        items = session.server.get(path("signals"), cursor=last, limit=200)["items"]
        for item in items:
            _show(session, item)
        last = items[-1]["seq"] if items else last
        if not items:
            time.sleep(_EVERY)


def _show(session: Session, item: dict[str, Any]) -> None:
    if session.as_json:
        session.screen.data(item)
        return
    where = f" on {item['server']}: {' '.join(item['scopes']) or 'nothing'} is left" if item["server"] else ""
    session.screen.say(f"{item['seq']:>6}  {moment(item['at'])}  {item['kind']:<9}  {item['handle']}{where}")
