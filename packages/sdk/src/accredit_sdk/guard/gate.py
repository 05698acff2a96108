"""The judgement of one request: token, envelope, policy, record; then an answer, or a passage.

The steps and their order are those of 3.5 of the design. There is no I/O here but the record, which is kept before
anything takes effect.
"""

from dataclasses import replace
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from accredit_sdk import record
from accredit_sdk.decision import Effect, Reason
from accredit_sdk.errors import InvalidToken, Problem, ScopeError
from accredit_sdk.guard import answers, headers, messages, records, seals
from accredit_sdk.guard.answers import Answer, Site
from accredit_sdk.guard.asks import Ask
from accredit_sdk.guard.headers import Fields
from accredit_sdk.guard.knowledge import Knowledge
from accredit_sdk.guard.messages import Code, Fault, Id, Message
from accredit_sdk.guard.moment import Clock, Dice
from accredit_sdk.guard.outgoing import Screen
from accredit_sdk.guard.scribe import Scribe
from accredit_sdk.guard.sealed import Foreign, Opened
from accredit_sdk.guard.spans import Spans
from accredit_sdk.guard.tokens import Seen, Standing, Tokens
from accredit_sdk.methods import NOTIFICATIONS, Era, treatment
from accredit_sdk.policy import RESOURCE
from accredit_sdk.traceparent import Trace
from accredit_sdk.verify import Verifier

_SCHEME: Final = b"bearer "
_LISTEN: Final = "subscriptions/listen"
_VERBS: Final = {"GET": "stream/open", "DELETE": "session/end"}


class UnknownKey(Exception):
    """A token is signed by a key that is not known: perhaps not known yet."""


class Passage(msgspec.Struct, frozen=True):
    """A request that goes on: the body to pass on, what the server's own ids of it are, and how its answer is screened.

    `standing`: the answer is a stream without an end of its own.
    """

    body: bytes
    opened: Opened
    screen: Screen
    request_id: Id | None
    standing: bool = False


class Bounds(msgspec.Struct, frozen=True):
    """How old, in seconds, the knowledge behind a decision may be: any decision, and one about a destructive target."""

    any: float
    destructive: float


