"""`accredit server first-use`: what a client may do that registered itself, as long as nobody has approved it."""

from collections.abc import Iterable
from typing import Annotated, Any, Final

import typer

from accredit.cli.client import path
from accredit.cli.screen import plain
from accredit.cli.session import Session
from accredit_sdk.scopes import satisfied

FirstUse = Annotated[
    bool, typer.Option("--first-use", help="Let clients that register themselves have what only reads, unapproved.")
]
"""The option without which an import lets nobody in who was not approved."""

_MOST: Final = 5


def first_use(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="SERVER", help="Name of the server.", show_default=False)],
    scopes: Annotated[
        list[str] | None, typer.Argument(metavar="[SCOPE]...", help="The scopes; none: nothing before approval.")
    ] = None,
) -> None:
    """Set the scopes that a client may have that registered itself, until it is approved."""
    known = session.server.get(path("servers", name))
    before = _beyond_reading(known, known["first_use"])
    more = [tool for tool in _beyond_reading(known, scopes or []) if tool not in before]
    if more:
        names = ", ".join(more[:_MOST]) + (f" and {len(more) - _MOST} more" if len(more) > _MOST else "")
        session.confirm(f"A client that nobody approved could then use what does more than read: {names}. Go on?")
    found = session.server.put(path("servers", name, "first-use"), {"scopes": scopes or []})
    if session.as_json:
        session.screen.data(found)
        return
    told = " ".join(found["first_use"]) or "nothing"
    session.screen.done(f"a client that registers itself at {name} gets, until it is approved: {told}")


def chosen(session: Session, proposed: frozenset[str], *, wanted: bool) -> list[str]:
    """Return the scopes of first use of a server that is imported: those proposed, if somebody says so, or none."""
    if not wanted and proposed and not session.yes:
        question = f"Let clients that register themselves have {' '.join(sorted(proposed))} before they are approved?"
        wanted = session.screen.ask(f"{question} [y/N]") in ("y", "yes")
    return sorted(proposed) if wanted else []


def _beyond_reading(known: dict[str, Any], scopes: Iterable[str]) -> list[str]:
    """Return the names of what these scopes open and what was not registered as only reading."""
    held = frozenset(scopes)
    return [
        plain(tool["name"])
        for tool in known["tools"]
        if not tool["read_only"] and all(satisfied(held, need) for need in tool["needs"])
    ]
