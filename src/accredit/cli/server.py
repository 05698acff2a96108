"""`accredit server`: MCP servers, their scopes and their tools."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from accredit.cli import arrival, source, sync
from accredit.cli import first_use as first
from accredit.cli import offer as offers
from accredit.cli.client import path
from accredit.cli.given import pair, pairs
from accredit.cli.manifest_file import load
from accredit.cli.screen import Screen, count, mark, moment, plain
from accredit.cli.session import Session, command
from accredit.cli.source import From, Grain, Granularity, Prefix, Timeout, TokenFile
from accredit.cli.trouble import usage
from accredit.identity.declared import sorted_out
from accredit.identity.server import TargetKind
from accredit_sdk.decision import Mode
from accredit_sdk.policy import Visibility

app = typer.Typer(help="MCP servers, with their scopes and tools.", no_args_is_help=True)
"""The commands of `accredit server`."""

Name = Annotated[str, typer.Argument(metavar="SERVER", help="Name of the server.", show_default=False)]
"""The argument that names which one a command is about."""

_LOUD: Final = {
    "observe": "{name} DOES NOT ENFORCE: calls that lack scopes are let through; end it with: "
    "accredit server mode {name} enforce",
    "dry-run": "{name} enforces its policy, and records what the candidate would say; end it with: "
    "accredit server mode {name} enforce",
}


class Ask(StrEnum):
    """What a server can ask its clients for."""

    SAMPLING = "sampling"
    ELICITATION = "elicitation"
    ROOTS = "roots"


Named = Annotated[str, typer.Option("--name", metavar="NAME", help="Its name here, like ledger.", show_default=False)]
"""The option for the name that a new server gets."""

Scopes = Annotated[
    list[str] | None, typer.Option(metavar="WORD[=TEXT]", help="A scope, and what it lets a client do. Repeatable.")
]
"""The option for the scopes of a new server."""

Mapped = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=SCOPE", help="A tool and a scope that it needs. Repeatable, also for one tool."),
]
"""The option for the tools of a new server."""

ReadOnly = Annotated[list[str] | None, typer.Option(metavar="TOOL", help="This tool only reads. Repeatable.")]
"""The option for the tools that only read."""

Destructive = Annotated[list[str] | None, typer.Option(metavar="TOOL", help="This tool destroys. Repeatable.")]
"""The option for the tools that destroy."""

Default = Annotated[
    list[str] | None, typer.Option(metavar="SCOPE", help="A scope that clients get who ask for none. Repeatable.")
]
"""The option for the scopes of clients that ask for none."""

MayAsk = Annotated[list[Ask] | None, typer.Option(help="Something that it may ask its clients for. Repeatable.")]
"""The option for what a new server may ask its clients for."""

Import = Annotated[bool, typer.Option("--import", help="Read what it offers, and propose scopes for it.")]
"""The option that reads the server."""


@command(app, "add")
def add(  # noqa: PLR0913  (each is an option of its own)
    session: Session,
    url: Annotated[str, typer.Argument(metavar="URL", help="Canonical address of the server.", show_default=False)],
    *,
    name: Named,
    title: Annotated[str, typer.Option(metavar="TEXT", help="Its name for people.")] = "",
    scope: Scopes = None,
    tool: Mapped = None,
    read_only: ReadOnly = None,
    destructive: Destructive = None,
    default: Default = None,
    may_ask: MayAsk = None,
    importing: Import = False,
    granularity: Granularity = Grain.TOOL,
    prefix: Prefix = None,
    where: From = None,
    token_file: TokenFile = None,
    timeout: Timeout = 30,
    first_use: first.FirstUse = False,
) -> None:
    """Register a server with its scopes and tools in one step: those that are named, or those that it offers."""
    asks = [ask.value for ask in may_ask or []]
    body: dict[str, Any] = {"slug": name, "resource": url, "name": title, "may_ask": asks}
    if importing:
        if any((scope, tool, read_only, destructive, default)):
            raise usage("--import proposes scopes and tools; change them afterwards, or name all of them without it")
        offer = source.offer(session, url, where, token_file, timeout)
        usable, _ = sorted_out(offer.offered)
        found = offers.proposed(usable, prefix or name, granularity)
        offers.register(session, body, offer, found, first_use=first_use)
        return
    if prefix or where or token_file or first_use:
        raise usage("--prefix, --from, --token-file and --first-use are for reading the server: they go with --import")
    tools = _tools(tool or [], read_only or [], destructive or [])
    scopes = [_scope(text) for text in scope or []]
    found = session.server.make(
        path("servers"), body | {"scopes": scopes, "tools": tools, "default_scopes": default or []}
    )
    session.changed(
        found,
        f"server {found['slug']} is registered for {found['resource']}, with {count(len(tools), 'tool')}",
    )


command(app, "sync")(sync.sync)


@command(app, "list")
def list_servers(session: Session) -> None:
    """List the servers; the mode of each, as soon as one of them does not enforce."""
    found = list(session.server.items(path("servers")))
    if session.as_json:
        session.screen.data({"items": found})
        return
    loud = any(item["mode"] in _LOUD for item in found)
    session.screen.table(
        ("server", "resource", "scopes", "tools", "state", *(["mode"] if loud else [])),
        [
            (
                item["slug"],
                item["resource"],
                len(item["scopes"]),
                "built in" if item["builtin"] else len(item["tools"]),
                mark(item["state"]),
                *([mark(item["mode"])] if loud else []),
            )
            for item in found
        ],
        "no server is registered; begin with: accredit server add URL --name NAME",
    )


@command(app, "show")
def show(session: Session, name: Name) -> None:
    """Show a server with its scopes and tools."""
    found = session.server.get(path("servers", name))
    if session.as_json:
        session.screen.data(found)
        return
    if found["mode"] in _LOUD:
        session.screen.warn(_LOUD[found["mode"]].format(name=found["slug"]))
    _details(session.screen, found)


@command(app, "scope")
def scope(
    session: Session,
    name: Name,
    word: Annotated[str, typer.Argument(metavar="SCOPE", help="The scope.", show_default=False)],
    description: Annotated[str, typer.Option(metavar="TEXT", help="What it lets a client do, in plain words.")] = "",
) -> None:
    """Add a scope to a server, or describe it anew."""
    found = session.server.put(path("servers", name, "scopes", word), {"description": description})
    session.changed(found, f"{name} has the scope {word}")


@command(app, "may-ask")
def may_ask(
    session: Session,
    name: Name,
    asks: Annotated[
        list[Ask] | None, typer.Argument(metavar="[WHAT]...", help="sampling, elicitation, roots; nothing: nothing.")
    ] = None,
) -> None:
    """Set what a server may ask its clients for; the guard refuses everything else in their name."""
    words = [ask.value for ask in asks or []]
    found = session.server.put(path("servers", name, "may-ask"), {"may_ask": words})
    session.changed(found, f"{name} may ask its clients for {', '.join(words) or 'nothing'}")


@command(app, "mode")
def mode(
    session: Session,
    name: Name,
    mode: Annotated[Mode, typer.Argument(help="What guards do with calls that lack scopes.", show_default=False)],
    candidate: Annotated[
        Path | None, typer.Option(metavar="FILE", help="For dry-run: the file with the policy to compare with.")
    ] = None,
) -> None:
    """Enforce the policy of a server; or observe what it would refuse; or compare it with another one in a dry run.

    While a server observes, calls that lack scopes are let through and recorded, except those that destroy.
    """
    if (candidate is not None) is not (mode is Mode.DRY_RUN):
        raise usage("--candidate FILE goes with dry-run, and dry-run with it")
    body: dict[str, Any] = {"mode": mode.value}
    if candidate is not None:
        body["candidate"] = load(candidate).sound(candidate)
    if mode is Mode.OBSERVE:
        session.confirm(f"Observe {name}? Calls that lack scopes are let through until it enforces again.")
    found = session.server.put(path("servers", name, "mode"), body)
    if session.as_json:
        session.screen.data(found)
    elif mode is Mode.ENFORCE:
        session.screen.done(f"{name} enforces its policy")
    else:
        session.screen.done(f"{name} is in the mode {mode.value}")
        session.screen.warn(_LOUD[mode.value].format(name=name))


@command(app, "tool")
def tool(  # noqa: PLR0913  (each is an option of its own)
    session: Session,
    name: Name,
    tool: Annotated[str, typer.Argument(metavar="TOOL", help="The name that the server uses.", show_default=False)],
    *,
    needs: Annotated[
        list[str] | None, typer.Option(metavar="SCOPE", help="A scope that a call needs. Repeatable.")
    ] = None,
    kind: Annotated[TargetKind, typer.Option(help="What the name stands for.")] = TargetKind.TOOL,
    description: Annotated[str, typer.Option(metavar="TEXT", help="What it does, in plain words.")] = "",
    read_only: Annotated[bool, typer.Option("--read-only", help="It only reads.")] = False,
    destructive: Annotated[bool, typer.Option("--destructive", help="It destroys something.")] = False,
    visibility: Annotated[
        Visibility, typer.Option(help="Whether callers without the scopes see it.")
    ] = Visibility.SHOW,
    remove: Annotated[bool, typer.Option("--remove", help="Take it out: calls are refused from then on.")] = False,
) -> None:
    """Map a tool (or resource, or prompt) to the scopes that it needs, or take it out."""
    where = path("servers", name, "tools", tool)
    if remove:
        if needs:
            raise usage("--remove takes the tool out; it goes with no --needs")
        session.confirm(f"Take the {kind.value} {tool} out of {name}? Every call of it is refused from then on.")
        found = session.server.delete(where, kind=kind.value)
        session.changed(found, f"{name} has no policy for the {kind.value} {tool} any more")
        return
    body = {
        "kind": kind.value,
        "needs": needs or [],
        "description": description,
        "read_only": read_only,
        "destructive": destructive,
        "visibility": visibility.value,
    }
    session.changed(session.server.put(where, body), f"{tool} of {name} needs {' '.join(needs or [])}")


@command(app, "defaults")
def defaults(
    session: Session,
    name: Name,
    scopes: Annotated[
        list[str] | None, typer.Argument(metavar="[SCOPE]...", help="The scopes; none: nothing by default.")
    ] = None,
) -> None:
    """Set the scopes that clients get who ask for none."""
    found = session.server.put(path("servers", name, "defaults"), {"scopes": scopes or []})
    session.changed(found, f"who asks {name} for nothing gets {' '.join(found['default_scopes']) or 'nothing'}")


command(app, "first-use")(first.first_use)


@command(app, "suspend")
def suspend(session: Session, name: Name, no_wait: arrival.NoWait = False) -> None:
    """Refuse every token for a server until it is resumed; tell when the last guard had it."""
    session.confirm(f"Suspend the server {name}? Every call of its tools is refused until it is resumed.")
    found = session.server.post(path("servers", name, "suspend"))
    arrival.ended(session, found, f"server {name} is suspended", no_wait=no_wait)


@command(app, "resume")
def resume(session: Session, name: Name) -> None:
    """Let tokens for a server work again."""
    session.changed(session.server.post(path("servers", name, "resume")), f"server {name} is active")


def _scope(text: str) -> dict[str, str]:
    word, _, description = text.partition("=")
    return {"word": word, "description": description}


def _tools(mapped: list[str], read_only: list[str], destructive: list[str]) -> list[dict[str, Any]]:
    for text in mapped:
        if not pair(text, "--tool", "NAME=SCOPE")[1]:
            raise usage(f"--tool {text[:80]!r}: a tool needs a scope; write NAME=SCOPE")
    found = pairs(mapped, "--tool", "NAME=SCOPE")
    for option, names in (("--read-only", read_only), ("--destructive", destructive)):
        unknown = [name for name in names if name not in found]
        if unknown:
            raise usage(f"{option} {unknown[0][:80]!r}: there is no --tool of this name")
    return [
        {"name": name, "needs": needs, "read_only": name in read_only, "destructive": name in destructive}
        for name, needs in found.items()
    ]


def _details(screen: Screen, found: dict[str, Any]) -> None:
    screen.details(
        [
            ("server", found["slug"]),
            ("name", found["name"]),
            ("id", found["id"]),
            ("resource", found["resource"]),
            ("state", mark(found["state"])),
            ("mode", mark(found["mode"])),
            ("since", moment(found["created_at"])),
            ("by default", " ".join(found["default_scopes"])),
            ("first use", " ".join(found["first_use"])),
        ]
    )
    screen.say("")
    scopes = [(item["word"], item["description"]) for item in found["scopes"]]
    screen.table(("scope", "lets a client"), scopes, "no scopes yet; add one with: accredit server scope")
    screen.say("")
    screen.table(
        ("name", "kind", "needs", "does"),
        [(item["name"], item["kind"], " ".join(item["needs"]), _does(item)) for item in found["tools"]],
        "no tools are mapped, so every call is refused; map one with: accredit server tool",
    )


def _does(item: dict[str, Any]) -> str:
    found = ["reads only"] if item["read_only"] else []
    found += ["destroys"] if item["destructive"] else []
    found += [f"visibility {item['visibility']}"] if item["visibility"] != "show" else []
    found += [plain(item["description"])] if item["description"] else []
    return "; ".join(found)
