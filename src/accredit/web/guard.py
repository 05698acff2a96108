"""RFC 6750: the guard API over HTTP: enrolment, snapshot, signals, records."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from accredit.identity.signing_key import KeyUse
from accredit.service.deployment import guard_resource
from accredit.service.enrolment import EnrolmentService
from accredit.service.guard_feed import GuardFeed
from accredit.service.guard_records import GuardRecords, OutOfStep
from accredit.service.guard_streams import LONGEST_BEAT, GuardStreams
from accredit.service.guards import Caller, Guards, NotAGuard
from accredit.service.keyring import Keyring
from accredit.service.leases import Leases
from accredit.service.problem import Problem, ProblemCode
from accredit.web import errors
from accredit.web.body import BodyRefused, check_type, read
from accredit.web.guard_stream import EventStream
from accredit_sdk import snapshot, strict_json

_MAX_ENROL: Final = 8192
_MAX_ACK: Final = 4096
_MAX_RECORDS: Final = 4 * 1024 * 1024
_BEAT: Final = 5
_JWT: Final = "application/jwt"
_LINES: Final = "application/x-ndjson"


class _EnrolBody(msgspec.Struct, forbid_unknown_fields=False):
    code: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    jwk: dict[str, Any]


class _AckBody(msgspec.Struct, forbid_unknown_fields=False):
    """What a process of a guard says of itself; `bound` and `beat` are seconds."""

    schema: Annotated[int, msgspec.Meta(ge=1, le=snapshot.SCHEMA)]
    instance: Annotated[str, msgspec.Meta(pattern=r"^gin_[0-9a-v]{26}\Z")]
    seq: Annotated[int, msgspec.Meta(ge=0, le=2**53)]
    bound: Annotated[int, msgspec.Meta(ge=1, le=snapshot.LONGEST_BOUND)]
    beat: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_BEAT)]
    ended: bool = False


@dataclass(frozen=True, slots=True)
class GuardApi:
    """The handlers of `/guard/v1`."""

    issuer: str
    token_endpoint: str
    enrolment: EnrolmentService
    guards: Guards
    feed: GuardFeed
    streams: GuardStreams
    leases: Leases
    records: GuardRecords
    keyring: Keyring

    def routes(self, prefix: str) -> Sequence[BaseRoute]:
        """Return the routes of the guard API behind the path `prefix` of the issuer."""
        return [
            Route(prefix + "/guard/v1/enrol", self.enrol, methods=["POST"]),
            Route(prefix + "/guard/v1/snapshot", self.snapshot, methods=["GET"]),
            Route(prefix + "/guard/v1/changes", self.changes, methods=["GET"]),
            Route(prefix + "/guard/v1/ack", self.acknowledge, methods=["POST"]),
            Route(prefix + "/guard/v1/stream", self.stream, methods=["GET"]),
            Route(prefix + "/guard/v1/records", self.take_records, methods=["POST"]),
        ]

    async def enrol(self, request: Request) -> Response:
        """Exchange a one-time code for an identity."""
        try:
            check_type(request.headers.getlist("content-type"), "application/json")
            wanted = msgspec.convert(strict_json.decode(await read(request.receive, _MAX_ENROL)), _EnrolBody)
        except BodyRefused as refused:
            return errors.response("invalid", refused.status, refused.text)
        except ValueError:
            text = 'send a JSON object with "code" and "jwk"'
            return errors.response("invalid", 400, text)
        address = request.client.host if request.client else ""
        found = await self.enrolment.enrol(wanted.code, wanted.jwk, address)
        body = {
            "client_id": found.client.client_id,
            "issuer": self.issuer,
            "token_endpoint": self.token_endpoint,
            "resource": guard_resource(self.issuer),
            "server": {"id": found.server.id, "resource": found.server.resource},
            "signal_keys": list(self.keyring.published(KeyUse.SIGNAL)),
        }
        return JSONResponse(body, status_code=201, headers={"Cache-Control": "no-store"})

    async def snapshot(self, request: Request) -> Response:
        """Give the whole state of the guard's server, signed."""
        caller = await self._caller(request, "policy")
        if isinstance(caller, Response):
            return caller
        return Response(await self.feed.snapshot(caller.server), media_type=_JWT)

    async def changes(self, request: Request) -> Response:
        """Give what happened after a number, signed."""
        caller = await self._caller(request, "signals")
        if isinstance(caller, Response):
            return caller
        after, wait = _number(request, "after"), _number(request, "wait", 0)
        if after is None or wait is None:
            return errors.response("invalid", 400, "say after which signal, and how long to wait: ?after=NUMBER&wait=5")
        if wait:
            await self.streams.news(caller, after, min(wait, LONGEST_BEAT))
            if not await self.streams.lives(caller):
                return errors.unauthorized("invalid_token")
        return Response(await self.feed.changes(caller.server, after), media_type=_JWT)

    async def stream(self, request: Request) -> Response:
        """Give what happens after a number, one signed signal after the other, as it happens."""
        if request.method == "HEAD":
            raise HTTPException(405, headers={"Allow": "GET"})
        caller = await self._caller(request, "signals")
        if isinstance(caller, Response):
            return caller
        after, beat = _number(request, "after"), _number(request, "beat", _BEAT)
        if after is None or beat is None:
            text = "say after which signal, and how often to say that nothing is new: ?after=NUMBER&beat=5"
            return errors.response("invalid", 400, text)
        return EventStream(self.streams, self.streams.open(caller, after, beat))

    async def acknowledge(self, request: Request) -> Response:
        """Take down what a process of the guard has applied, and that it is still there.

        What it says to have applied before that has happened counts as what has.
        """
        caller = await self._caller(request, "signals")
        if isinstance(caller, Response):
            return caller
        try:
            check_type(request.headers.getlist("content-type"), "application/json")
            said = msgspec.convert(strict_json.decode(await read(request.receive, _MAX_ACK)), _AckBody)
        except BodyRefused as refused:
            return errors.response("invalid", refused.status, refused.text)
        except ValueError:
            text = 'send a JSON object with "schema", "instance", "seq", "bound" and "beat"'
            return errors.response("invalid", 400, text)
        of = caller.principal.client.id
        seq = await self.feed.happened(said.seq)
        self.leases.hear(of, said.instance, seq, bound=said.bound, beat=said.beat, ended=said.ended)
        return Response(status_code=204)

    async def take_records(self, request: Request) -> Response:
        """Take a delivery of records over."""
        caller = await self._caller(request, "records")
        if isinstance(caller, Response):
            return caller
        try:
            check_type(request.headers.getlist("content-type"), _LINES)
            done = await self.records.take(caller, await read(request.receive, _MAX_RECORDS))
        except BodyRefused as refused:
            return errors.response("invalid", refused.status, refused.text)
        except OutOfStep as out:
            end = out.end
            text = "the delivery does not continue the chain"
            return errors.response("out_of_step", 409, text, chain=end.chain, seq=end.seq, hash=end.hash.hex())
        except Problem as problem:
            if problem.code is ProblemCode.INVALID:
                return errors.response("invalid", 400, problem.detail)
            raise
        return JSONResponse({"chain": done.chain, "seq": done.seq})

    async def _caller(self, request: Request, scope: str) -> Caller | Response:
        given = request.headers.getlist("authorization")
        scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        if scheme.lower() != "bearer":
            return errors.unauthorized(None)
        try:
            return await self.guards.authenticate(token.strip(), scope)
        except NotAGuard:
            return errors.unauthorized("invalid_token")


def _number(request: Request, name: str, usual: int | None = None) -> int | None:
    """Return a number of the query; None when it is none, or there are several."""
    given = request.query_params.getlist(name)
    if not given:
        return usual
    text = given[0]
    return int(text) if len(given) == 1 and text.isascii() and text.isdigit() and len(text) < 19 else None
