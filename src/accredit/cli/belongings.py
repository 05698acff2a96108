"""What agents and applications have in common on the screen: credentials and roles."""

from typing import Annotated, Any

import typer

from accredit.cli.screen import Screen, mark, moment

RoleEnds = Annotated[
    list[str] | None,
    typer.Option("--role", metavar="ROLE", help="A role that it holds; ROLE=WHEN: until then. Repeatable."),
]
"""The option that gives roles."""


def with_roles(found: dict[str, Any]) -> str:
    """Return what a sentence says of the roles that somebody new holds."""
    held = ", ".join(item["slug"] for item in found["roles"])
    return f", with {held}" if held else ""


def until(found: dict[str, Any]) -> str:
    """Return what a sentence says of the end of somebody new."""
    return f", until {moment(found['expires_at'])}" if found["expires_at"] else ""


def credential_table(screen: Screen, found: dict[str, Any], empty: str) -> None:
    """Print the credentials of an agent or an application."""
    screen.say("")
    screen.table(
        ("credential", "kind", "state", "since", "expires"),
        [
            (item["id"], item["kind"], mark(item["state"]), moment(item["created_at"]), moment(_end(item)))
            for item in found["credentials"]
        ],
        empty,
    )


def role_table(screen: Screen, found: dict[str, Any]) -> None:
    """Print the roles of an agent or an application, and what they carry."""
    screen.say("")
    screen.table(
        ("role", "on", "carries", "until", "through"),
        [
            (item["slug"], server, " ".join(words), moment(item["ends_at"]), item["through"])
            for item in found["roles"]
            for server, words in (item["scopes"] or {"": []}).items()
        ],
        "it holds no role, so it gets no scope; give it one with: accredit role assign",
    )


def _end(item: dict[str, Any]) -> str | None:
    """Return when a credential stops working: times of the API sort as texts."""
    return min(filter(None, (item["expires_at"], item["retires_at"])), default=None)
