"""Refusals and records: every decision is kept before it takes effect, and its answer is made of it."""

from dataclasses import replace

from accredit_sdk import ids
from accredit_sdk.decision import Decision, Effect, Mode, Reason
from accredit_sdk.errors import Problem
from accredit_sdk.guard import answers, records
from accredit_sdk.guard.answers import Answer, Site
from accredit_sdk.guard.knowledge import Knowledge
from accredit_sdk.guard.messages import Id
from accredit_sdk.guard.moment import Clock, Dice
from accredit_sdk.guard.records import Recorder
from accredit_sdk.guard.spool import SpoolFull
from accredit_sdk.guard.strangers import Strangers
from accredit_sdk.guard.tokens import Seen, Standing
from accredit_sdk.methods import Era


class Scribe:
    """Writes down what is decided. Without a recorder nothing is kept, and so nothing goes on."""

    def __init__(self, site: Site, clock: Clock, dice: Dice) -> None:
        self.site = site
        self.recorder: Recorder | None = None
        self.knowledge: Knowledge | None = None
        self._clock = clock
        self._dice = dice
        self._strangers = Strangers()
        self.decisions: dict[Reason, int] = {}
        self.unrecorded = 0

    def standing(self, decision: Decision) -> Standing:
        """Return `decision` with the beginning of its records."""
        head = self.recorder.head(records.person(decision)) if self.recorder is not None else b""
        return Standing(decision, head)

    def keep(self, standing: Standing, decision_id: str, now: int, more: bytes) -> bool:
        """Record a decision; tell whether it is kept. A decision without its record takes no effect."""
        if self.recorder is None:
            return False
        try:
            self.recorder.decision(decision_id, standing.decision.effect, now, standing.head, more)
        except SpoolFull:
            self.unrecorded += 1
            return False
        reason = standing.decision.reason
        self.decisions[reason] = self.decisions.get(reason, 0) + 1
        return True

    def stranger(self, reason: Reason, problem: Problem | None = None) -> Answer:
        """Refuse somebody of whom nothing is known; at most so many of them are recorded."""
        now = self._clock()
        server = self.knowledge.policy.server_id if self.knowledge is not None else ""
        decision = Decision(id=self.new_id(now), effect=Effect.DENY, reason=reason, server=server, problem=problem)
        return self.bounded(decision, now)

    def bounded(self, decision: Decision, now: int) -> Answer:
        """Refuse, and record it as long as not too many are refused in a short time."""
        if self.recorder is not None and self._strangers.admit(now):
            return self.refused(decision, now)
        return self.refusal(decision, None)

    def refused(self, decision: Decision, now: int, *, request_id: Id | None = None, era: Era = Era.MODERN) -> Answer:
        """Refuse, and record it; a refusal that cannot be recorded says so."""
        if not self.keep(self.standing(decision), decision.id, now, b""):
            decision = replace(decision, reason=Reason.SPOOL_FULL)
        return self.refusal(decision, request_id, era)

    def about(
        self,
        seen: Seen,
        reason: Reason,
        now: int,
        *,
        method: str | None = None,
        tool: str | None = None,
        problem: Problem | None = None,
    ) -> Decision:
        """Return a decision about somebody whose token is known; OK and FREE allow, all other reasons deny."""
        claims, policy = seen.claims, self.knowledge.policy if self.knowledge is not None else None
        return Decision(
            id=self.new_id(now),
            effect=Effect.ALLOW if reason in (Reason.OK, Reason.FREE) else Effect.DENY,
            reason=reason,
            server=policy.server_id if policy is not None else "",
            method=method,
            tool=tool,
            subject=claims.sub,
            client_id=claims.client_id,
            actors=claims.chain(),
            grant_id=claims.grant_id,
            jti=claims.jti,
            policy_version=policy.version if policy is not None else 0,
            mode=policy.mode if policy is not None else Mode.ENFORCE,
            problem=problem,
        )

    def refusal(self, decision: Decision, request_id: Id | None, era: Era = Era.MODERN) -> Answer:
        """Return the answer to what `decision` refuses."""
        defaults = self.knowledge.policy.default_scopes if self.knowledge is not None else frozenset[str]()
        return answers.refusal(decision, self.site, defaults=defaults, request_id=request_id, era=era)

    def new_id(self, now: int) -> str:
        """Return a fresh id of a decision."""
        return ids.encode("dec_", now // 1000, self._dice.take(ids.RANDOM_BYTES))
