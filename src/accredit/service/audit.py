"""The audit log for people: search, one decision, and whether the chains hold."""

from dataclasses import dataclass

from accredit.audit import chain
from accredit.identity.changes import StoredRecord
from accredit.ports.audit_log import AuditLog, ChainEnd, Filter
from accredit.service.problem import Problem, ProblemCode
from accredit_sdk import record

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Checked:
    """What verification found in one chain: how many records, and the first bad one with the trouble, if any."""

    chain: str
    guard: str | None
    records: int
    broken_at: int | None = None
    trouble: str | None = None


class Audit:
    """Reads the log."""

    def __init__(self, log: AuditLog) -> None:
        self._log = log

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

    async def verify(self) -> tuple[Checked, ...]:
        """Walk through every chain from its beginning and compare all links."""
        return tuple([await self._walk(end) for end in await self._log.chains()])

    async def _walk(self, end: ChainEnd) -> Checked:
        """Compare the links up to `end`; what was appended since `end` was read is not looked at."""
        seq, link = 0, chain.START
        while seq < end.seq and (page := await self._log.records(end.chain, seq, min(_PAGE, end.seq - seq))):
            for item in page:
                trouble = _trouble(item, seq + 1, link)
                if trouble is not None:
                    return Checked(end.chain, end.guard, seq, seq + 1, trouble)
                seq, link = item.seq, item.hash
        if (seq, link) != (end.seq, end.hash):
            return Checked(end.chain, end.guard, seq, seq + 1, "records are missing at the end of the chain")
        return Checked(end.chain, end.guard, seq)


def _trouble(item: StoredRecord, expected: int, link: bytes) -> str | None:
    if item.seq != expected:
        return "a record is missing"
    try:
        record.verify([record.Record(item.header, item.person, item.salt, item.commitment, item.hash)], link)
    except record.BrokenChain as error:
        return str(error)
    return _columns(item)


def _columns(item: StoredRecord) -> str | None:
    header = record.decode_header(item.header)
    said = (header.seq, header.at, header.kind, header.decision, header.server, header.outcome)
    if said != (item.seq, item.at, item.kind, item.decision, item.server, item.outcome):
        return "the columns to search by differ from the signed header"
    return None
