"""The audit log for people: search, one decision, and whether the chains hold."""

from collections.abc import Iterable

from accredit.audit.export import Examination
from accredit.audit.verification import Report
from accredit.identity.changes import StoredRecord
from accredit.identity.signing_key import KeyUse
from accredit.ports.audit_log import AuditLog, Filter
from accredit.service.exports import Exports
from accredit.service.keyring import Keyring
from accredit.service.problem import Problem, ProblemCode


class Audit:
    """Reads the log."""

    def __init__(self, log: AuditLog, exports: Exports, keyring: Keyring) -> None:
        self._log = log
        self._exports = exports
        self._keyring = keyring

    async def search(self, wanted: Filter, before: str | None, limit: int) -> tuple[tuple[str, StoredRecord], ...]:
        """Return matching records, newest first, each with the cursor behind it. Raises Problem for a bad cursor."""
        try:
            return await self._log.search(wanted, before, limit)
        except ValueError as error:
            raise Problem(ProblemCode.INVALID, "this cursor was not made here; start without one") from error

    async def decision(self, decision: str) -> tuple[StoredRecord, ...]:
        """Return every record of one decision, oldest first. Raises Problem."""
        found = await self._log.search(Filter(decision=decision), None, 100)
        if not found:
            text = f"no record of the decision {decision[:40]!r}; a guard delivers its records within seconds"
            raise Problem(ProblemCode.NOT_FOUND, text)
        return tuple(item for _, item in reversed(found))

    async def verify(self, outside: Iterable[bytes] = ()) -> Report:
        """Walk through every chain from its beginning and compare everything that can be compared.

        `outside` are checkpoints that were kept elsewhere, one document each.
        """
        examination = Examination(self._keyring.verifying(KeyUse.CHECKPOINT), outside)
        async for page in self._exports.pages():
            for line in page:
                examination.line(line)
        return examination.report()
