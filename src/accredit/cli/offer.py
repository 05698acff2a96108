"""`accredit server add --import`: what a server offers becomes a proposal, and a proposal a registration."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from accredit.cli.client import path
from accredit.cli.first_use import chosen
from accredit.cli.screen import Screen, count, plain
from accredit.cli.session import Session
from accredit.cli.source import Grain
from accredit.cli.trouble import Exit, Trouble, usage
from accredit.identity import proposal as proposals
from accredit.identity.declared import Declared, LeftOut, Risk, one_line, sorted_out
from accredit.identity.proposal import Granularity, Proposal
from accredit.identity.server import TargetKind, Tool
from accredit_sdk.errors import ScopeError

if TYPE_CHECKING:
    from accredit.cli.reader import Offer

CLAIMS: Final = "What something says about itself is the claim of its server; nobody has checked it."
"""What is said beside every table of claims."""

_RISKS: Final = {
    Risk.READS: ("● reads", "green"),
    Risk.CHANGES: ("◐ changes", "yellow"),
    Risk.DESTROYS: ("! destroys", "red"),
    Risk.UNKNOWN: ("? unknown", "yellow"),
}
_SAID: Final = 100


def proposed(offered: Iterable[Declared], prefix: str, grain: Grain, taken: frozenset[str] = frozenset()) -> Proposal:
    """Return the proposal for what can be mapped. Raises Trouble for a prefix that is no scope."""
    try:
        return proposals.propose(offered, prefix, Granularity(grain.value), taken)
    except ScopeError as error:
        raise usage(f"--prefix {prefix[:80]!r}: {error}") from error


def register(session: Session, body: dict[str, Any], offer: "Offer", found: Proposal, *, first_use: bool) -> None:
    """Show what is proposed for an offer, ask, and register the server in one step: `body` is what is known of it.

    The scopes of first use are proposed like all others, and registered only if somebody wants them.
    """
    usable, left_out = sorted_out(offer.offered)
    body = body | {"name": body["name"] or offer.title}
    told = document(usable, found, left_out)
    if session.as_json and not session.yes:
        session.screen.data({"server": None, "proposal": told})
        raise Trouble(Exit.REFUSED, "nothing was registered: look at the proposal, then say --yes")
    if not session.as_json:
        _shown(session.screen, usable, found, left_out)
    size = _size(found)
    session.confirm(f"Register {body['slug']} for {body['resource']} with {size}?")
    body["first_use"] = chosen(session, found.default_scopes, wanted=first_use)
    proposal = {name: told[name] for name in ("scopes", "default_scopes")} | {"tools": bodies(found.tools)}
    made = session.server.make(path("servers"), body | proposal)
    if session.as_json:
        session.screen.data({"server": made, "proposal": told})
        return
    session.screen.done(f"server {made['slug']} is registered for {made['resource']}, with {size}")
    if made["first_use"]:
        session.screen.done(f"a client that registers itself gets, until it is approved: {' '.join(made['first_use'])}")


def document(usable: Iterable[Declared], found: Proposal, left_out: Iterable[LeftOut]) -> dict[str, Any]:
    """Return a proposal for programs."""
    declared = {item.key: item for item in usable}
    return {
        "scopes": [{"word": scope.word, "description": scope.description} for scope in found.scopes],
        "tools": [claims(declared[tool.kind, tool.name]) | {"needs": sorted(tool.needs)} for tool in found.tools],
        "default_scopes": sorted(found.default_scopes),
        "first_use": sorted(found.default_scopes),
        "left_out": left(left_out),
    }


def left(left_out: Iterable[LeftOut]) -> list[dict[str, str]]:
    """Return what cannot be mapped, for programs."""
    return [{"kind": item.kind.value, "name": one_line(item.name), "why": item.why} for item in left_out]


def claims(item: Declared) -> dict[str, Any]:
    """Return what a server says about a thing, for programs."""
    hints = item.hints
    return {
        "kind": item.kind.value,
        "name": item.name,
        "title": one_line(item.title),
        "description": one_line(item.description),
        "declares": {
            "readOnlyHint": hints.read_only,
            "destructiveHint": hints.destructive,
            "idempotentHint": hints.idempotent,
            "openWorldHint": hints.open_world,
        },
        "risk": item.risk.value,
        "pin": item.pin.render(),
    }


def bodies(tools: Iterable[Tool]) -> list[dict[str, Any]]:
    """Return tools as the API takes them."""
    return [
        {
            "name": tool.name,
            "kind": tool.kind.value,
            "needs": sorted(tool.needs),
            "description": tool.description,
            "read_only": tool.read_only,
            "destructive": tool.destructive,
            "visibility": tool.visibility.value,
            "pin": None if tool.pin is None else tool.pin.render(),
        }
        for tool in tools
    ]


def named(kind: TargetKind, name: str) -> str:
    """Return a name as people see it: what is no tool says so."""
    shown = one_line(plain(name))
    return shown if kind is TargetKind.TOOL else f"{shown} ({kind.value})"


def said(item: Declared) -> str:
    """Return in one line what a server says about a thing."""
    pairs = (
        (item.hints.read_only, "read-only", "not read-only"),
        (item.hints.destructive, "destructive", "not destructive"),
        (item.hints.idempotent, "idempotent", ""),
        (item.hints.open_world, "open world", "closed world"),
    )
    words = [yes if value else no for value, yes, no in pairs if value is not None]
    text = one_line(item.title or item.description, _SAID)
    return ", ".join([*filter(None, words), *([f"“{text}”"] if text else [])]) or "nothing"


def risk(item: Declared) -> Text:
    """Return how risky a thing is by its own account, with a shape."""
    return Text(*_RISKS[item.risk])


def without(screen: Screen, left_out: Iterable[LeftOut]) -> None:
    """Say what cannot be mapped."""
    for item in left_out:
        screen.warn(f"{named(item.kind, item.name)} is left out, and every call of it refused: {item.why}")


def _shown(screen: Screen, usable: Iterable[Declared], found: Proposal, left_out: Iterable[LeftOut]) -> None:
    words = {(tool.kind, tool.name): " ".join(sorted(tool.needs)) for tool in found.tools}
    screen.table(
        ("tool", "says about itself", "proposed scope", "risk"),
        [(named(*item.key), said(item), words[item.key], risk(item)) for item in usable],
        "it offers nothing that can be mapped",
    )
    screen.say("")
    reading = " ".join(sorted(found.default_scopes))
    screen.say(f"Who asks for nothing gets: {reading or 'nothing'}")
    instead = f" (with --first-use: {reading})" if reading else ""
    screen.say(f"A client that registers itself gets, until it is approved: nothing{instead}")
    screen.say(CLAIMS)
    without(screen, left_out)


def _size(found: Proposal) -> str:
    kinds = [tool.kind for tool in found.tools]
    things = [count(kinds.count(kind), kind.value) for kind in TargetKind if kind in kinds]
    return ", ".join([*(things or ["no tools"]), count(len(found.scopes), "scope")])
