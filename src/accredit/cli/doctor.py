"""`accredit doctor`: what is not as it should be, and how to mend it."""

import typer

from accredit.cli.node import refusing
from accredit.cli.screen import mark
from accredit.cli.session import Session, command
from accredit.cli.trouble import Exit, Trouble


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    command(app, "doctor")(doctor)


def doctor(session: Session) -> None:
    """Look at configuration, data folder, keys and database, and say what to mend; ends with 4 when something fails."""
    settings = session.settings()
    from accredit import app  # noqa: PLC0415  (the server is loaded only by those who need its database)

    screen = session.screen
    with refusing(), screen.working("Looking at everything"):
        found = app.doctor(settings)
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
