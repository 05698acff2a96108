"""The audit log for people: search, one decision, and whether the chains hold."""

import contextlib
from collections.abc import Iterable
from typing import Final

from accredit.audit.verification import Report
from accredit.identity.changes import StoredRecord
from accredit.identity.signing_key import KeyUse
from accredit.ports.audit_log import Filter, Lag, SearchTables
from accredit.ports.journal import Overloaded, StoreError, WriterStopped
from accredit.service.exports import Exports
from accredit.service.keyring import Keyring
from accredit.service.problem import Problem, ProblemCode
from accredit.service.projection import Projection

_AT_ONCE: Final = 500
_TRIES: Final = 5


class Audit:
    """Reads the log."""

    def __init__(self, tables: SearchTables, projection: Projection, exports: Exports, keyring: Keyring) -> None:
        self._tables = tables
        self._projection = projection
        self._exports = exports
        self._keyring = keyring

    async def search(self, wanted: Filter, before: str | None, limit: int) -> tuple[tuple[str, StoredRecord], ...]:
        """Return matching records, newest first, each with the cursor behind it. Raises Problem for a bad cursor."""
        await self._hurry()
        try:
            return await self._tables.search(wanted, before, limit)
        except ValueError as error:
            raise Problem(ProblemCode.INVALID, "this cursor was not made here; start without one") from error

    async def lag(self) -> Lag:
        """Return how far the search tables are behind the log."""
        return await self._tables.lag()

    async def begins(self) -> int | None:
        """Return when the oldest record happened that can be found (microseconds UTC), None when there is none."""
        return await self._tables.begins()

    async def decision(self, decision: str) -> tuple[StoredRecord, ...]:
        """Return every record of one decision, oldest first. Raises Problem."""
        found = await self.search(Filter(decision=decision), None, 100)
        if not found:
            text = f"no record of the decision {decision[:40]!r}; a guard delivers its records within seconds"
            raise Problem(ProblemCode.NOT_FOUND, text)
        return tuple(item for _, item in reversed(found))

    async def _hurry(self) -> None:
        """Make findable what has only just been recorded, if it is little: who asks wants to see what they did."""
        with contextlib.suppress(StoreError, Overloaded, WriterStopped):
            for _ in range(_TRIES):
                if not await self._projection.catch_up(_AT_ONCE):
                    break

    async def verify(self, outside: Iterable[bytes] = ()) -> Report:
        """Walk through every chain from its beginning and compare everything that can be compared.

        `outside` are checkpoints that were kept elsewhere, one document each.
        """
        return await self._exports.verify(self._keyring.verifying(KeyUse.CHECKPOINT), outside)
