"""After something was ended: how long it took until the last guard had it, or which ones have it not."""

from typing import Annotated, Any

import typer

from accredit.cli.client import path
from accredit.cli.screen import moment
from accredit.cli.session import Session

PATIENCE = 5
"""Seconds to wait for guards at the most."""

NoWait = Annotated[bool, typer.Option("--no-wait", help="Do not wait until every guard has heard of it.")]
"""The option that leaves the guards to themselves."""


def ended(session: Session, found: dict[str, Any], sentence: str, *, no_wait: bool) -> None:
    """Say that something was ended, and when the last guard had it."""
    if not session.as_json:
        session.screen.done(sentence)
    followed(session, found, no_wait=no_wait)


def followed(session: Session, found: dict[str, Any], *, no_wait: bool) -> None:
    """Say when the last guard had what was ended: to a person that alone, to a program beside what was `found`."""
    reach = None if no_wait else session.server.get(path("signals", "reach"), wait=PATIENCE)
    if session.as_json:
        session.screen.data(found | ({} if reach is None else {"reach": reach}))
    elif reach is not None:
        _tell(session, reach)


def _tell(session: Session, reach: dict[str, Any]) -> None:
    screen = session.screen
    if not reach["acknowledged"] and reach["everywhere"]:
        screen.say("no guard is there that could act on anything older")
    elif reach["everywhere"]:
        screen.done(f"dead everywhere: the last of {_processes(reach['acknowledged'])} had it {_after(reach)}")
    else:
        if reach["acknowledged"]:
            screen.say(f"{_processes(reach['acknowledged'])} had it {_after(reach)}")
        for one in (*reach["waiting"], *reach["silent"]):
            until = moment(one["refuses_at"])
            screen.warn(f"{one['guard']} has not; unless it hears, it refuses everything by itself from {until} on")


def _processes(count: int) -> str:
    return "one guard" if count == 1 else f"{count} guards"


def _after(reach: dict[str, Any]) -> str:
    return f"after {reach['took_ms']:.0f} ms"
