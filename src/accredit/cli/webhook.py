"""`accredit webhook`: who outside is told what ends, what was rotated, and what was denied to everybody."""

from typing import Annotated, Any, Final

import typer

from accredit.cli.client import path
from accredit.cli.screen import mark, moment
from accredit.cli.secret_file import SecretFile, keeping
from accredit.cli.session import Session, command
from accredit.cli.trouble import Exit, Told, Trouble

app = typer.Typer(help="Who outside is told what ends, was rotated or was denied.", no_args_is_help=True)
"""The commands of `accredit webhook`."""

Name = Annotated[str, typer.Argument(metavar="WEBHOOK", help="Name of the webhook.", show_default=False)]
"""The argument that names which one a command is about."""


@command(app, "add")
def add(
    session: Session,
    name: Name,
    url: Annotated[str, typer.Argument(metavar="URL", help="Where it is told, by https.", show_default=False)],
    kind: Annotated[
        list[str] | None, typer.Option(metavar="KIND", help="What it is told of; several times; left out: everything.")
    ] = None,
    secret_file: SecretFile = None,
) -> None:
    """Tell an address of what happens, from now on, signed with a secret that is shown this once."""
    with keeping(secret_file) as kept:
        found = session.server.make(path("webhooks"), {"slug": name, "url": url, "kinds": kind or []}, once="secret")
        kept.keep(found["secret"])
    if session.as_json:
        session.screen.data(kept.shown(found, "secret"))
        return
    session.screen.done(f"webhook {name} is told of {_kinds(found)}; try it: accredit webhook test {name}")
    kept.tell(session.screen, "secret", found["secret"])


@command(app, "list")
def list_webhooks(session: Session) -> None:
    """List the webhooks, and what waits for them or could not be sent."""
    found = list(session.server.items(path("webhooks")))
    if session.as_json:
        session.screen.data({"items": found})
        return
    session.screen.table(
        ("webhook", "url", "waiting", "failed", "lost", "since"),
        [
            (*(one[name] for name in ("slug", "url", "waiting", "failed", "lost")), moment(one["created_at"]))
            for one in found
        ],
        "nobody is told anything; begin with: accredit webhook add NAME URL",
    )


@command(app, "show")
def show(session: Session, name: Name) -> None:
    """Show a webhook, what it was told of late, and what it could not be told."""
    found = session.server.get(path("webhooks", name))
    if session.as_json:
        session.screen.data(found)
        return
    screen = session.screen
    screen.details(
        [
            ("webhook", found["slug"]),
            ("id", found["id"]),
            ("url", found["url"]),
            ("told of", ", ".join(found["kinds"])),
            ("since", moment(found["created_at"])),
            ("by", found["created_by"]),
            ("lost", found["lost"] or ""),
        ]
    )
    screen.say("")
    screen.table(
        ("event", "kind", "state", "tries", "answer", "next try", "ended"),
        [_row(item) for item in found["deliveries"]],
        "it was told nothing yet",
    )


@command(app, "test")
def test(session: Session, name: Name) -> None:
    """Send a test event now, once, and tell what was answered. Ends with 1 when it was not taken."""
    found = session.server.post(path("webhooks", name, "test"), None)
    if found["delivered"]:
        session.changed(found, f"{name} has taken it, and answered {found['status']}")
        return
    if session.as_json:
        session.screen.data(found)
        raise Told(Exit.REFUSED)
    raise Trouble(Exit.REFUSED, f"{name} has not taken it: {_why(found)}")


@command(app, "remove")
def remove(session: Session, name: Name) -> None:
    """Tell a webhook nothing any more. Its secret is gone, and so is what waited for it."""
    session.confirm(f"Remove the webhook {name}, and what waits for it?")
    session.server.delete(path("webhooks", name))
    session.changed({"webhook": name, "removed": True}, f"webhook {name} is removed")


_FAILURES: Final = {
    "unknown_host": "there is no such host",
    "forbidden": "its host is no public address; the setting fetch_allow names what may be reached besides",
    "unreachable": "nobody answers there",
    "untrusted": "its certificate is not one of that host, or of no authority that is known (fetch_ca)",
    "timeout": "it took longer than ten seconds",
    "broken": "what it answered is no HTTP",
    "busy": "too much is sent at this moment; try again",
    "sealed": "its secret does not open with the master key; remove the webhook and add it anew",
}


def _why(found: dict[str, Any]) -> str:
    if found["status"] is not None:
        return f"it answered {found['status']}, and only 200 to 299 counts"
    return str(_FAILURES.get(found["failure"], found["failure"]))


def _kinds(found: dict[str, Any]) -> str:
    return ", ".join(found["kinds"])


def _row(item: dict[str, Any]) -> tuple[object, ...]:
    return (
        item["event"],
        item["kind"],
        mark(item["state"]),
        item["attempts"],
        item["status"] or item["failure"] or "",
        moment(item["next_at"]),
        moment(item["ended_at"]),
    )
