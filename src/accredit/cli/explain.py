"""`accredit explain`: one decision, with the chain of those who took part drawn."""

from typing import Annotated, Any

import typer

from accredit.cli import chain
from accredit.cli.client import path
from accredit.cli.screen import Screen, mark, moment
from accredit.cli.session import Session, command


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    command(app, "explain")(explain)


def explain(
    session: Session,
    decision: Annotated[str, typer.Argument(metavar="DECISION", help="The id of a decision.", show_default=False)],
) -> None:
    """Explain a decision: who, through which client, on which server and tool; why; and what was left out by whom."""
    found = session.server.get(path("decisions", decision))
    if session.as_json:
        session.screen.data(found)
        return
    screen = session.screen
    screen.details([("decision", found["decision"]), ("at", moment(found["at"])), ("outcome", mark(found["outcome"]))])
    screen.say("")
    links = [chain.Link(item["station"], item["name"], item["note"]) for item in found["chain"]]
    screen.show(chain.drawn(links, found["outcome"], screen.width))
    screen.say("")
    screen.say(_sentence(found))
    _left_out(screen, found["left_out"])


def _sentence(found: dict[str, Any]) -> str:
    word = {"allow": "Allowed", "deny": "Denied", "done": "Done"}.get(found["outcome"], found["outcome"])
    verb = "asked for" if found["kind"].startswith("token_") else "needed"
    needed = f" It {verb} {', '.join(found['needed'])}." if found["needed"] else ""
    return f"{word}: {found['sentence']}.{needed}"


def _left_out(screen: Screen, items: list[dict[str, Any]]) -> None:
    if not items:
        return
    screen.say("")
    screen.table(
        ("left out", "because", "who can change it"),
        [(item["scope"], item["why"], item["remedy"]) for item in items],
        "",
    )
