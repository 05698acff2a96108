"""The audit log over the management API: search, one decision explained, and whether the chains hold."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema

from accredit.audit.events import Result
from accredit.identity import ids, times
from accredit.identity.changes import StoredRecord
from accredit.identity.client import ClientKind
from accredit.identity.management import Authority, Need
from accredit.ports.audit_log import Filter
from accredit.service.clients import named
from accredit.service.directory import Directory
from accredit.service.explanation import Explanation, Explanations
from accredit.service.keepers import Offices
from accredit.service.problem import not_found
from accredit.service.reasons import texts
from accredit.service.telling import person, text
from accredit.web.api import questions
from accredit.web.api.fields import CURSOR, Body, Instant, Limit, View
from accredit.web.api.permissions import Who, require
from accredit.web.api.questions import AnswerView
from accredit.web.api.routes import Routes
from accredit.web.api.services import Services
from accredit_sdk.record import decode_header

_MOST_SERVERS = 50


def _decision_id(text: str) -> str:
    if not ids.is_id(text, "decision"):
        raise ValueError("must be the id of a decision: dec_ and 26 letters and digits")
    return text


DecisionId = Annotated[
    str, AfterValidator(_decision_id), WithJsonSchema({"type": "string", "pattern": "^dec_[a-z0-9]{26}$"})
]
"""The id of a decision, as answers and logs show it."""


Party = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[!-~]+$")]
"""Whoever or whatever can have taken part: the slug of an agent or guard, `app:NAME`, an id, or its own name."""


class Wanted(Body):
    """What to look for; `server` is a slug or an id, `until` is exclusive."""

    decision: DecisionId | None = Field(None, description="Records of this decision.")
    kind: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,64}$")] | None = Field(
        None, description="Records of this kind, like `token_refused`."
    )
    server: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,64}$")] | None = Field(
        None, description="Records about the server with this slug or id."
    )
    outcome: Result | None = Field(None, description="Records with this outcome.")
    subject: Party | None = Field(
        None, description="Records of calls on behalf of this one: an agent, app:NAME or an id."
    )
    client: Party | None = Field(None, description="Records of what this client did: an agent, app:NAME or an id.")
    member: Party | None = Field(None, description="Records in which this one took part: subject, client, actor, any.")
    tool: Annotated[str, StringConstraints(max_length=256)] | None = Field(
        None, description="Records of calls of this tool, resource or prompt."
    )
    token: Party | None = Field(None, description="The record of the token with this `jti`.")
    trace: Party | None = Field(None, description="Records of calls with this trace id.")
    since: Instant | None = Field(None, description="Records from this time on.")
    until: Instant | None = Field(None, description="Records before this time.")
    cursor: Annotated[str, StringConstraints(pattern=r"^[0-9.-]{1,80}$")] | None = Field(None, description=CURSOR)
    limit: Limit = 50


class RecordView(View):
    """A record: its header, and the part that may concern persons, which is null once it was redacted."""

    seq: int
    chain: str | None
    at: str | None
    kind: str
    decision: str
    server: str | None
    server_slug: str | None
    outcome: str
    person: dict[str, Any] | None
    hash: str


class BehindView(View):
    """How many records cannot be found yet, and how old the oldest of them is."""

    records: int
    seconds: float


class RecordPage(View):
    """Records, newest first; `next` is the cursor of the page that follows, or null."""

    items: list[RecordView]
    next: str | None
    behind: BehindView


class LinkView(View):
    """Who or what stood at one station of the chain."""

    station: str
    id: str
    name: str
    note: str


class LeftOutView(View):
    """A scope that is missing: why, what would bring it as things stand now, and who can do that."""

    scope: str
    cause: str
    why: str
    remedy: str
    who: str


class TokenView(View):
    """The token of a call or the one that was issued: the credential that it was got with, and what it carries."""

    jti: str
    decision: str
    at: str | None
    credential: str
    requested: list[str]
    scopes: list[str]


class DoneView(View):
    """A change that an administrator made."""

    at: str | None
    action: str
    summary: str
    by: str
    decision: str


class PolicyView(View):
    """The policy that was applied and today's, by signal number, and what was changed in between.

    `whole` is false when there are more changes than are shown.
    """

    version: int | None
    version_now: int
    changes: list[DoneView]
    whole: bool


class DecisionView(View):
    """One decision, explained and with its records. `today`: what would be decided about the same use of a tool.

    `contested`: several processes of guards claim this id, and only one can have made the decision. Then nothing is
    explained, `outcome` is `contested` too, and `records` tell who says what.
    """

    decision: str
    at: str | None
    kind: str
    outcome: str
    sentence: str
    chain: list[LinkView]
    needed: list[str]
    left_out: list[LeftOutView]
    token: TokenView | None
    policy: PolicyView
    today: AnswerView | None
    contested: bool
    records: list[RecordView]


class AuditApi:
    """The handlers of `/audit` and `/decisions`."""

    def __init__(self, services: Services) -> None:
        self._audit = services.audit
        self._clients = services.clients
        self._clock = services.clock
        self._directory = services.directory
        self._explanations = Explanations(
            services.audit,
            services.directory,
            services.clients,
            services.questions,
            Offices(services.administrators),
            services.clock,
        )

    @classmethod
    def router(cls) -> APIRouter:
        """Return the routes."""
        found = Routes(cls, tag="audit")
        found.add_api_route("/audit", cls.search, methods=["GET"])
        found.add_api_route("/decisions/{decision}", cls.explain, methods=["GET"])
        return found

    async def search(self, who: Who, wanted: Annotated[Wanted, Query()]) -> RecordPage:
        """Search the log. A server administrator sees what is about their servers."""
        servers = self._servers(wanted.server, who)
        matching = Filter(
            decision=wanted.decision,
            kind=wanted.kind,
            outcome=wanted.outcome.value if wanted.outcome is not None else None,
            since=wanted.since,
            until=wanted.until,
            subject=await self._party(wanted.subject, servers),
            client=await self._party(wanted.client, servers),
            member=await self._party(wanted.member, servers),
            tool=wanted.tool,
            token=wanted.token,
            trace=wanted.trace,
            servers=servers,
        )
        found = await self._audit.search(matching, wanted.cursor, wanted.limit + 1)
        shown = found[: wanted.limit]
        return RecordPage(
            items=[_record(item, self._directory) for _, item in shown],
            next=shown[-1][0] if len(found) > len(shown) else None,
            behind=await self._behind(),
        )

    async def explain(self, who: Who, decision: DecisionId) -> DecisionView:
        """Explain a decision. A server administrator sees those about their servers."""
        account = await self._audit.account(decision, who)
        if not who.sees_all():
            require(who, Need.LOOK_AT_SERVERS, frozenset(item.server for item in account.records))
        return _decision(await self._explanations.explain(account, who), self._directory)

    async def _behind(self) -> BehindView:
        lag = await self._audit.lag()
        seconds = (self._clock.now() - lag.since) / 1_000_000 if lag.since is not None else 0.0
        return BehindView(records=lag.records, seconds=max(0.0, seconds))

    async def _party(self, given: str | None, servers: tuple[str, ...]) -> str | None:
        """Return the id of the agent, application or guard of that name; whatever else was named stands for itself.

        So does a client that has to do with none of `servers`, where only those are searched: nobody is to learn from
        what is found that it is there.
        """
        if given is None or "_" in given:
            return given
        for found in (await named(self._clients, given), await self._clients.by_slug(ClientKind.GUARD, given)):
            if found is not None and (not servers or any(self._directory.reaches(found, one) for one in servers)):
                return found.client.id
        return given

    def _servers(self, given: str | None, who: Authority) -> tuple[str, ...]:
        """Return the ids of the servers to search about; none for everything. Raises NotPermitted, Problem."""
        if given is None and who.sees_all():
            return ()
        if given is None:
            own = tuple(server.id for server in self._directory.servers() if who.administers(server.id))
            require(who, Need.LOOK_AT_SERVERS, frozenset(own if len(own) <= _MOST_SERVERS else ()))
            return own
        found = given if ids.is_id(given, "server") else self._id(given)
        if not who.sees_all():
            require(who, Need.LOOK_AT_SERVERS, frozenset({found} if found else ()))
        if not found:
            raise not_found("server", given)
        return (found,)

    def _id(self, slug: str) -> str:
        found = self._directory.server(slug)
        return found.id if found is not None else ""


def _record(record: StoredRecord, directory: Directory) -> RecordView:
    server = directory.server_by_id(record.server)
    said = person(record)
    return RecordView(
        seq=record.seq,
        chain=_chain(record),
        at=times.render(record.at),
        kind=record.kind,
        decision=record.decision,
        server=record.server or None,
        server_slug=server.slug if server is not None else None,
        outcome=record.outcome,
        person=dict(said) if said is not None else None,
        hash=record.hash.hex(),
    )


def _chain(record: StoredRecord) -> str | None:
    try:
        return decode_header(record.header).chain
    except ValueError:
        return None


def _decision(found: Explanation, directory: Directory) -> DecisionView:
    return DecisionView(
        decision=found.decision,
        at=times.render(found.at),
        kind=found.kind,
        outcome=found.outcome,
        sentence=found.sentence,
        chain=[LinkView(station=link.station, id=link.id, name=link.name, note=link.note) for link in found.chain],
        needed=list(found.needed),
        left_out=[
            LeftOutView(scope=item.scope, cause=item.cause, why=item.why, remedy=item.remedy, who=item.who)
            for item in found.left_out
        ],
        token=_token(found.issuance) if found.issuance is not None else None,
        policy=_policy(found),
        today=questions.view(found.today) if found.today is not None else None,
        contested=found.contested,
        records=[_record(item, directory) for item in found.records],
    )


def _token(record: StoredRecord) -> TokenView:
    said = person(record) or {}
    return TokenView(
        jti=text(said, "jti"),
        decision=record.decision,
        at=times.render(record.at),
        credential=text(said, "credential"),
        requested=list(texts(said, "requested")),
        scopes=list(texts(said, "scopes")),
    )


def _policy(found: Explanation) -> PolicyView:
    return PolicyView(
        version=found.version,
        version_now=found.version_now,
        changes=[
            DoneView(at=times.render(one.at), action=one.action, summary=one.summary, by=one.by, decision=one.decision)
            for one in found.since.changes
        ],
        whole=found.since.whole,
    )
