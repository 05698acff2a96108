"""How every administrative use case ends: commit, and answer only when this node itself acts on the change."""

from dataclasses import dataclass, replace
from typing import Any

from accredit.audit.events import Administered
from accredit.identity.changes import Claim, KeepAnswer
from accredit.oauth.outcome import Lost, Outcome
from accredit.ports.clock import Clock
from accredit.ports.journal import Journal, Overloaded, StoreError, Unstorable, WriterStopped
from accredit.service.directory import Directory
from accredit.service.ids import Ids
from accredit.service.once import Once, Repeated
from accredit.service.problem import Problem, ProblemCode


@dataclass(frozen=True, slots=True)
class Changes:
    """What the administrative services share."""

    directory: Directory
    journal: Journal
    ids: Ids
    clock: Clock

    async def commit(self, outcome: Outcome[Any], lost: Problem, once: Once[Any] | None = None) -> None:
        """Make `outcome` durable and visible on this node, and with it the answer to a request that may come `once`.

        Raises `lost` when a rival was first, Repeated when the request itself was.
        """
        if once is not None:
            outcome = replace(outcome, claims=(once.keep(outcome.answer, self.clock.now()), *outcome.claims))
        claim = await self.attempt(outcome)
        if isinstance(claim, KeepAnswer):
            raise Repeated(claim.answer.key)
        if claim is not None:
            raise lost

    async def attempt(self, outcome: Outcome[Any]) -> Claim | None:
        """Make `outcome` durable and visible on this node; return None, or the claim that a rival won."""
        try:
            verdict = await self.journal.submit(outcome)
        except Unstorable as error:
            raise Problem(ProblemCode.INVALID, str(error)) from error
        except (Overloaded, StoreError, WriterStopped) as error:
            text = f"nothing was changed: the database cannot be written at the moment ({error})"
            raise Problem(ProblemCode.UNAVAILABLE, text) from error
        if isinstance(verdict, Lost):
            return verdict.claim
        await self.directory.catch_up()
        return None

    def event(self, action: str, target: str, by: str, summary: str, server: str | None = None) -> Administered:
        """Return the audit event of an administrative change, with a fresh decision id."""
        return Administered(
            decision=self.ids.new("decision"), server=server, action=action, target=target, by=by, summary=summary
        )
