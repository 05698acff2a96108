"""The judgement of one request: token, envelope, policy, record; then an answer, or a body that may go on.

The steps, their order and their answers are those of docs/reference and 3.5 of the design. There is no I/O here but the
record, which is kept before anything takes effect.
"""

from dataclasses import replace
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from accredit_sdk import ids, record
from accredit_sdk.decision import Decision, Effect, Reason
from accredit_sdk.errors import InvalidToken, Problem, ScopeError
from accredit_sdk.guard import answers, headers, messages, records
from accredit_sdk.guard.answers import Answer, Site
from accredit_sdk.guard.headers import Fields
from accredit_sdk.guard.knowledge import Knowledge
from accredit_sdk.guard.messages import Code, Fault, Id, Message
from accredit_sdk.guard.moment import Clock, Dice
from accredit_sdk.guard.records import Recorder
from accredit_sdk.guard.spool import SpoolFull
from accredit_sdk.guard.strangers import Strangers
from accredit_sdk.guard.tokens import Seen, Standing, Tokens
from accredit_sdk.verify import Verifier

_SCHEME: Final = b"bearer "


class UnknownKey(Exception):
    """A token is signed by a key that is not known: perhaps not known yet."""


class Passage(msgspec.Struct, frozen=True):
    """A call that goes on: the body to pass on, and the id of the decision. Its record is kept."""

    body: bytes
    decision: str


class Bounds(msgspec.Struct, frozen=True):
    """How old, in seconds, the knowledge behind a decision may be: any decision, and one about a destructive target."""

    any: float
    destructive: float


