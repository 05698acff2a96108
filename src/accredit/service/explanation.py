"""One decision told in words: the chain of those who took part, the reason, and what was left out by whom."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from accredit.identity import ids
from accredit.identity.changes import StoredRecord
from accredit.identity.management import Authority
from accredit.identity.principal import Principal
from accredit.identity.role import ceiling
from accredit.identity.server import Server
from accredit.oauth.question import METHODS
from accredit.ports.clients import Clients
from accredit.ports.clock import Clock
from accredit.service import reasons
from accredit.service.audit import Account, Audit
from accredit.service.directory import Directory
from accredit.service.history import History, Since
from accredit.service.keepers import Keepers, Offices
from accredit.service.lookup import Lookup
from accredit.service.questions import Asked, Questions, Told
from accredit.service.reasons import Cause
from accredit.service.telling import is_client_id, person, text
from accredit_sdk import scopes as words

_KINDS: Final = {method: kind for kind, method in METHODS.items()}


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
    """A scope that was asked for or needed and is missing: what removed it, what would bring it now, and who can."""

    scope: str
    cause: Cause
    why: str
    remedy: str
    who: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision in words. `records` is what it is told from, oldest first; the first one decided.

    `issuance` is the record of the token, where there was one. `version` is the signal number of the policy that was
    applied, `version_now` today's; `since` is what was changed in between. `today` is what would be decided now.
    `contested`: several processes of guards claim it, and so nothing is told but who says what.
    """

    decision: str
    at: int
    kind: str
    outcome: str
    sentence: str
    chain: tuple[Link, ...]
    needed: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    records: tuple[StoredRecord, ...]
    issuance: StoredRecord | None
    version: int | None
    version_now: int
    since: Since
    today: Told | None
    contested: bool = False


