"""`accredit up`: run the server in this terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from accredit.cli.node import refusing
from accredit.cli.session import Session, command

if TYPE_CHECKING:
    from accredit.service.diagnosis import Finding


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    command(app, "up")(up)


def up(
    session: Session,
    host: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Address to listen on (127.0.0.1).")] = None,
    port: Annotated[int | None, typer.Option(metavar="PORT", help="Port to listen on (8700).")] = None,
    issuer: Annotated[str | None, typer.Option(metavar="URL", help="Public https address of this server.")] = None,
    database: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="postgresql://… without a password, which others would see; SQLite without it."
        ),
    ] = None,
) -> None:
    """Run the server until it is stopped; a second start goes on where the first one ended."""
    settings = session.settings(host=host, port=port, issuer=issuer, database=database)
    from accredit import app  # noqa: PLC0415  (the server is loaded only by those who run it)

    def ready(warnings: "Sequence[Finding]") -> None:
        for item in warnings:
            session.screen.warn(f"{item.what}; {item.advice}")
        if session.as_json:
            session.screen.data({"issuer": settings.origin, "data": str(settings.data), "socket": str(settings.socket)})
            return
        screen = session.screen
        screen.done(f"accredit answers at {settings.origin}")
        screen.details(
            [
                ("data", settings.data),
                ("database", "PostgreSQL" if settings.database_url else "SQLite in the data folder"),
                ("manage it", f"accredit --data {settings.data} …"),
                ("stop it", "Ctrl-C"),
            ]
        )

    with refusing():
        app.run(settings, ready)
