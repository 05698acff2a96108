"""`accredit server sync`: what a server offers now, held against what was confirmed. Nothing is mapped in silence."""

import sys
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from accredit.cli import offer as offers
from accredit.cli import source
from accredit.cli.client import path
from accredit.cli.offer import named, risk, said
from accredit.cli.screen import Screen
from accredit.cli.session import Session
from accredit.cli.source import From, Grain, Granularity, Prefix, Timeout, TokenFile
from accredit.cli.trouble import Exit, Trouble
from accredit.identity.declared import LeftOut, sorted_out
from accredit.identity.drift import Changed, Drift, drift
from accredit.identity.pin import Pin
from accredit.identity.proposal import Proposal
from accredit.identity.server import Scope, Server, TargetKind, Tool
from accredit_sdk.policy import Visibility
from accredit_sdk.scopes import satisfied

MapNew = Annotated[bool, typer.Option("--map-new", help="Map what is new to the proposed scopes.")]
"""The option without which nothing new is mapped."""

RemoveGone = Annotated[bool, typer.Option("--remove-gone", help="Take out what the server does not list any more.")]
"""The option without which nothing is taken out."""


@dataclass(frozen=True, slots=True)
class _Look:
    """The server as it is registered, and how what it offers differs from that."""

    server: Server
    drift: Drift
    proposal: Proposal
    left_out: tuple[LeftOut, ...]


def sync(  # noqa: PLR0913  (each is an option of its own)
    session: Session,
    name: Annotated[str, typer.Argument(metavar="SERVER", help="Name of the server.", show_default=False)],
    *,
    map_new: MapNew = False,
    remove_gone: RemoveGone = False,
    granularity: Granularity = Grain.TOOL,
    prefix: Prefix = None,
    where: From = None,
    token_file: TokenFile = None,
    timeout: Timeout = 30,
) -> None:
    """Show what a server offers otherwise than was confirmed, and confirm it; ends with 4 while anything is left.

    What is new stays refused until it is mapped, and what has changed keeps its scopes. With nobody to ask and without
    --yes, nothing is confirmed.
    """
    known = session.server.get(path("servers", name))
    if known["builtin"]:
        raise Trouble(Exit.REFUSED, f"{name} is built in: there is no server to read")
    read = source.offer(session, known["resource"], where, token_file, timeout)
    usable, left_out = sorted_out(read.offered)
    server = _server(known)
    found = drift(server, usable, left_out)
    look = _Look(server, found, offers.proposed(found.new, prefix or name, granularity, server.words()), left_out)
    if not session.as_json:
        _show(session.screen, look)
    body = _body(look, map_new=map_new, remove_gone=remove_gone)
    if sent := _confirmed(session, name, body):
        known = session.server.post(path("servers", name, "sync"), body)
    if session.as_json:
        session.screen.data({"server": known, "drift": _document(look), "confirmed": sent})
    elif sent:
        session.screen.done(f"confirmed for {name}: {_counted(body)}")
    _end(look, body if sent else {})


def _show(screen: Screen, look: _Look) -> None:
    found, words = look.drift, {(tool.kind, tool.name): tool.needs for tool in look.proposal.tools}
    new = [("+ new", named(*item.key), said(item), _proposed(look, words[item.key]), risk(item)) for item in found.new]
    changed = [
        (_what(item), named(*item.declared.key), said(item.declared), _needs(item.tool), risk(item.declared))
        for item in found.changed
    ]
    lost = [
        (word, named(tool.kind, tool.name), "", _needs(tool), "")
        for word, tools in (("- gone", found.gone), ("? unclear", found.unclear))
        for tool in tools
    ]
    screen.table(
        ("drift", "tool", "says about itself", "scope", "risk"),
        [*new, *changed, *lost],
        f"{look.server.slug} offers what was confirmed, and nothing else",
    )
    if found:
        screen.say("")
        screen.say(offers.CLAIMS)
    offers.without(screen, look.left_out)


def _what(changed: Changed) -> str:
    return f"~ {', '.join(changed.parts)}" if changed.parts else "~ never confirmed"