class Gate:
    """Judges requests to one server. Until it has a recorder and knowledge, it is blind and answers 503."""

    def __init__(self, site: Site, bounds: Bounds, clock: Clock, dice: Dice) -> None:
        self.site = site
        self.recorder: Recorder | None = None
        self._knowledge: Knowledge | None = None
        self._bounds = bounds
        self._clock = clock
        self._dice = dice
        self._verifier = Verifier(site.issuer, site.resource)
        self._tokens = Tokens()
        self._strangers = Strangers()

    @property
    def knowledge(self) -> Knowledge | None:
        """What decisions are made on; None before the first signed snapshot."""
        return self._knowledge

    def learn(self, fresh: Knowledge) -> None:
        """Decide on `fresh` from now on. Tokens that other keys vouched for are verified anew."""
        known = self._knowledge
        if known is None or (known.keys is not fresh.keys and known.keys != fresh.keys):
            self._tokens.clear()
        self._knowledge = fresh

    def forbidden(self) -> Answer:
        """Refuse a request for another host, or from a page of another origin."""
        return self._stranger(Reason.FORBIDDEN_ORIGIN)

    def doubtful(self) -> Answer:
        """Refuse a request whose credentials or headers can be read in two ways (RFC 6750, 3.1)."""
        return self._stranger(Reason.MALFORMED)

    def unsure(self) -> Answer:
        """Answer a token of an unknown key while Accredit cannot be asked whether there is a new one."""
        return self._stranger(Reason.BLIND)

    def enter(self, fields: Fields, query: bytes, *, wait: bool = False) -> Seen | Answer:
        """Return the good token of a request, or the answer to one without.

        With `wait`, raises UnknownKey when the key of the token is the only thing that is not known of it.
        """
        now = self._clock()
        known = self._knowledge
        if known is None or self.recorder is None:
            return self._stranger(Reason.BLIND)
        if query and any(name == "access_token" for name, _ in parse_qsl(query.decode("latin-1"))):
            return self.doubtful()
        authorization = fields.get(b"authorization", b"")
        seen = self._tokens.get(authorization)
        if seen is None:
            if known.age(now) > self._bounds.any:
                return self._stranger(Reason.BLIND)
            if authorization[:7].lower() != _SCHEME:
                return self._stranger(Reason.NO_TOKEN)
            try:
                seen = self._verified(authorization, known, now)
            except InvalidToken as error:
                if error.problem is Problem.UNKNOWN_KEY and wait:
                    raise UnknownKey from None
                return self._stranger(Reason.INVALID_TOKEN, error.problem)
        return self._dead(seen, known, now) or seen

    def judge(self, seen: Seen, fields: Fields, body: bytes) -> Passage | Answer:
        """Judge the message `body` of somebody who entered; the body may have come long after."""
        now = self._clock()
        known = self._knowledge
        if known is None:
            return self._stranger(Reason.BLIND)
        dead = self._dead(seen, known, now)
        if dead is not None:
            return dead
        message: Message | None = None
        try:
            message = messages.parse(body)
            if message.id is None:
                return _notification(message, fields)
            headers.agree(fields, message)
        except Fault as fault:
            return self._faulty(seen, message, fault, now)
        return self._decided(seen, known, message, headers.trace_id(fields), now)

    def elsewhere(self, seen: Seen, verb: str, path: str) -> Answer:
        """Refuse a request for a path that is neither the MCP endpoint nor public."""
        now = self._clock()
        decision = self._denied(seen, Reason.METHOD_REFUSED, f"{verb} {path}"[:256], now)
        return self._kept(decision, None, now) or answers.plain(HTTPStatus.NOT_FOUND)

    def _verified(self, authorization: bytes, known: Knowledge, now: int) -> Seen:
        try:
            token = authorization[7:].lstrip(b" ")
            claims = self._verifier.verify(token.decode("ascii"), known.keys, now)
            claims.scopes()
        except (UnicodeDecodeError, ScopeError):
            raise InvalidToken(Problem.MALFORMED, "the token, or its scope, is malformed") from None
        seen = Seen(claims, (claims.exp + self._verifier.leeway) * 1_000_000)
        self._tokens.put(authorization, seen)
        return seen

    def _dead(self, seen: Seen, known: Knowledge, now: int) -> Answer | None:
        """Return the answer to a token that was good once, None while it is; what can change is looked at each time."""
        if known.age(now) > self._bounds.any:
            return self._stranger(Reason.BLIND)
        if now >= seen.until:
            return self._buried(seen, Reason.INVALID_TOKEN, Problem.EXPIRED, now)
        if seen.cleared is known.revocations and seen.policy is known.policy:
            return None
        reason = known.revocations.reason(seen.claims.rev, seen.claims.ver)
        if reason is None and known.policy.suspended:
            reason = Reason.SUSPENDED
        if reason is not None:
            return self._buried(seen, reason, Problem.REVOKED, now)
        if seen.policy is not known.policy:
            seen.standings.clear()
        seen.cleared, seen.policy = known.revocations, known.policy
        return None

    def _decided(
        self, seen: Seen, known: Knowledge, message: Message, trace_id: str | None, now: int
    ) -> Passage | Answer:
        standing = seen.standings.get((message.method, message.name)) or self._standing(seen, known, message)
        decision = standing.decision
        if decision.destructive and decision.allowed and known.age(now) > self._bounds.destructive:
            decision = replace(decision, effect=Effect.DENY, reason=Reason.BLIND)
            standing = Standing(decision, self._head(decision))
        decision_id = self._new_id(now)
        arguments = record.arguments_digest(known.arguments_key, message.arguments) if message.arguments else None
        if not self._keep(standing, decision_id, now, records.call_part(arguments, trace_id)):
            return self._refusal(replace(decision, id=decision_id, reason=Reason.SPOOL_FULL), message.id)
        if decision.allowed:
            return Passage(message.body, decision_id)
        return self._refusal(replace(decision, id=decision_id), message.id)

    def _standing(self, seen: Seen, known: Knowledge, message: Message) -> Standing:
        decision = known.policy.judge(seen.claims, message.method, message.name, "")
        found = Standing(decision, self._head(decision))
        if decision.allowed:
            seen.standings[message.method, message.name] = found
        return found

    def _faulty(self, seen: Seen, message: Message | None, fault: Fault, now: int) -> Answer:
        reason = Reason.HEADER_MISMATCH if fault.code is Code.HEADER_MISMATCH else Reason.MALFORMED
        decision = self._denied(seen, reason, message.method[:256] if message is not None else None, now)
        return self._kept(decision, fault.id, now) or answers.fault(fault)

    def _buried(self, seen: Seen, reason: Reason, problem: Problem, now: int) -> Answer:
        decision = replace(self._denied(seen, reason, None, now), problem=problem)
        return self._answered(decision, now)

    def _stranger(self, reason: Reason, problem: Problem | None = None) -> Answer:
        now = self._clock()
        server = self._knowledge.policy.server_id if self._knowledge is not None else ""
        return self._answered(
            Decision(id=self._new_id(now), effect=Effect.DENY, reason=reason, server=server, problem=problem), now
        )

    def _answered(self, decision: Decision, now: int) -> Answer:
        """Refuse somebody without a good token; at most so many of them are recorded."""
        if self.recorder is not None and self._strangers.admit(now):
            return self._kept(decision, None, now) or self._refusal(decision, None)
        return self._refusal(decision, None)

    def _kept(self, decision: Decision, request_id: Id | None, now: int) -> Answer | None:
        """Record a refusal; return an answer only if that is not possible."""
        if self._keep(Standing(decision, self._head(decision)), decision.id, now, b""):
            return None
        return self._refusal(replace(decision, reason=Reason.SPOOL_FULL), request_id)

    def _keep(self, standing: Standing, decision_id: str, now: int, more: bytes) -> bool:
        """Record a decision; tell whether it is kept. A decision without its record takes no effect."""
        if self.recorder is None:
            return False
        try:
            self.recorder.decision(decision_id, standing.decision.effect, now, standing.head, more)
        except SpoolFull:
            return False
        return True

    def _head(self, decision: Decision) -> bytes:
        return self.recorder.head(records.person(decision)) if self.recorder is not None else b""

    def _denied(self, seen: Seen, reason: Reason, method: str | None, now: int) -> Decision:
        claims, policy = seen.claims, self._knowledge.policy if self._knowledge is not None else None
        return Decision(
            id=self._new_id(now),
            effect=Effect.DENY,
            reason=reason,
            server=policy.server_id if policy is not None else "",
            method=method,
            subject=claims.sub,
            client_id=claims.client_id,
            actors=claims.chain(),
            grant_id=claims.grant_id,
            policy_version=policy.version if policy is not None else 0,
        )

    def _refusal(self, decision: Decision, request_id: Id | None) -> Answer:
        defaults = self._knowledge.policy.default_scopes if self._knowledge is not None else frozenset[str]()
        return answers.refusal(decision, self.site, defaults=defaults, request_id=request_id)

    def _new_id(self, now: int) -> str:
        return ids.encode("dec_", now // 1000, self._dice.take(ids.RANDOM_BYTES))


def _notification(message: Message, fields: Fields) -> Answer:
    """Take a notification, and let it end here: in this era no server acts on one."""
    if not message.method.startswith("notifications/"):
        raise Fault(Code.INVALID_REQUEST, "A request needs an id")
    if not headers.speaks(fields):
        raise headers.unsupported(fields, message)
    return answers.accepted()
