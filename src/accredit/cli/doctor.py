"""`accredit doctor`: what is not as it should be, and how to mend it."""

from typing import TYPE_CHECKING

import typer

from accredit.cli.client import path
from accredit.cli.node import refusing
from accredit.cli.screen import mark
from accredit.cli.session import Session, command
from accredit.cli.trouble import Exit, Trouble
from accredit_sdk.decision import Mode

if TYPE_CHECKING:
    from accredit.service.diagnosis import Finding


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    command(app, "doctor")(doctor)


def doctor(session: Session) -> None:
    """Look at configuration, data folder, keys and database, and say what to mend; ends with 4 when something fails.

    A node that runs on the data folder is asked how it is: its writer, signals, schema, keys, disk and clock, and which
    servers do not enforce their policy.
    """
    settings = session.settings()
    from accredit import offline  # noqa: PLC0415  (the server is loaded only by those who need its database)

    screen = session.screen
    with refusing(), screen.working("Looking at everything"):
        found = tuple(dict.fromkeys((*offline.doctor(settings), *_running(session))))
    if session.as_json:
        screen.data({"findings": [{"level": item.level, "what": item.what, "advice": item.advice} for item in found]})
    else:
        screen.table(
            ("state", "found", "what to do"),
            [(mark(item.level), item.what, item.advice) for item in found],
            "nothing to see",
        )
    failed = sum(item.level == "fail" for item in found)
    if failed:
        raise Trouble(Exit.UNVERIFIED, f"{failed} of {len(found)} checks failed")


def _running(session: Session) -> "tuple[Finding, ...]":
    """Return what the node that runs on this data folder says of itself, nothing when none answers."""
    from accredit.service.diagnosis import Finding, Level  # noqa: PLC0415

    if not session.settings().socket.exists():
        return ()
    try:
        checks = session.server.checks()
    except Trouble:
        return (Finding(Level.WARN, "no node answers at the socket of this data folder", "start it: accredit up"),)
    said = (
        Finding(Level.OK if one["ok"] else Level.FAIL, f"the node's {one['name']}", one["cause"] or "")
        for one in checks
    )
    return (*said, *_relaxed(session))


def _relaxed(session: Session) -> "tuple[Finding, ...]":
    """Return a warning for each server that does not simply enforce, as the running node says."""
    from accredit.service import modes  # noqa: PLC0415
    from accredit.service.diagnosis import Finding, Level  # noqa: PLC0415

    try:
        found = session.server.get(path("status"))["not_enforcing"]
    except Trouble as trouble:
        return (Finding(Level.WARN, "nobody looked whether every server enforces its policy", str(trouble)),)
    return tuple(modes.finding(one["server"], Mode(one["mode"])) for one in found)
