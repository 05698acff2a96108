"""Roles made of what was really used, over the management API: what to keep, what could go, what was refused."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import StreamingResponse

from accredit.identity import times
from accredit.identity.client import Client
from accredit.identity.holder import parse
from accredit.identity.management import Authority, Need
from accredit.identity.needed import Line, Verdict
from accredit.identity.role import HeldRole
from accredit.identity.suggestion import Proposal
from accredit.service.blindness import Gap
from accredit.service.directory import Directory
from accredit.service.problem import Problem, ProblemCode, not_found
from accredit.service.suggestions import Judged, Outcome, Progress, Scope, Suggestions
from accredit.web.api import holders
from accredit.web.api.fields import Body, Instant, Slug, View
from accredit.web.api.holders import HolderName
from accredit.web.api.permissions import UNKNOWN, Who, require
from accredit.web.api.routes import Routes
from accredit.web.api.services import Services

LINES: Final = "application/x-ndjson"
"""The media type of answers that come line by line."""

_MOST_SERVERS: Final = 50
_USUAL: Final = 30 * 86_400 * 1_000_000


class Past(Body):
    """The time from which on calls are looked at, and whose, or of which server; all of them, unless said."""

    since: Instant | None = Field(None, description="Calls from this time on; left out: of the last 30 days.")
    client: HolderName | None = Field(None, description="An agent, or `app:` and the name of an application.")
    server: Slug | None = Field(None, description="The server; left out, every one that the caller may see.")


class CarrierView(View):
    """A role that carries a scope; `group` is the one it comes through, null for one of the client itself."""

    role: str
    group: str | None
    until: str | None


class ScopeView(View):
    """A scope and the verdict about it: the calls that needed it, and the roles that carry it now.

    Of the calls, `allowed` had all their scopes, `observed` lacked some and were let through by a server that observes,
    and `refused` were refused for want of scopes.
    """

    server: str
    scope: str
    verdict: Verdict
    calls: int
    allowed: int
    observed: int
    refused: int
    last: str | None
    roles: list[CarrierView]


class ClientLine(View):
    """One client with its scopes."""

    kind: Literal["client"] = "client"
    client: str
    created_at: str | None
    calls: int
    scopes: list[ScopeView]


class ProgressLine(View):
    """How many records were looked at so far, of how many clients."""

    kind: Literal["progress"] = "progress"
    records: int
    clients: int


class HeldView(View):
    """Who would hold a role, until when."""

    client: str
    until: str | None


class RoleLine(View):
    """A role for all that used the same; `known` tells that it is there already."""

    kind: Literal["role"] = "role"
    role: str
    known: bool
    scopes: dict[str, list[str]]
    holders: list[HeldView]


class GapView(View):
    """Something that could not be seen, in a word and in a sentence."""

    gap: Gap
    sentence: str


class EndLine(View):
    """The last line: without it, an answer has broken off. `document` is a file for `plan`, or null."""

    kind: Literal["end"] = "end"
    records: int
    clients: int
    gaps: list[GapView]
    document: dict[str, Any] | None


AnyLine = ClientLine | ProgressLine | RoleLine | EndLine
"""One line of an answer."""


class SuggestionApi:
    """The handler of `/suggestions`."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @classmethod
    def router(cls) -> APIRouter:
        """Return the route."""
        found = Routes(cls, "/suggestions")
        found.add_api_route("", cls.suggest, methods=["GET"], response_class=StreamingResponse)
        return found

    async def suggest(self, who: Who, wanted: Annotated[Past, Query()]) -> StreamingResponse:
        """Compare what clients hold with what their calls needed, and propose roles that carry only that.

        The answer is lines of JSON: `progress`, `client` and `role` lines, and one `end` line. A server administrator
        sees what is about their servers.
        """
        found = await lines(self._services, wanted, who)
        return StreamingResponse(rendered(found), media_type=LINES)


