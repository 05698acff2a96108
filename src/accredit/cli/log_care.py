"""`accredit audit redact|archive`: what is done to the log itself, so that it still proves itself afterwards."""

from typing import Annotated, Any

import typer

from accredit.cli.client import path
from accredit.cli.given import past, span
from accredit.cli.screen import count
from accredit.cli.session import Session, command
from accredit.cli.trouble import usage


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    command(app, "redact")(redact)
    command(app, "archive")(archive)


def redact(
    session: Session,
    *,
    subject: Annotated[str, typer.Option(metavar="WHO", help="Whom: an id, an agent, an address, any name.")],
) -> None:
    """Take a person out of the log. It cannot be undone; archives, exports and spools of guards are not reached."""
    session.confirm(f"Redact every record that names {subject}? Nobody can bring back what it said.")
    found = session.server.post(path("redactions"), {"subject": subject}, patient=True)
    if session.as_json:
        session.screen.data(found)
    else:
        session.screen.done(f"{count(found['records'], 'record')} redacted; the chains still hold")


def archive(
    session: Session,
    *,
    older_than: Annotated[str, typer.Option(metavar="SPAN", help="What is older than that, like 90d.")],
) -> None:
    """Move old records into the archive; what remains still verifies. `keep_days` does it by itself."""
    if span(older_than) is None:
        raise usage(f"--older-than {older_than[:20]!r}: write a span of time, like 90d")
    session.confirm(f"Move everything older than {older_than} out of the database?")
    files: list[dict[str, Any]] = []
    before = past(older_than)
    with session.screen.working("Archiving") as told:
        while (found := session.server.post(path("archives"), {"before": before}, patient=True))["file"]:
            files.append(found)
            told(count(sum(item["records"] for item in files), "record"))
    if session.as_json:
        session.screen.data({"items": files})
        return
    session.screen.table(("file", "records"), [(item["file"], item["records"]) for item in files], "nothing is so old")