class Explanations:
    """Explains decisions from their records and from what is known of those who took part."""

    def __init__(
        self,
        audit: Audit,
        directory: Directory,
        clients: Clients,
        questions: Questions,
        offices: Offices,
        clock: Clock,
    ) -> None:
        self._lookup = Lookup(audit)
        self._history = History(audit)
        self._directory = directory
        self._clients = clients
        self._questions = questions
        self._offices = offices
        self._clock = clock

    async def explain(self, account: Account, who: Authority) -> Explanation:
        """Explain a decision of which there are records to `who`, who may look at them."""
        if account.contested:
            return self._contested(account)
        first = account.records[0]
        said = person(first)
        told = said or {}
        server = self._directory.server_by_id(first.server)
        issuance = await self._issuance(first, told)
        principal = await self._known(text(told, "client_id"), first.server, issuance, who)
        keepers = await self._offices.of(server, who)
        return Explanation(
            decision=first.decision,
            at=first.at,
            kind=first.kind,
            outcome=first.outcome,
            sentence=reasons.sentence(first.kind, first.outcome, said, _server_name(first.server, server)),
            chain=await self._chain(first, told, server, principal),
            needed=reasons.texts(told, "needed") or reasons.texts(told, "requested"),
            left_out=tuple(self._left_out(told, issuance, server, principal, keepers)),
            records=account.records,
            issuance=issuance,
            version=_version(told),
            version_now=self._directory.cursor,
            since=await self._since(first, principal, who),
            today=await self._today(told, server, principal, who),
        )

    def _contested(self, account: Account) -> Explanation:
        """Tell that several claim the decision, and nothing of what they say as if it were so."""
        first = account.records[0]
        return Explanation(
            decision=first.decision,
            at=first.at,
            kind=first.kind,
            outcome="contested",
            sentence=reasons.CONTESTED,
            chain=(),
            needed=(),
            left_out=(),
            records=account.records,
            issuance=None,
            version=None,
            version_now=self._directory.cursor,
            since=Since(),
            today=None,
            contested=True,
        )

    async def _known(
        self, client_id: str, server: str, issuance: StoredRecord | None, who: Authority
    ) -> Principal | None:
        """Return the client of a call, if `who` may hear of it: what a guard or a stranger wrote proves nothing.

        Whoever does not see everything hears of clients that have, or had, a token or a role for the server.
        """
        found = await self._principal(client_id)
        if found is None or who.sees_all() or self._directory.reaches(found, server):
            return found
        told = (person(issuance) or {}) if issuance is not None else {}
        return found if text(told, "client_id") == client_id else None

    async def _issuance(self, record: StoredRecord, told: Mapping[str, Any]) -> StoredRecord | None:
        """Return the record of the token: this one, or the one of the token that a call came with."""
        if record.kind == "token_issued":
            return record
        jti = text(told, "jti")
        found = await self._lookup.issuance(jti) if ids.is_id(jti, "token") else None
        return found if found is not None and found.server == record.server else None

    async def _since(self, record: StoredRecord, principal: Principal | None, who: Authority) -> Since:
        if not record.server or record.kind == "administered":
            return Since()
        concerned = frozenset[str]()
        if principal is not None:
            roles = {item.role.id for item in self._directory.held(principal)}
            concerned = principal.groups | roles | {principal.client.id, *(item.role for item in principal.assignments)}
            software = principal.client.software
            concerned |= {software.id} if software is not None else frozenset[str]()
        return await self._history.since(record.at, record.server, concerned, who)

    async def _today(
        self, told: Mapping[str, Any], server: Server | None, principal: Principal | None, who: Authority
    ) -> Told | None:
        """Return what would be decided now about the use of one tool."""
        kind = _KINDS.get(text(told, "method"))
        tool = text(told, "target")
        if server is None or principal is None or kind is None or not tool:
            return None
        return await self._questions.ask(Asked(principal.client.client_id, server.slug, tool, kind), who)

    async def _principal(self, client_id: str) -> Principal | None:
        if not is_client_id(client_id):
            return None
        return await self._directory.principal(client_id)

    async def _chain(
        self, record: StoredRecord, told: Mapping[str, Any], server: Server | None, principal: Principal | None
    ) -> tuple[Link, ...]:
        if record.kind == "administered":
            by, target = text(told, "by"), text(told, "target")
            name = await self._name(target)
            return Link(Station.ADMINISTRATOR, by, await self._name(by)), Link(
                Station.TARGET, target, name, text(told, "action")
            )
        found = [*await self._callers(told, principal)]
        if record.server:
            found.append(Link(Station.SERVER, record.server, _server_name(record.server, server), _note(server)))
        tool = text(told, "target")
        if tool:
            found.append(Link(Station.TOOL, tool, tool, text(told, "method")))
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
        client = text(told, "client_id")
        subject = text(told, "subject")
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

    def _left_out(
        self,
        told: Mapping[str, Any],
        issuance: StoredRecord | None,
        server: Server | None,
        principal: Principal | None,
        keepers: Keepers,
    ) -> Iterator[LeftOut]:
        name = server.slug if server is not None else "the server"
        client = principal.client.slug if principal is not None else "the client"
        removed = _removed(told)
        issued = (person(issuance) or {}) if issuance is not None else None
        missing = {scope: _at_issue(scope, issued) for scope in reasons.texts(told, "missing")}
        for scope, recorded in (*removed.items(), *missing.items()):
            now = self._missing_now(scope, server, principal)
            cause = now if recorded is None else recorded
            why, remedy = reasons.left_out(cause, name, client), reasons.remedy(scope, now, name, client)
            yield LeftOut(scope, cause, why, remedy, reasons.who(now, name, keepers))

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


def _removed(told: Mapping[str, Any]) -> dict[str, Cause]:
    """Return what the record of a token says was left out, and by which factor."""
    found = told.get("removed")
    return {
        str(item["scope"]): _cause(item["factor"])
        for item in (found if isinstance(found, list) else ())
        if isinstance(item, dict) and {"scope", "factor"} <= item.keys()
    }


def _at_issue(scope: str, issued: Mapping[str, Any] | None) -> Cause | None:
    """Return what kept `scope` out of the token of a call, as the record of the token tells; None if there is none."""
    if issued is None:
        return None
    if words.satisfied(frozenset(reasons.texts(issued, "scopes")), scope):
        return Cause.REDUCED
    removed = _removed(issued)
    return next((cause for word, cause in removed.items() if words.covers(word, scope)), Cause.REQUEST)


def _version(told: Mapping[str, Any]) -> int | None:
    found = told.get("policy_version", told.get("version"))
    return found if isinstance(found, int) else None


def _cause(factor: object) -> Cause:
    try:
        return Cause(str(factor))
    except ValueError:
        return Cause.UNKNOWN
