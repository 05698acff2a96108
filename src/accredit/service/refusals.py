"""What was asked of the management API by somebody who may not have it: recorded before it is refused."""

from typing import Final

from accredit.audit.events import AdministrationRefused
from accredit.oauth.outcome import Outcome
from accredit.service.changes import Changes

UNKNOWN_PER_MINUTE: Final = 10
"""How many refusals of callers whom nobody knows one process records within a minute; the others are counted."""

_MINUTE: Final = 60_000_000


class Refusals:
    """Records refusals. Whoever is known is recorded each time; strangers cannot fill the log."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._minute = 0
        self._recorded = 0
        self._unsaid = 0

    async def not_permitted(self, by: str, operation: str, need: str) -> str:
        """Record that `by` may not do `operation`, which needs `need`; return the id of the decision.

        Raises StoreError, Overloaded, WriterStopped.
        """
        return await self._record(by, operation, f"this needs {need}", 0)

    async def unknown(self, reason: str) -> None:
        """Record that a token opened nothing, and why; its holder is not told. Raises what the other does."""
        minute = self._changes.clock.now() // _MINUTE
        if minute != self._minute:
            self._minute, self._recorded = minute, 0
        if self._recorded >= UNKNOWN_PER_MINUTE:
            self._unsaid += 1
            return
        self._recorded += 1
        unsaid, self._unsaid = self._unsaid, 0
        await self._record("", "", reason, unsaid)

    async def _record(self, by: str, operation: str, reason: str, unsaid: int) -> str:
        decision = self._changes.ids.new("decision")
        event = AdministrationRefused(decision=decision, by=by, operation=operation, reason=reason, unsaid=unsaid)
        await self._changes.journal.submit(Outcome(None, events=(event,)))
        return decision
