"""The audit log over the management API: search, one decision explained, and whether the chains hold."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema
from starlette.responses import StreamingResponse

from accredit.audit.events import Result
from accredit.audit.export import STORED
from accredit.audit.verification import Fault, Flaw, Report
from accredit.identity import ids
from accredit.identity.changes import StoredRecord
from accredit.identity.management import Authority, Need
from accredit.ports.audit_log import Filter
from accredit.service.directory import Directory
from accredit.service.explanation import Explanation, Explanations
from accredit.service.keepers import Offices
from accredit.service.problem import not_found
from accredit.service.reasons import texts
from accredit.service.telling import person, text
from accredit.web.api import questions, times
from accredit.web.api.fields import CURSOR, LARGEST_PAGE, Body, Instant, Limit, View
from accredit.web.api.permissions import Who, require
from accredit.web.api.questions import AnswerView
from accredit.web.api.routes import Routes
from accredit.web.api.services import Services
from accredit_sdk.record import decode_header


def _decision_id(text: str) -> str:
    if not ids.is_id(text, "decision"):
        raise ValueError("must be the id of a decision: dec_ and 26 letters and digits")
    return text


DecisionId = Annotated[
    str, AfterValidator(_decision_id), WithJsonSchema({"type": "string", "pattern": "^dec_[a-z0-9]{26}$"})
]
"""The id of a decision, as answers and logs show it."""


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
    since: Instant | None = Field(None, description="Records from this time on.")
    until: Instant | None = Field(None, description="Records before this time.")
    cursor: Annotated[str, StringConstraints(pattern=r"^[0-9.-]{1,80}$")] | None = Field(None, description=CURSOR)
    limit: Limit = 50


class Place(Body):
    """Where an export that broke off goes on: behind the record `chain_name.number`."""

    after: Annotated[str, StringConstraints(pattern=r"^chn_[0-9a-z]{1,40}\.\d{1,18}$")] | None = Field(
        None, description="Only what follows this record, written as the name of its chain, a dot, and its number."
    )

    def place(self) -> tuple[str, int] | None:
        """Return chain and number, or None."""
        if self.after is None:
            return None
        chain, _, seq = self.after.partition(".")
        return chain, int(seq)


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


class RecordPage(View):
    """Records, newest first; `next` is the cursor of the page that follows, or null."""

    items: list[RecordView]
    next: str | None


class FlawView(View):
    """Something that is not as it was written: what, in words and as a word, and where. See `Fault` for the words.

    `seq` is the first record that is or may be bad, `checkpoint` the number of the one that proves it; null for none.
    """

    fault: Fault
    trouble: str
    chain: str | None
    seq: int | None
    decision: str | None
    checkpoint: int | None


class CheckedView(View):
    """One chain: who wrote it, how many records hold, and the first flaw, if any."""

    chain: str
    guard: str | None
    records: int
    flaw: FlawView | None


class ProofView(View):
    """What was recorded until `at` is proved by the checkpoint with that number."""

    number: int
    at: str | None


class VerifiedView(View):
    """Whether everything holds, the chains, and flaws that are no chain's. `proved` is None without a checkpoint."""

    ok: bool
    first: FlawView | None
    chains: list[CheckedView]
    flaws: list[FlawView]
    proved: ProofView | None


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
    """One decision, explained and with its records. `today`: what would be decided about the same use of a tool."""

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
    records: list[RecordView]


class AuditApi:
    """The handlers of `/audit` and `/decisions`."""

    def __init__(self, services: Services) -> None:
        self._audit = services.audit
        self._exports = services.exports
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
        found.add_api_route("/audit/verify", cls.verify, methods=["GET"])
        found.add_api_route("/audit/export", cls.export, methods=["GET"], response_class=StreamingResponse)
        found.add_api_route("/decisions/{decision}", cls.explain, methods=["GET"])
        return found

    async def search(self, who: Who, wanted: Annotated[Wanted, Query()]) -> RecordPage:
        """Search the log. A server administrator has to name a server, one of theirs."""
        server = self._server(wanted.server, who)
        matching = Filter(
            decision=wanted.decision,
            kind=wanted.kind,
            server=server,
            outcome=wanted.outcome.value if wanted.outcome is not None else None,
            since=wanted.since,
            until=wanted.until,
        )
        found = await self._audit.search(matching, wanted.cursor, wanted.limit + 1)
        shown = found[: wanted.limit]
        following = shown[-1][0] if len(found) > len(shown) else None
        return RecordPage(items=[_record(item, self._directory) for _, item in shown], next=following)

    async def verify(self) -> VerifiedView:
        """Walk through every chain and compare everything that can be compared. Takes its time with a long log."""
        return verified(await self._audit.verify(), STORED)

    async def export(self, wanted: Annotated[Place, Query()]) -> StreamingResponse:
        """Send the whole log as lines of JSON that can be verified elsewhere, or what follows one of its records."""
        pages = self._exports.pages(wanted.place())
        first = await anext(pages)
        return StreamingResponse(_stream(first, pages), media_type="application/x-ndjson")

    async def explain(self, who: Who, decision: DecisionId) -> DecisionView:
        """Explain a decision. A server administrator sees those about their servers."""
        if not who.sees_all():
            records = await self._audit.search(Filter(decision=decision), None, LARGEST_PAGE)
            require(who, Need.LOOK_AT_SERVERS, frozenset(item.server for _, item in records))
        return _decision(await self._explanations.explain(decision, who), self._directory)

    def _server(self, given: str | None, who: Authority) -> str | None:
        found = given if given is None or ids.is_id(given, "server") else self._id(given)
        if not who.sees_all():
            require(who, Need.LOOK_AT_SERVERS, frozenset({found} if found else ()))
        if given is not None and not found:
            raise not_found("server", given)
        return found

    def _id(self, slug: str) -> str:
        found = self._directory.server(slug)
        return found.id if found is not None else ""


def verified(report: Report, sequence: str) -> VerifiedView:
    """Return a report as the API tells it; `sequence` names the checkpoints whose proof counts."""
    first, proof = report.first, report.proofs.get(sequence)
    return VerifiedView(
        ok=first is None,
        first=_flaw(first) if first is not None else None,
        chains=[
            CheckedView(
                chain=item.chain,
                guard=item.guard,
                records=item.records,
                flaw=_flaw(item.flaw) if item.flaw is not None else None,
            )
            for item in report.chains
        ],
        flaws=[_flaw(item) for item in report.flaws],
        proved=ProofView(number=proof.number, at=times.render(proof.at)) if proof is not None else None,
    )


def _flaw(flaw: Flaw) -> FlawView:
    return FlawView(
        fault=flaw.fault,
        trouble=flaw.sentence,
        chain=flaw.chain or None,
        seq=flaw.seq or None,
        decision=flaw.decision or None,
        checkpoint=flaw.checkpoint or None,
    )


async def _stream(first: list[bytes], rest: AsyncIterator[list[bytes]]) -> AsyncIterator[bytes]:
    page: list[bytes] | None = first
    while page is not None:
        yield b"".join(line + b"\n" for line in page)
        page = await anext(rest, None)


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
