"""Least-privilege roles from what was really used, read from the log client by client, and what the log cannot tell."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from accredit.identity import guarded
from accredit.identity.client import Client, ClientKind
from accredit.identity.holder import Holder, HolderKind
from accredit.identity.manifest import Document
from accredit.identity.needed import Line, lines, needed
from accredit.identity.principal import Principal
from accredit.identity.role import HeldRole
from accredit.identity.suggestion import Proposal, Scopes, Wish, document, proposals, wish
from accredit.identity.tally import Tally, Use
from accredit.ports.audit_log import Filter
from accredit.ports.clients import Clients
from accredit.ports.clock import Clock
from accredit.service.audit import Audit
from accredit.service.blindness import Blindness, Sight
from accredit.service.calls import MOST_USES, Calls
from accredit.service.directory import Directory
from accredit_sdk.policy import Policy

_PAGE: Final = 200
_HOLDERS: Final = {ClientKind.AGENT: HolderKind.AGENT, ClientKind.APPLICATION: HolderKind.APPLICATION}


@dataclass(frozen=True, slots=True)
class Scope:
    """What to look at: calls from `since` (microseconds UTC) on, of `clients` (None: of all), on `servers` (ids).

    `limited` tells that nothing may be told of any other server: there is no file then, for it speaks of whole roles.
    """

    since: int
    servers: frozenset[str]
    clients: tuple[Client, ...] | None = None
    limited: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """How many records were looked at so far, of how many clients."""

    records: int
    clients: int


@dataclass(frozen=True, slots=True)
class Judged:
    """One client and what the calls say of its scopes. `calls` is how many there were that could be judged."""

    holder: Holder
    client: Client
    calls: int
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What comes last: the roles, the file that gives them (None: limited), and what could not be seen."""

    proposals: tuple[Proposal, ...]
    document: Document | None
    sight: tuple[Blindness, ...]
    progress: Progress


@dataclass(slots=True)
class _Run:
    """One walk through the clients."""

    scope: Scope
    now: int
    seen: frozenset[str]
    slugs: dict[str, str]
    sight: Sight
    narrow: tuple[str, ...]
    records: int = 0
    clients: int = 0
    wishes: list[Wish] = field(default_factory=list)


class Suggestions:
    """Compares what clients hold with what they used."""

    def __init__(self, issuer: str, directory: Directory, clients: Clients, audit: Audit, clock: Clock) -> None:
        self._issuer = issuer
        self._directory = directory
        self._clients = clients
        self._audit = audit
        self._calls = Calls(audit)
        self._clock = clock

    async def walk(self, scope: Scope) -> AsyncIterator[Progress | Judged | Outcome]:
        """Yield every client that holds or needed something there, progress in between, and the outcome last.

        Only what clients hold and one client's calls are in memory at a time.
        """
        run = await self._run(scope)
        policies = _Policies(self._issuer, self._directory)
        async for client in self._all(scope):
            tally = Tally(MOST_USES)
            wanted = Filter(kind="decision", since=scope.since, client=client.client_id, servers=run.narrow)
            async for records in self._calls.into(tally, wanted):
                run.records += records
                if records:
                    yield Progress(run.records, run.clients)
            found = await self._judged(run, client, tally, policies)
            if found is not None:
                run.clients += 1
                yield found
        await run.sight.look(self._audit)
        roles = {role.slug: self._by_slug(role.scopes) for role in self._directory.roles()}
        offered = proposals(run.wishes, roles)
        file = None if scope.limited else document(run.wishes, offered)
        yield Outcome(offered, file, run.sight.told(), Progress(run.records, run.clients))

    async def _run(self, scope: Scope) -> _Run:
        slugs = {server.id: server.slug for server in self._directory.servers() if server.id in scope.servers}
        sight = Sight(scope.since)
        seen: set[str] = set()
        for server, slug in slugs.items():
            if await self._audit.search(Filter(kind="decision", server=server, since=scope.since), None, 1):
                seen.add(server)
            else:
                sight.unseen.append(slug)
        everywhere = {server.id: server.slug for server in self._directory.servers() if not server.builtin}
        narrow = () if scope.servers == everywhere.keys() else tuple(sorted(scope.servers))
        told = slugs if scope.limited else everywhere
        return _Run(scope, self._clock.now(), frozenset(seen), told, sight, narrow)

    async def _all(self, scope: Scope) -> AsyncIterator[Client]:
        if scope.clients is not None:
            for client in scope.clients:
                yield client
            return
        after = ""
        while agents := await self._clients.agents(after, _PAGE):
            for agent in agents:
                yield agent.client
            after = agents[-1].client.slug
        after = ""
        while applications := await self._clients.applications(after, _PAGE):
            for application in applications:
                yield application.client
            after = applications[-1].client.slug

    async def _judged(self, run: _Run, client: Client, tally: Tally, policies: "_Policies") -> Judged | None:
        principal = await self._directory.principal(client.client_id)
        if principal is None or (run.scope.limited and not self._known(principal, run.scope)):
            return None
        held = tuple(self._held(principal))
        uses = {use: count for use, count in tally.found.items() if use.server in run.scope.servers}
        calls = await asyncio.to_thread(needed, uses, policies.needs)
        found = lines(held, calls, run.scope.servers, run.seen, run.now)
        if not found:
            return None
        holder = Holder(_HOLDERS[client.kind], client.slug)
        wanted = wish(holder, held, found, run.slugs, run.now) if not tally.passed_over else None
        if wanted is not None:
            run.wishes.append(wanted)
        run.sight.notice(holder, client, tally, found, idle=wanted is None)
        run.sight.gone += sum(count.calls for use, count in uses.items() if not policies.needs(use))
        return Judged(holder, client, sum(count.calls for count in uses.values()), found)

    def _known(self, principal: Principal, scope: Scope) -> bool:
        """Tell whether a client has to do with one of the servers: that a guard names it proves nothing."""
        return any(self._directory.reaches(principal, server) for server in scope.servers)

    def _held(self, principal: Principal) -> Iterator[HeldRole]:
        """Yield what a client holds but for offices: guards see nothing of what is done at Accredit itself."""
        known = {role.id for role in self._directory.roles()}
        return (item for item in self._directory.held(principal) if item.role.id in known)

    def _by_slug(self, scopes: Scopes) -> Scopes:
        found = ((self._directory.server_by_id(server), carried) for server, carried in scopes.items())
        return {server.slug: carried for server, carried in found if server is not None and carried}


class _Policies:
    """What the servers ask for today, each policy made once."""

    def __init__(self, issuer: str, directory: Directory) -> None:
        self._issuer = issuer
        self._directory = directory
        self._of = lru_cache(maxsize=100)(self._made)

    def needs(self, use: Use) -> frozenset[str]:
        """Return the scopes that a use needs; nothing when the server has no such name."""
        policy = self._of(use.server)
        targets = policy.find(use.kind.value, use.name) if policy is not None else ()
        return frozenset[str]().union(*(target.needs for target in targets))

    def _made(self, server: str) -> Policy | None:
        found = self._directory.server_by_id(server)
        return guarded.policy(found, self._issuer, 0) if found is not None else None
