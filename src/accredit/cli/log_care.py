"""`accredit audit redact|archive|reindex`: what is done to the log, which proves itself afterwards too."""

from time import monotonic
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
    command(app, "reindex")(reindex)


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


def reindex(
    session: Session,
    *,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait until all can be found.")] = False,
) -> None:
    """Fill the search tables anew from the log, while everything runs. Until that is done, searches find less."""
    session.confirm("Fill the search tables anew? Until that is done, `audit search` and `explain` find less.")
    begun = monotonic()
    found = session.server.post(path("reindexings"), patient=True)
    if not no_wait:
        with session.screen.working("Filling the search tables") as told:
            while (rest := _rest(session, begun)) > 0:
                told(f"{count(rest, 'record')} cannot be found yet")
    if session.as_json:
        session.screen.data(found)
    elif no_wait:
        session.screen.done(f"{count(found['records'], 'record')} will be found again in some time")
    else:
        session.screen.done(f"{count(found['records'], 'record')} can be found again")


def _rest(session: Session, begun: float) -> int:
    """Return how many records cannot be found yet, of those that were there at that time. Asking brings it forward."""
    behind = session.server.get(path("audit"), limit=1)["behind"]
    return 0 if behind["seconds"] < monotonic() - begun else int(behind["records"])