class Gate:
    """Judges requests to one server. Until its scribe has a recorder and knowledge, it is blind and answers 503."""

    def __init__(self, site: Site, bounds: Bounds, clock: Clock, dice: Dice) -> None:
        self.scribe = Scribe(site, clock, dice)
        self._bounds = bounds
        self._clock = clock
        self._verifier = Verifier(site.issuer, site.resource)
        self._tokens = Tokens()
        self._spans = Spans()

    @property
    def knowledge(self) -> Knowledge | None:
        """What decisions are made on; None before the first signed snapshot."""
        return self.scribe.knowledge

    def learn(self, fresh: Knowledge) -> None:
        """Decide on `fresh` from now on. Tokens that other keys vouched for are verified anew."""
        known = self.knowledge
        if known is None or (known.keys is not fresh.keys and known.keys != fresh.keys):
            self._tokens.clear()
        self.scribe.knowledge = fresh

    def blind(self, now: int) -> bool:
        """Tell whether what is known is too old to decide anything on."""
        known = self.knowledge
        return known is None or known.age(now) > self._bounds.any

    def enter(self, fields: Fields, query: bytes, *, wait: bool = False) -> Seen | Answer:
        """Return the good token of a request, or the answer to one without.

        With `wait`, raises UnknownKey when the key of the token is the only thing that is not known of it.
        """
        now = self._clock()
        known = self.knowledge
        if known is None or self.scribe.recorder is None:
            return self.scribe.stranger(Reason.BLIND)
        if query and any(name == "access_token" for name, _ in parse_qsl(query.decode("latin-1"))):
            return self.scribe.stranger(Reason.MALFORMED)
        authorization = fields.get(b"authorization", b"")
        seen = self._tokens.get(authorization)
        if seen is None:
            if known.age(now) > self._bounds.any:
                return self.scribe.stranger(Reason.BLIND)
            if authorization[:7].lower() != _SCHEME:
                return self.scribe.stranger(Reason.NO_TOKEN)
            try:
                seen = self._verified(authorization, known, now)
            except InvalidToken as error:
                if error.problem is Problem.UNKNOWN_KEY and wait:
                    raise UnknownKey from None
                return self.scribe.stranger(Reason.INVALID_TOKEN, error.problem)
        return self._dead(seen, known, now) or seen

    def judge(self, seen: Seen, fields: Fields, body: bytes) -> Passage | Answer:
        """Judge the message `body` of somebody who entered; the body may have come long after."""
        now = self._clock()
        known = self.knowledge
        if known is None:
            return self.scribe.stranger(Reason.BLIND)
        dead = self._dead(seen, known, now)
        if dead is not None:
            return dead
        era = headers.era(fields)
        message: Message | None = None
        try:
            message = messages.parse(body, era)
            if message.id is None and era is Era.MODERN:
                return _notification(message, fields)
            headers.agree(fields, message, era)
            opened = Opened.of(known.seals, seen.owner, fields, message, era)
        except Fault as fault:
            return self._faulty(seen, message, fault, now)
        except Foreign as foreign:
            return self._foreign(seen, message, now, era if foreign.task else None)
        if message.reply or message.id is None:
            return self._unanswered(seen, known, opened, message)
        return self._decided(seen, known, opened, message, era, headers.trace(fields), now)

    def stream(self, seen: Seen, fields: Fields, verb: str) -> Passage | Answer:
        """Judge a GET, which opens a stream, or a DELETE, which ends a session. They are of the HANDSHAKE era only."""
        now = self._clock()
        known = self.knowledge
        if known is None:
            return self.scribe.stranger(Reason.BLIND)
        if headers.era(fields) is Era.MODERN:
            return answers.plain(HTTPStatus.METHOD_NOT_ALLOWED, (b"allow", b"POST"))
        try:
            opened = Opened.of(known.seals, seen.owner, fields)
        except Foreign:
            return self._foreign(seen, None, now, None)
        decision = self.scribe.about(seen, Reason.FREE, now, method=_VERBS[verb])
        if not self.scribe.keep(self.scribe.standing(decision), decision.id, now, b""):
            return self.scribe.refusal(replace(decision, effect=Effect.DENY, reason=Reason.SPOOL_FULL), None)
        screen = Screen(known.policy, known.seals, seen.owner, seen.held, Era.HANDSHAKE, decision.method or "", None)
        return Passage(b"", opened, screen, None, standing=verb == "GET")

    def elsewhere(self, seen: Seen, verb: str, path: str) -> Answer:
        """Refuse a request for a path that is neither the MCP endpoint nor public."""
        now = self._clock()
        decision = self.scribe.about(seen, Reason.METHOD_REFUSED, now, method=f"{verb} {path}"[:256])
        if self.scribe.keep(self.scribe.standing(decision), decision.id, now, b""):
            return answers.plain(HTTPStatus.NOT_FOUND)
        return self.scribe.refusal(replace(decision, reason=Reason.SPOOL_FULL), None)

    def asked(self, seen: Seen, ask: Ask, *, allowed: bool) -> bool:
        """Record what the server asks of the client, with the host of a URL that is to be opened."""
        now = self._clock()
        reason = Reason.OK if allowed else Reason.ASK_REFUSED
        decision = self.scribe.about(seen, reason, now, method=ask.method[:256], tool=ask.host)
        return self.scribe.keep(self.scribe.standing(decision), decision.id, now, b"")

    def spoiled(self, seen: Seen, reason: Reason, request_id: Id | None) -> Answer:
        """Record that an answer of the server cannot be passed on, and return what the client hears instead."""
        now = self._clock()
        return self.scribe.refused(self.scribe.about(seen, reason, now), now, request_id=request_id)

    def ended(self, seen: Seen, reason: Reason, request_id: Id | None) -> tuple[Answer, bytes]:
        """Record that a request under way ends; return its answer, and its last message if it was being answered."""
        now = self._clock()
        problem = None if reason is Reason.BLIND else Problem.REVOKED
        decision = self.scribe.about(seen, reason, now, problem=problem)
        return self.scribe.refused(decision, now), answers.stream_ended(request_id, decision)

    def _verified(self, authorization: bytes, known: Knowledge, now: int) -> Seen:
        try:
            token = authorization[7:].lstrip(b" ")
            claims = self._verifier.verify(token.decode("ascii"), known.keys, now)
            held = claims.scopes()
        except (UnicodeDecodeError, ScopeError):
            raise InvalidToken(Problem.MALFORMED, "the token, or its scope, is malformed") from None
        owner = seals.principal(claims.iss, claims.sub, claims.client_id)
        seen = Seen(claims, (claims.exp + self._verifier.leeway) * 1_000_000, owner, held)
        self._tokens.put(authorization, seen)
        return seen

    def _dead(self, seen: Seen, known: Knowledge, now: int) -> Answer | None:
        """Return the answer to a token that was good once, None while it is; what can change is looked at each time."""
        if known.age(now) > self._bounds.any:
            return self.scribe.stranger(Reason.BLIND)
        if now >= seen.until:
            return self._buried(seen, Reason.INVALID_TOKEN, Problem.EXPIRED, now)
        if seen.cleared is known.revocations and seen.policy is known.policy:
            return None
        reason = known.dead(seen.claims)
        if reason is not None:
            return self._buried(seen, reason, Problem.REVOKED, now)
        held = known.held(seen.claims)
        if seen.policy is not known.policy or held != seen.held:
            seen.standings.clear()
            seen.held, seen.user = held, None
        seen.cleared, seen.policy = known.revocations, known.policy
        return None

    def _decided(
        self,
        seen: Seen,
        known: Knowledge,
        opened: Opened,
        message: Message,
        era: Era,
        trace: Trace | None,
        now: int,
    ) -> Passage | Answer:
        standing = seen.standings.get((era, message.method, opened.names)) or self._standing(
            seen, known, message, opened, era
        )
        decision = standing.decision
        if decision.destructive and decision.allowed and known.age(now) > self._bounds.destructive:
            decision = replace(decision, effect=Effect.DENY, reason=Reason.BLIND)
            standing = self.scribe.standing(decision)
        decision_id = self.scribe.new_id(now)
        arguments = record.arguments_digest(known.arguments_key, message.arguments) if message.arguments else None
        more = records.call_part(arguments, trace.id if trace is not None else None)
        if not self.scribe.keep(standing, decision_id, now, more):
            refused = replace(decision, id=decision_id, reason=Reason.SPOOL_FULL)
            return self.scribe.refusal(refused, message.id)
        if trace is not None and trace.sampled is not None:
            self._spans.decided(trace.sampled, decision, decision_id, now)
        if not decision.allowed:
            return self.scribe.refusal(replace(decision, id=decision_id), message.id, era)
        name = opened.names[0][1] if opened.names else None
        screen = Screen(known.policy, known.seals, seen.owner, seen.held, era, message.method, name)
        return Passage(opened.body, opened, screen, message.id, standing=message.method == _LISTEN)

    def _standing(self, seen: Seen, known: Knowledge, message: Message, opened: Opened, era: Era) -> Standing:
        way = treatment(era, message.method)
        decision = known.policy.judge(seen.claims, message.method, way, opened.names, "", seen.held)
        found = self.scribe.standing(decision)
        # The policy bounds how many tools and prompts there are; the URIs of resources are without number.
        if found.decision.allowed and not any(kind == RESOURCE for kind, _ in opened.names):
            seen.standings[era, message.method, opened.names] = found
        return found

    def _unanswered(self, seen: Seen, known: Knowledge, opened: Opened, message: Message) -> Passage | Answer:
        """Let a notification, or a response to the server, through to a session; what no server knows ends here."""
        if not message.reply and message.method not in NOTIFICATIONS:
            return answers.accepted()
        screen = Screen(known.policy, known.seals, seen.owner, seen.held, Era.HANDSHAKE, message.method, None)
        return Passage(opened.body, opened, screen, None)

    def _faulty(self, seen: Seen, message: Message | None, fault: Fault, now: int) -> Answer:
        reason = Reason.HEADER_MISMATCH if fault.code is Code.HEADER_MISMATCH else Reason.MALFORMED
        method = message.method[:256] if message is not None else None
        decision = self.scribe.about(seen, reason, now, method=method)
        if self.scribe.keep(self.scribe.standing(decision), decision.id, now, b""):
            return answers.fault(fault)
        return self.scribe.refusal(replace(decision, reason=Reason.SPOOL_FULL), fault.id)

    def _foreign(self, seen: Seen, message: Message | None, now: int, task_of: Era | None) -> Answer:
        """Refuse an id that is not the caller's; for a task, in the way of its era: 404 would end the session."""
        method, request_id = (message.method[:256], message.id) if message is not None else (None, None)
        decision = self.scribe.about(seen, Reason.SESSION, now, method=method)
        answer = self.scribe.refused(decision, now, request_id=request_id)
        if task_of is None or answer.status != HTTPStatus.NOT_FOUND:
            return answer
        return answers.unknown(method, request_id, task_of)

    def _buried(self, seen: Seen, reason: Reason, problem: Problem, now: int) -> Answer:
        return self.scribe.bounded(self.scribe.about(seen, reason, now, problem=problem), now)


def _notification(message: Message, fields: Fields) -> Answer:
    """Take a notification, and let it end here: in the modern era no server acts on one."""
    if not message.method.startswith("notifications/"):
        raise Fault(Code.INVALID_REQUEST, "A request needs an id")
    if not headers.speaks(fields):
        raise headers.unsupported(fields, message)
    return answers.accepted()