async def lines(services: Services, wanted: Past, who: Authority) -> AsyncIterator[AnyLine]:
    """Return the lines that answer a question about the past. Raises Problem and NotPermitted before the first one."""
    servers = _servers(services.directory, wanted.server, who)
    clients = None if wanted.client is None else await _clients(services, wanted.client, who)
    since = services.clock.now() - _USUAL if wanted.since is None else wanted.since
    scope = Scope(since, servers, clients, limited=not who.sees_all())
    found = Suggestions(services.issuer, services.directory, services.clients, services.audit, services.clock)
    return _lines(found, scope, services.directory)


async def rendered(found: AsyncIterator[AnyLine]) -> AsyncIterator[bytes]:
    """Yield lines as they are sent."""
    async for line in found:
        yield line.model_dump_json().encode() + b"\n"


async def _lines(suggestions: Suggestions, scope: Scope, directory: Directory) -> AsyncIterator[AnyLine]:
    async for step in suggestions.walk(scope):
        if isinstance(step, Progress):
            yield ProgressLine(records=step.records, clients=step.clients)
        elif isinstance(step, Judged):
            yield _judged(step, directory)
        else:
            for proposal in step.proposals:
                yield _proposed(proposal)
            yield _end(step)


def _servers(directory: Directory, given: str | None, who: Authority) -> frozenset[str]:
    """Return the ids of the servers that are looked at. Raises NotPermitted, Problem."""
    if given is not None:
        found = directory.server(given)
        require(who, Need.LOOK_AT_SERVERS, frozenset({found.id}) if found is not None else UNKNOWN)
        if found is None:
            raise not_found("server", given)
        if found.builtin:
            raise Problem(ProblemCode.INVALID, f"{given} is built in: no guard records what is done there")
        return frozenset({found.id})
    seen = frozenset(server.id for server in directory.servers() if not server.builtin and who.sees(server.id))
    if not who.sees_all():
        require(who, Need.LOOK_AT_SERVERS, seen if len(seen) <= _MOST_SERVERS else frozenset())
    return seen


async def _clients(services: Services, given: str, who: Authority) -> tuple[Client, ...]:
    """Return the client that is named; to whom sees only some servers, one that is not there is one with no calls."""
    try:
        return ((await holders.client(services, parse(given))).client,)
    except Problem as problem:
        if problem.code is ProblemCode.NOT_FOUND and not who.sees_all():
            return ()
        raise


def _judged(found: Judged, directory: Directory) -> ClientLine:
    scopes = [_scope(line, directory) for line in found.lines]
    return ClientLine(
        client=found.holder.render(),
        created_at=times.render(found.client.created_at),
        calls=found.calls,
        scopes=sorted(scopes, key=lambda scope: (scope.server, scope.scope)),
    )


def _scope(line: Line, directory: Directory) -> ScopeView:
    server = directory.server_by_id(line.server)
    return ScopeView(
        server=server.slug if server is not None else line.server,
        scope=line.scope,
        verdict=line.verdict,
        calls=line.count.calls,
        allowed=line.count.allowed,
        observed=line.count.observed,
        refused=line.count.refused,
        last=times.render(line.count.last) if line.count.calls else None,
        roles=[_carrier(item, directory) for item in line.roles],
    )


def _carrier(item: HeldRole, directory: Directory) -> CarrierView:
    group = directory.group_by_id(item.through) if item.through is not None else None
    return CarrierView(
        role=item.role.slug, group=group.slug if group is not None else None, until=times.render(item.ends_at)
    )


def _proposed(found: Proposal) -> RoleLine:
    return RoleLine(
        role=found.slug,
        known=found.known,
        scopes={server: sorted(words) for server, words in found.scopes.items()},
        holders=[HeldView(client=holder.render(), until=times.render(end)) for holder, end in found.holders],
    )


def _end(found: Outcome) -> EndLine:
    return EndLine(
        records=found.progress.records,
        clients=found.progress.clients,
        gaps=[GapView(gap=item.gap, sentence=item.sentence) for item in found.sight],
        document=found.document,
    )
