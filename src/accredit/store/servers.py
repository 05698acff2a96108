"""Servers with their scopes and tools."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from accredit.identity.changes import AddServer, RemoveServer, ReplaceServer
from accredit.identity.pin import Pin
from accredit.identity.server import Scope, Server, TargetKind, Tool
from accredit.identity.state import State
from accredit.store import denials, inserts, offers
from accredit.store.tables import server_scopes, servers, tool_needs, tools
from accredit_sdk.decision import Mode
from accredit_sdk.policy import Visibility


def add(conn: sa.Connection, claims: Sequence[AddServer]) -> list[bool]:
    """Register every server whose slug and resource no living server has, and tell which."""
    won = inserts.claim(conn, servers, [_row(claim.server) for claim in claims])
    _write_parts(conn, [claim.server for claim, ok in zip(claims, won, strict=True) if ok])
    return won


def replace(conn: sa.Connection, claims: Sequence[ReplaceServer]) -> list[bool]:
    """Put every server in the place of its predecessor if that is the stored one, and tell which."""
    return [_replace(conn, claim.server) for claim in claims]


def remove(conn: sa.Connection, claims: Sequence[RemoveServer]) -> list[bool]:
    """Turn every server whose stored version is the claimed one into a tombstone, and tell which."""
    return [_remove(conn, claim) for claim in claims]


def load(conn: sa.Connection) -> tuple[Server, ...]:
    """Return all servers that are not deleted, by slug."""
    scopes, defaults, first_use = _scopes(conn)
    denied = denials.load(conn)
    offered = _tools(conn)
    found = conn.execute(sa.select(servers).where(servers.c.state != State.DELETED.value).order_by(servers.c.slug))
    return tuple(
        Server(
            id=row.id,
            slug=row.slug,
            name=row.name,
            resource=row.resource,
            created_at=row.created_at,
            scopes=tuple(scopes[row.id]),
            tools=tuple(offered[row.id]),
            default_scopes=frozenset(defaults[row.id]),
            may_ask=frozenset(row.may_ask.split()),
            first_use=frozenset(first_use[row.id]),
            denied=denied.get(row.id, ()),
            builtin=row.builtin,
            state=State(row.state),
            mode=Mode(row.mode),
            candidate=offers.unpacked(row.candidate),
            version=row.version,
        )
        for row in found
    )


def _row(server: Server) -> dict[str, Any]:
    if not server.default_scopes | server.first_use <= server.words():
        raise ValueError("a default or first-use scope is not a scope of the server")
    if server.builtin and server.first_use:
        raise ValueError("a built-in server has no first use")
    return {
        "id": server.id,
        "slug": server.slug,
        "name": server.name,
        "resource": server.resource,
        "created_at": server.created_at,
        "may_ask": " ".join(sorted(server.may_ask)),
        "builtin": server.builtin,
        "state": server.state.value,
        "mode": server.mode.value,
        "candidate": offers.packed(server.candidate),
        "version": server.version,
    }


def _replace(conn: sa.Connection, server: Server) -> bool:
    other = servers.alias()
    rival = sa.exists().where(
        other.c.id != server.id,
        other.c.state != State.DELETED.value,
        sa.or_(other.c.slug == server.slug, other.c.resource == server.resource),
    )
    update = (
        sa.update(servers)
        .where(servers.c.id == server.id, servers.c.version == server.version - 1)
        .where(servers.c.state != State.DELETED.value, sa.not_(rival))
        .values(_row(server))
    )
    if conn.execute(update).rowcount != 1:
        return False
    for table in (tool_needs, tools, server_scopes):
        conn.execute(sa.delete(table).where(table.c.server == server.id))
    _write_parts(conn, [server])
    return True


def _remove(conn: sa.Connection, claim: RemoveServer) -> bool:
    update = (
        sa.update(servers)
        .where(servers.c.id == claim.server, servers.c.version == claim.version, servers.c.builtin.is_(False))
        .where(servers.c.state != State.DELETED.value)
        .values(state=State.DELETED.value, version=claim.version + 1)
    )
    return conn.execute(update).rowcount == 1


def _write_parts(conn: sa.Connection, written: Sequence[Server]) -> None:
    scopes = [
        {
            "server": server.id,
            "word": scope.word,
            "position": position,
            "description": scope.description,
            "is_default": scope.word in server.default_scopes,
            "is_first_use": scope.word in server.first_use,
        }
        for server in written
        for position, scope in enumerate(server.scopes)
    ]
    rows = [_tool_row(server, position, tool) for server in written for position, tool in enumerate(server.tools)]
    needs = [
        {"server": server.id, "kind": tool.kind.value, "name": tool.name, "word": word}
        for server in written
        for tool in server.tools
        for word in sorted(tool.needs)
    ]
    inserts.all_rows(conn, server_scopes, scopes)
    inserts.all_rows(conn, tools, rows)
    inserts.all_rows(conn, tool_needs, needs)


def _tool_row(server: Server, position: int, tool: Tool) -> dict[str, Any]:
    return {
        "server": server.id,
        "kind": tool.kind.value,
        "name": tool.name,
        "position": position,
        "description": tool.description,
        "read_only": tool.read_only,
        "destructive": tool.destructive,
        "visibility": tool.visibility.value,
        "pin": tool.pin and tool.pin.packed(),
    }


def _scopes(conn: sa.Connection) -> tuple[dict[str, list[Scope]], dict[str, set[str]], dict[str, set[str]]]:
    """Return the scopes of each server (an id), those by default, and those of first use."""
    scopes: dict[str, list[Scope]] = defaultdict(list)
    defaults: dict[str, set[str]] = defaultdict(set)
    first_use: dict[str, set[str]] = defaultdict(set)
    order = (server_scopes.c.server, server_scopes.c.position)
    for row in conn.execute(sa.select(server_scopes).order_by(*order)):
        scopes[row.server].append(Scope(row.word, row.description))
        if row.is_default:
            defaults[row.server].add(row.word)
        if row.is_first_use:
            first_use[row.server].add(row.word)
    return scopes, defaults, first_use


def _tools(conn: sa.Connection) -> dict[str, list[Tool]]:
    needs: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for row in conn.execute(sa.select(tool_needs)):
        needs[row.server, row.kind, row.name].add(row.word)
    found: dict[str, list[Tool]] = defaultdict(list)
    for row in conn.execute(sa.select(tools).order_by(tools.c.server, tools.c.position)):
        found[row.server].append(
            Tool(
                name=row.name,
                needs=frozenset(needs[row.server, row.kind, row.name]),
                kind=TargetKind(row.kind),
                description=row.description,
                read_only=row.read_only,
                destructive=row.destructive,
                visibility=Visibility(row.visibility),
                pin=row.pin and Pin.unpacked(row.pin),
            )
        )
    return found
