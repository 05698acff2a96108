"""The sentences of an answer: what is so, what would have to change, and who can change it."""

import shlex
from dataclasses import dataclass

from accredit.identity import times
from accredit.identity.principal import Principal
from accredit.identity.role_change import RoleChange, Way
from accredit.identity.server import Server, TargetKind
from accredit.identity.state import State
from accredit.oauth.question import Answer, Point, Topic
from accredit.service.keepers import Keepers
from accredit_sdk import scopes as words


@dataclass(frozen=True, slots=True)
class Advice:
    """What is so about one point; and when it does not hold, what would change it and who can."""

    why: str
    remedy: str = ""
    who: str = ""


@dataclass(frozen=True, slots=True)
class Matter:
    """Whom and what a question is about. `principal` is None for a client that is not known to whoever asks."""

    client: str
    principal: Principal | None
    server: Server
    kind: TargetKind
    tool: str
    keepers: Keepers
    now: int


def advice(point: Point, answer: Answer, matter: Matter) -> Advice:
    """Return the sentences about one point of an answer."""
    match point.topic:
        case Topic.CLIENT:
            return _client(point, matter)
        case Topic.SOFTWARE:
            return _software(point, matter)
        case Topic.CREDENTIAL:
            return _credential(point, matter)
        case Topic.SERVER:
            return _server(point, matter)
        case Topic.TOOL:
            return _tool(point, answer, matter)
        case Topic.SERVER_SCOPES:
            return _scopes(point, answer, matter)
        case Topic.CLIENT_ROLES:
            return _roles(point, answer, matter)
        case Topic.TOKEN:
            why = "a token would be at its end as soon as it begins, or cannot carry that many scopes"
            return Advice(why, "move the end of the client, of its credential or of its role", matter.keepers.any())


def sentence(answer: Answer, matter: Matter) -> str:
    """Return the answer in one sentence."""
    if answer.observed:
        lacking = words.render(answer.decision.missing) if answer.decision is not None else ""
        told = f"{matter.server.slug} observes and does not enforce"
        return f"{told}: it would let {matter.client} through, who lacks {lacking}"
    if answer.allowed:
        return f"{matter.client} can get a token for {matter.server.slug} with which {matter.tool} is open to it"
    failing = next(point for point in answer.points if not point.holds)
    return advice(failing, answer, matter).why


def command(change: RoleChange, matter: Matter) -> str:
    """Return the command that makes a change of roles."""
    client = shlex.quote(matter.client)
    if change.role is not None:
        return f"accredit role assign {change.role.slug} {client}"
    carried = " ".join(f"--scope {matter.server.slug}={shlex.quote(word)}" for word in sorted(change.scopes))
    return f"accredit role add ROLE {carried} && accredit role assign ROLE {client}"


def _client(point: Point, matter: Matter) -> Advice:
    if matter.principal is None:
        why = f"no client called {matter.client} is known to hold a role on {matter.server.slug}"
        return Advice(why, "register it, or give it a role", matter.keepers.any())
    client = matter.principal.client
    if point.holds:
        end = f" until {times.short(client.expires_at)}" if client.expires_at is not None else ""
        return Advice(f"{matter.client} is active{end}")
    if client.state is not State.ACTIVE:
        remedy = f"accredit agent resume {shlex.quote(client.slug)}"
        return Advice(f"{matter.client} is {client.state.value}", remedy, matter.keepers.any())
    ended = times.short(client.expires_at) if client.expires_at is not None else ""
    remedy = "give it a later `expires` in a file: accredit apply FILE"
    return Advice(f"{matter.client} came to its end at {ended}", remedy, matter.keepers.any())


def _software(point: Point, matter: Matter) -> Advice:
    named = matter.principal.client.software if matter.principal is not None else None
    if named is None:
        return Advice("it names no software that could be denied")
    if point.holds:
        return Advice(f"its software, {named.render()}, is not denied")
    return Advice(
        f"{named.render()}, the software of {matter.client}, is denied to everybody",
        "see `accredit emergency list`, and lift the denial with `accredit emergency lift --software`",
        matter.keepers.any(),
    )


def _credential(point: Point, matter: Matter) -> Advice:
    if point.holds:
        return Advice(f"{matter.client} has a credential that works")
    remedy = f"accredit agent credential add {shlex.quote(matter.client)}"
    return Advice(f"{matter.client} has no credential that works", remedy, matter.keepers.any())


def _server(point: Point, matter: Matter) -> Advice:
    server = matter.server
    if point.holds:
        return Advice(f"{server.slug} is active")
    if server.builtin:
        return Advice(f"{server.slug} is built in, and closed to this client")
    return Advice(
        f"{server.slug} is {server.state.value}",
        f"accredit server resume {server.slug}",
        matter.keepers.of(server.slug),
    )


def _tool(point: Point, answer: Answer, matter: Matter) -> Advice:
    server, tool = matter.server.slug, shlex.quote(matter.tool)
    if point.holds:
        told = f"{matter.tool} needs {words.render(answer.needs)}"
        if any(target.destructive for target in answer.targets):
            told += "; it destroys, so a guard without fresh state refuses it"
        return Advice(told)
    remedy = f"accredit server tool {server} {tool} --kind {matter.kind.value} --needs SCOPE"
    why = f"{server} has no policy for the {matter.kind.value} {matter.tool}, and what is not mapped is refused"
    return Advice(why, remedy, matter.keepers.of(server))


def _scopes(point: Point, answer: Answer, matter: Matter) -> Advice:
    server = matter.server.slug
    if point.holds:
        return Advice(f"{server} has every scope that it needs" if answer.needs else "it names no scope")
    lacking = words.render(point.scopes)
    remedy = " && ".join(f"accredit server scope {server} {shlex.quote(word)}" for word in sorted(point.scopes))
    return Advice(f"{server} has no scope {lacking}", remedy, matter.keepers.of(server))


def _roles(point: Point, answer: Answer, matter: Matter) -> Advice:
    server = matter.server.slug
    if point.holds:
        return Advice(f"the roles of {matter.client} carry what it needs" if answer.needs else "it needs no role")
    ended = [one.held for one in answer.shares if not one.counts]
    why = f"no role that {matter.client} holds carries {words.render(point.scopes)} on {server}"
    if ended:
        why += "; " + ", ".join(f"{item.role.slug} ended at {times.short(item.ends_at or 0)}" for item in ended)
    remedy = _way(answer.role_changes[0], matter) if answer.role_changes else ""
    return Advice(why, remedy, matter.keepers.of(server))


def _way(change: RoleChange, matter: Matter) -> str:
    if change.way is Way.EXTEND and change.role is not None:
        return f"move the end of {change.role.slug}: {command(change, matter)}"
    return command(change, matter)
