"""`accredit report`: what ends soon, and which clients nobody uses or answers for."""

from typing import Annotated, Any

import typer

from accredit.cli.client import path
from accredit.cli.given import span
from accredit.cli.screen import moment
from accredit.cli.session import Session, command
from accredit.cli.trouble import usage

app = typer.Typer(help="What ends soon, and which clients nobody uses or answers for.", no_args_is_help=True)
"""The commands of `accredit report`."""


@command(app, "expiring")
def expiring(
    session: Session,
    within: Annotated[str, typer.Option(metavar="SPAN", help="How far to look ahead, like 14d.")] = "14d",
) -> None:
    """List credentials, clients and assignments of roles that end soon, the first to end first."""
    found = list(session.server.items(path("reports", "expiring"), within=_seconds(within, "--within")))
    if session.as_json:
        session.screen.data({"items": found})
        return
    session.screen.table(
        ("ends", "of", "client", "what", "name"),
        [(moment(item["ends_at"]), item["client_kind"], item["client"], item["kind"], item["name"]) for item in found],
        f"nothing ends within {within}",
    )


@command(app, "unused-clients")
def unused_clients(
    session: Session,
    idle: Annotated[str, typer.Option(metavar="SPAN", help="For how long they got no token, like 30d.")] = "30d",
) -> None:
    """List the agents and applications that got no token for a while and were there before."""
    found = list(session.server.items(path("reports", "unused-clients"), idle=_seconds(idle, "--idle")))
    _noticed(session, found, f"every client got a token within {idle}, or is newer")


@command(app, "orphans")
def orphans(session: Session) -> None:
    """List the agents that nobody answers for: they have no sponsor."""
    _noticed(session, list(session.server.items(path("reports", "orphans"))), "every agent has a sponsor")


def _noticed(session: Session, found: list[Any], empty: str) -> None:
    if session.as_json:
        session.screen.data({"items": found})
        return
    session.screen.table(
        ("client", "kind", "owner", "since", "last token"),
        [
            (item["slug"], item["kind"], item["owner"], moment(item["created_at"]), moment(item["last_at"]) or "never")
            for item in found
        ],
        empty,
    )


def _seconds(text: str, option: str) -> str:
    seconds = span(text)
    if not seconds:
        raise usage(f"{option} {text[:80]!r}: write a span like 14d or 12h")
    return str(seconds)