def _needs(tool: Tool) -> str:
    return " ".join(sorted(tool.needs))


def _proposed(look: _Look, needs: frozenset[str]) -> str:
    """Return a proposed scope; of one that some hold already, by itself or by a wider one, it says so."""
    (word,) = needs
    if satisfied(look.server.first_use, word):
        return f"{word} (whoever holds it gets this, too, and every client that registers itself)"
    return f"{word} (whoever holds it gets this, too)" if satisfied(look.server.words(), word) else f"{word} (proposed)"


def _body(look: _Look, *, map_new: bool, remove_gone: bool) -> dict[str, Any]:
    """Return what confirming would send."""
    new = look.proposal if map_new else Proposal((), (), frozenset())
    gone = look.drift.gone if remove_gone else ()
    return {
        "version": look.server.version,
        "scopes": [{"word": scope.word, "description": scope.description} for scope in new.scopes],
        "tools": offers.bodies((*(item.confirmed() for item in look.drift.changed), *new.tools)),
        "gone": [{"name": tool.name, "kind": tool.kind.value} for tool in gone],
    }


def _counted(body: dict[str, Any]) -> str:
    return f"{len(body['tools'])} as they are now, {len(body['gone'])} removed"


def _confirmed(session: Session, name: str, body: dict[str, Any]) -> bool:
    """Tell whether what differs is confirmed. Nobody is asked in a pipe, or by a program: that only looks."""
    if not body["tools"] and not body["gone"]:
        return False
    if session.yes:
        return True
    if session.as_json or not sys.stdin.isatty():
        return False
    return session.screen.ask(f"Confirm for {name}: {_counted(body)}? [y/N]") in ("y", "yes")


def _document(look: _Look) -> dict[str, Any]:
    """Return the drift for programs."""
    words = {(tool.kind, tool.name): tool.needs for tool in look.proposal.tools}
    found = look.drift
    return {
        "new": [offers.claims(item) | {"proposed": sorted(words[item.key])} for item in found.new],
        "changed": [
            offers.claims(item.declared) | {"needs": sorted(item.tool.needs), "parts": list(item.parts)}
            for item in found.changed
        ],
        "gone": [{"kind": tool.kind.value, "name": tool.name, "needs": sorted(tool.needs)} for tool in found.gone],
        "unclear": [{"kind": tool.kind.value, "name": tool.name} for tool in found.unclear],
        "left_out": offers.left(look.left_out),
    }


def _end(look: _Look, sent: dict[str, Any]) -> None:
    """Raise Trouble when something is left that was not confirmed."""
    mapped = len(sent.get("tools", ())) > len(look.drift.changed)
    left = [
        (0 if mapped else len(look.drift.new), "new, and refused: --map-new maps it"),
        (0 if sent else len(look.drift.changed), "changed, and not confirmed: --yes confirms it"),
        (0 if sent.get("gone") else len(look.drift.gone), "gone, and still mapped: --remove-gone takes it out"),
        (len(look.drift.unclear), "unclear: its server lists it so that it cannot be mapped"),
    ]
    told = [f"{number} {what}" for number, what in left if number]
    if told:
        raise Trouble(Exit.UNVERIFIED, f"{look.server.slug} has drifted: " + "; ".join(told))


def _server(known: dict[str, Any]) -> Server:
    return Server(
        id=known["id"],
        slug=known["slug"],
        name=known["name"],
        resource=known["resource"],
        created_at=0,
        scopes=tuple(Scope(**item) for item in known["scopes"]),
        tools=tuple(_tool(item) for item in known["tools"]),
        first_use=frozenset(known["first_use"]),
        version=known["version"],
    )


def _tool(item: dict[str, Any]) -> Tool:
    return Tool(
        name=item["name"],
        needs=frozenset(item["needs"]),
        kind=TargetKind(item["kind"]),
        description=item["description"],
        read_only=item["read_only"],
        destructive=item["destructive"],
        visibility=Visibility(item["visibility"]),
        pin=None if item["pin"] is None else Pin.parse(item["pin"]),
    )
