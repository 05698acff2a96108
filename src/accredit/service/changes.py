"""How every administrative use case ends: commit, and answer only when this node itself acts on the change."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from accredit.audit.events import Administered
from accredit.identity.changes import Claim, KeepAnswer, Unchanged
from accredit.oauth.outcome import Lost, Outcome
from accredit.ports.clock import Clock
from accredit.ports.journal import Journal, Overloaded, StoreError, Unstorable, WriterStopped
from accredit.service.directory import Directory
from accredit.service.ids import Ids
from accredit.service.once import Once, Repeated
from accredit.service.problem import Problem, ProblemCode

_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class Changes:
    """What the administrative services share. On one node, those that settle who holds what take turns."""

    directory: Directory
    journal: Journal
    ids: Ids
    clock: Clock
    settling: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def commit(self, outcome: Outcome[Any], lost: Problem, once: Once[Any] | None = None) -> None:
        """Make `outcome` durable and visible on this node, and with it the answer to a request that may come `once`.

        Raises `lost` when a rival was first, Repeated when the request itself was.
        """
        claim = await self.attempt(replace(outcome, claims=(*self._kept(outcome, once), *outcome.claims)))
        if isinstance(claim, KeepAnswer):
            raise Repeated(claim.answer.key)
        if claim is not None:
            raise lost

    async def settle(
        self, drawn: Callable[[], Awaitable[Outcome[Any]]], lost: Problem, once: Once[Any] | None = None
    ) -> None:
        """Commit what `drawn` makes of who holds what; it is asked again when anything else changed meanwhile.

        What somebody may do comes from themselves, their groups and the roles of both: no claim on one of them is
        enough. Raises `lost` when a rival was first, or when there is no end of them; Repeated like `commit`.
        """
        async with self.settling:
            for _ in range(_ATTEMPTS):
                await self.directory.catch_up()
                since = Unchanged(self.directory.cursor)
                outcome = await drawn()
                kept = self._kept(outcome, once)
                claim = await self.attempt(replace(outcome, claims=(*kept, *outcome.claims, since)))
                if claim is None:
                    return
                if isinstance(claim, KeepAnswer):
                    raise Repeated(claim.answer.key)
                if claim != since:
                    break
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

    def _kept(self, outcome: Outcome[Any], once: Once[Any] | None) -> tuple[KeepAnswer, ...]:
        """Return the claim that makes this the only time that a request is carried out, if it comes `once`."""
        return () if once is None else (once.keep(outcome.answer, self.clock.now()),)

    def event(self, action: str, target: str, by: str, summary: str, server: str | None = None) -> Administered:
        """Return the audit event of an administrative change, with a fresh decision id."""
        return Administered(
            decision=self.ids.new("decision"), server=server, action=action, target=target, by=by, summary=summary
        )
