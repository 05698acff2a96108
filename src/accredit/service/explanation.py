"""One decision told in words: the chain of those who took part, the reason, and what was left out by whom."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from accredit.identity.changes import StoredRecord
from accredit.identity.principal import Principal
from accredit.identity.role import ceiling
from accredit.identity.server import Server
from accredit.ports.clients import Clients
from accredit.ports.clock import Clock
from accredit.service import reasons
from accredit.service.audit import Audit
from accredit.service.directory import Directory
from accredit.service.reasons import Cause
from accredit_sdk import scopes as words


class Station(StrEnum):
    """A place in the chain of a call."""

    SUBJECT = "subject"
    CLIENT = "client"
    SERVER = "server"
    TOOL = "tool"
    ADMINISTRATOR = "administrator"
    TARGET = "target"


@dataclass(frozen=True, slots=True)
class Link:
    """Who or what stood at a station: the `id` as recorded, the `name` that people know, a `note` about it."""

    station: Station
    id: str
    name: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A scope that was asked for or needed and is missing: the cause, a sentence about it, and who can change it."""

    scope: str
    cause: Cause
    why: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision in words. `records` is what it is told from, oldest first; the first one decided."""

    decision: str
    at: int
    kind: str
    outcome: str
    sentence: str
    chain: tuple[Link, ...]
    needed: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    records: tuple[StoredRecord, ...]


def person(record: StoredRecord) -> Mapping[str, Any] | None:
    """Return the person part of a record, or None when it was redacted. What cannot be read is an empty mapping."""
    if record.person is None:
        return None
    try:
        found = msgspec.json.decode(record.person)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


class Explanations:
    """Explains decisions from their records and from what is known of those who took part."""

    def __init__(self, audit: Audit, directory: Directory, clients: Clients, clock: Clock) -> None:
        self._audit = audit
        self._directory = directory
        self._clients = clients
        self._clock = clock

    async def explain(self, decision: str) -> Explanation:
        """Explain the decision with that id. Raises Problem when it is not known."""
        records = await self._audit.decision(decision)
        first = records[0]
        said = person(first)
        told = said or {}
        server = self._directory.server_by_id(first.server)
        principal = await self._principal(_text(told, "client_id"))
        return Explanation(
            decision=first.decision,
            at=first.at,
            kind=first.kind,
            outcome=first.outcome,
            sentence=reasons.sentence(first.kind, first.outcome, said, _server_name(first.server, server)),
            chain=await self._chain(first, told, server, principal),
            needed=reasons.texts(told, "needed") or reasons.texts(told, "requested"),
            left_out=tuple(self._left_out(told, server, principal)),
            records=records,
        )

    async def _principal(self, client_id: str) -> Principal | None:
        if not client_id or len(client_id) > 200 or not client_id.isprintable():
            return None
        return await self._directory.principal(client_id)

    async def _chain(
        self, record: StoredRecord, told: Mapping[str, Any], server: Server | None, principal: Principal | None
    ) -> tuple[Link, ...]:
        if record.kind == "administered":
            by, target = _text(told, "by"), _text(told, "target")
            name = await self._name(target)
            return Link(Station.ADMINISTRATOR, by, await self._name(by)), Link(
                Station.TARGET, target, name, _text(told, "action")
            )
        found = [*await self._callers(told, principal)]
        if record.server:
            found.append(Link(Station.SERVER, record.server, _server_name(record.server, server), _note(server)))
        tool = _text(told, "target")
        if tool:
            found.append(Link(Station.TOOL, tool, tool, _text(told, "method")))
        return tuple(found)

    async def _name(self, identity: str) -> str:
        """Return the slug of whatever has that id now, or the id."""
        server = self._directory.server_by_id(identity)
        if server is not None:
            return server.slug
        principal = await self._principal(identity)
        if principal is not None:
            return principal.client.slug
        return next((role.slug for role in self._directory.roles() if role.id == identity), identity)

    async def _callers(self, told: Mapping[str, Any], principal: Principal | None) -> list[Link]:
        client = _text(told, "client_id")
        subject = _text(told, "subject")
        if not client and not subject:
            return []
        name = principal.client.slug if principal is not None else client
        owner = await self._owner(principal)
        if subject in ("", client) or (principal is not None and subject == principal.client.id):
            note = "acts for itself" if subject else "not authenticated"
            return [Link(Station.CLIENT, client, name, "; ".join(part for part in (note, owner) if part))]
        return [Link(Station.SUBJECT, subject, subject), Link(Station.CLIENT, client, name, owner)]

    async def _owner(self, principal: Principal | None) -> str:
        if principal is None:
            return ""
        identity = principal.client.id
        found = await self._clients.agent(identity) or await self._clients.application(identity)
        return f"owner {found.owner}" if found is not None else ""

    def _left_out(self, told: Mapping[str, Any], server: Server | None, principal: Principal | None) -> list[LeftOut]:
        name = server.slug if server is not None else "the server"
        client = principal.client.slug if principal is not None else "the client"
        removed = told.get("removed")
        recorded = [
            (item["scope"], _cause(item["factor"]))
            for item in (removed if isinstance(removed, list) else ())
            if isinstance(item, dict) and {"scope", "factor"} <= item.keys()
        ]
        now = [(scope, self._missing_now(scope, server, principal)) for scope in reasons.texts(told, "missing")]
        return [
            LeftOut(str(scope), cause, *reasons.left_out(str(scope), cause, name, client))
            for scope, cause in (*recorded, *now)
        ]

    def _missing_now(self, scope: str, server: Server | None, principal: Principal | None) -> Cause:
        """Tell what keeps `scope` out as things stand now; a guard knows only that the token lacked it."""
        if server is None or not words.satisfied(server.words(), scope):
            return Cause.SERVER
        held = self._directory.held(principal) if principal is not None else ()
        if not words.satisfied(ceiling(held, server.id, self._clock.now()), scope):
            return Cause.CLIENT_ROLES
        return Cause.REQUEST


def _server_name(identity: str, server: Server | None) -> str:
    return server.slug if server is not None else identity


def _note(server: Server | None) -> str:
    return server.resource if server is not None else ""


def _cause(factor: object) -> Cause:
    try:
        return Cause(str(factor))
    except ValueError:
        return Cause.UNKNOWN


def _text(told: Mapping[str, Any], name: str) -> str:
    found = told.get(name)
    return found if isinstance(found, str) else ""
