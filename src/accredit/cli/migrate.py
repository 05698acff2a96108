"""`accredit migrate`: bring the database to the newest schema."""

import asyncio

import typer

from accredit.cli.node import refusing
from accredit.cli.session import Session, command


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    command(app, "migrate")(migrate)


def migrate(session: Session) -> None:
    """Bring the database to the newest schema. `accredit up` does it for SQLite, and never for PostgreSQL."""
    settings = session.settings()
    from accredit import app  # noqa: PLC0415  (the server is loaded only by those who need its database)

    with refusing(), session.screen.working("Migrating the database"):
        sentence = asyncio.run(app.migrate_database(settings))
    if session.as_json:
        session.screen.data({"migrated": sentence})
    else:
        session.screen.done(sentence)
