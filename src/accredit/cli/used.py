"""What clients hold beside what they used: `accredit role suggest` and `accredit report unused-scopes`."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import yaml

from accredit.cli.client import path
from accredit.cli.given import past
from accredit.cli.screen import Screen, count, moment
from accredit.cli.session import Session, command
from accredit.cli.trouble import Exit, Trouble, usage

_MOST_SHOWN: Final = 100

Whose = Annotated[
    str | None,
    typer.Argument(metavar="[CLIENT]", help="An agent, or app:NAME; left out, everyone.", show_default=False),
]
"""The argument that names one client."""
Where = Annotated[str | None, typer.Option("--server", metavar="SERVER", help="Only what is held on this server.")]
"""The option that names one server."""
Since = Annotated[str, typer.Option(metavar="WHEN", help="How far to look back: 30d, 12h, or from a time on.")]
"""The option that says from when on calls count."""


@dataclass(slots=True)
class Found:
    """An answer, put together from its lines."""

    clients: list[Any] = field(default_factory=list)
    roles: list[Any] = field(default_factory=list)
    end: dict[str, Any] = field(default_factory=dict)


def register(roles: typer.Typer, reports: typer.Typer) -> None:
    """Add the commands to those about roles and reports."""
    command(roles, "suggest")(suggest)
    command(reports, "unused-scopes")(unused_scopes)


def suggest(
    session: Session,
    client: Whose = None,
    *,
    server: Where = None,
    since: Since = "30d",
    file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write roles and who gets them, for `accredit plan`.")
    ] = None,
) -> None:
    """Propose roles that carry what past calls needed, and nothing else."""
    if file is not None and file.exists():
        raise usage(f"--file {file}: it is there already; remove it, or name another one")
    found = _read(session, "suggestions", client, server, since)
    if file is not None:
        _write(file, found.end["document"])
    if session.as_json:
        own = {"clients": found.clients, "roles": found.roles, "document": found.end["document"]}
        session.screen.data(own | _rest(found))
        return
    screen = session.screen
    _scopes(screen, found.clients, "nobody holds or used anything there")
    screen.say("")
    rows = [(item["role"], _known(item), _carried(item), _holders(item)) for item in found.roles]
    screen.table(("role", "", "carries", "for"), rows, "no role can be made of what was used")
    _gaps(screen, found)
    if file is not None:
        screen.done(f"written to {file}; see what it would do: accredit plan {file}")


def unused_scopes(session: Session, client: Whose = None, *, server: Where = None, since: Since = "30d") -> None:
    """List the scopes that clients hold and none of their calls needed."""
    found = _read(session, "reports/unused-scopes", client, server, since)
    if session.as_json:
        session.screen.data({"items": found.clients} | _rest(found))
        return
    _scopes(session.screen, found.clients, "every scope that somebody holds was needed, as far as can be seen")
    _gaps(session.screen, found)


def _read(session: Session, where: str, client: str | None, server: str | None, since: str) -> Found:
    """Return the whole answer. Raises Trouble when it breaks off."""
    query = {"client": client, "server": server, "since": past(since)}
    found = Found()
    with session.screen.working("Reading past calls") as told:
        for line in _lines(session.server.lines(path(*where.split("/")), **query)):
            match line["kind"]:
                case "progress":
                    told(f"{count(line['records'], 'record')} of {count(line['clients'], 'client')}")
                case "client":
                    found.clients.append(line)
                case "role":
                    found.roles.append(line)
                case "end":
                    found.end = line
    if not found.end:
        raise Trouble(Exit.UNREACHABLE, "the answer broke off before its end: run it again")
    return found


def _lines(raw: Iterable[bytes]) -> Iterator[Any]:
    for line in raw:
        try:
            yield json.loads(line)
        except ValueError:
            raise Trouble(Exit.UNREACHABLE, "the answer broke off in the middle of a line: run it again") from None


def _write(file: Path, document: dict[str, Any] | None) -> None:
    if document is None:
        raise Trouble(Exit.REFUSED, "a file speaks of whole roles: only who sees every server gets one")
    if set(document) == {"accredit"}:
        raise Trouble(Exit.REFUSED, "there is nothing to write: nobody would hold anything else than now")
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text = yaml.dump(document, Dumper=dumper, sort_keys=False, allow_unicode=False, width=120)
    try:
        with file.open("x") as out:
            out.write(text)
    except OSError as error:
        raise usage(f"--file {file}: {error.strerror}") from error


def _rest(found: Found) -> dict[str, Any]:
    return {"gaps": found.end["gaps"], "looked_at": {name: found.end[name] for name in ("records", "clients")}}


# ------------------------------------------------------------------ what a person sees
def _scopes(screen: Screen, clients: list[Any], empty: str) -> None:
    rows = [(client["client"], *_scope(item)) for client in clients for item in client["scopes"]]
    screen.table(("client", "server", "scope", "verdict", "calls", "last", "through"), rows[:_MOST_SHOWN], empty)
    if len(rows) > _MOST_SHOWN:
        screen.say(f"… and {len(rows) - _MOST_SHOWN} more; --json shows them all")


def _scope(item: dict[str, Any]) -> tuple[object, ...]:
    through = ", ".join(_through(one) for one in item["roles"])
    return item["server"], item["scope"], _verdict(item), item["calls"], moment(item["last"]), through


def _verdict(item: dict[str, Any]) -> str:
    match item["verdict"]:
        case "keep":
            return "keep"
        case "wider":
            return "wider than needed"
        case "unused":
            return "unused, could go"
        case "unseen":
            return "no calls recorded"
    times = [f"refused {_often(item['refused'])}"] if item["refused"] else []
    times += [f"let through {_often(item['observed'])}"] if item["observed"] else []
    return f"missing, {', '.join(times)}" if times else "missing, held no longer"


def _often(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _through(one: dict[str, Any]) -> str:
    group = f" (group:{one['group']})" if one["group"] else ""
    until = f" until {moment(one['until'])}" if one["until"] else ""
    return f"{one['role']}{group}{until}"


def _known(item: dict[str, Any]) -> str:
    return "is there" if item["known"] else "new"


def _carried(item: dict[str, Any]) -> str:
    return ", ".join(f"{word} on {server}" for server, words in item["scopes"].items() for word in words)


def _holders(item: dict[str, Any]) -> str:
    return ", ".join(
        one["client"] + (f" until {moment(one['until'])}" if one["until"] else "") for one in item["holders"]
    )


def _gaps(screen: Screen, found: Found) -> None:
    screen.say("")
    looked_at = f"{count(found.end['records'], 'record')} of {count(found.end['clients'], 'client')}"
    screen.say(f"What {looked_at} cannot tell:")
    for item in found.end["gaps"]:
        screen.say(f"- {item['sentence']}")
