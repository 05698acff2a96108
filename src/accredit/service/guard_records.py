"""What guards report: their records, taken over only as an unbroken continuation of their own chains."""

from dataclasses import dataclass
from typing import Final, get_args

import msgspec

from accredit.audit import chain
from accredit.audit.events import ChainClosed, ChainOpened, Event
from accredit.identity import ids
from accredit.identity.changes import AppendRecords, StoredRecord
from accredit.oauth.outcome import Lost, Outcome
from accredit.ports.audit_log import AuditLog, ChainEnd
from accredit.ports.clock import Clock
from accredit.ports.journal import Journal, Unstorable
from accredit.ports.measures import Measures
from accredit.service.guards import Caller
from accredit.service.problem import Problem, ProblemCode
from accredit_sdk import record

MAX_LINES = 1000
"""Records in one delivery."""

AHEAD: Final = 86_400_000_000
"""How far the clock of a guard may be ahead of ours, in microseconds.

A record of later would stay the newest one of every search and keep all behind it from being archived. One of long ago
is taken: it may have waited in a spool.
"""

_OURS: Final = frozenset(kind.kind for kind in get_args(Event)) - {ChainOpened.kind, ChainClosed.kind}
"""What only Accredit itself records: a guard must not be able to put words into its mouth."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Everything up to `seq` of the chain is durable here; the guard may delete it."""

    chain: str
    seq: int


class OutOfStep(Exception):
    """The delivery does not continue the chain; `end` is where it stands here."""

    def __init__(self, end: ChainEnd) -> None:
        super().__init__(f"{end.chain} stands at {end.seq}")
        self.end = end


class GuardRecords:
    """Takes records over."""

    def __init__(self, log: AuditLog, journal: Journal, clock: Clock, measures: Measures) -> None:
        self._log = log
        self._clock = clock
        self._journal = journal
        self._measures = measures

    async def take(self, caller: Caller, body: bytes) -> Acknowledged:
        """Append a delivery (one record a line). Raises Problem for a bad one, OutOfStep for one that does not fit."""
        found = _read(body)
        name = found[0][1].chain
        guard = caller.principal.client.id
        _check(found, name, caller.server.id, self._clock.now() + AHEAD)
        end = await self._log.chain_end(name) or ChainEnd(name, guard, 0, chain.START)
        if end.guard != guard:
            raise Problem(ProblemCode.FORBIDDEN, "this chain belongs to another guard")
        if found[0][1].seq != end.seq + 1:
            raise OutOfStep(end)
        records = tuple(item for item, _ in found)
        try:
            record.verify(records, end.hash)
        except record.BrokenChain as error:
            raise Problem(ProblemCode.INVALID, f"the chain is broken at record {error.seq}") from error
        lines = tuple(_stored(item, header) for item, header in found)
        await self._append(AppendRecords(name, guard, end.seq, end.hash, lines))
        self._measures.received(len(lines))
        return Acknowledged(name, lines[-1].seq)

    async def _append(self, append: AppendRecords) -> None:
        try:
            verdict = await self._journal.submit(Outcome(None, (append,)))
        except Unstorable as error:
            raise Problem(ProblemCode.INVALID, f"a record cannot be kept: {error}") from error
        if isinstance(verdict, Lost):
            raise OutOfStep(await self._log.chain_end(append.chain) or ChainEnd(append.chain, None, 0, chain.START))


def _read(body: bytes) -> list[tuple[record.Record, record.RecordHeader]]:
    lines = body.splitlines()
    if not lines or len(lines) > MAX_LINES:
        raise Problem(ProblemCode.INVALID, f"a delivery holds 1 to {MAX_LINES} records, one a line")
    try:
        records = [record.decode_line(line) for line in lines]
        return [(item, msgspec.json.decode(item.header, type=record.RecordHeader)) for item in records]
    except (ValueError, RecursionError) as error:
        raise Problem(ProblemCode.INVALID, f"a record cannot be read: {type(error).__name__}") from error


def _check(found: list[tuple[record.Record, record.RecordHeader]], name: str, server: str, until: int) -> None:
    if not ids.is_id(name, "chain"):
        raise Problem(ProblemCode.INVALID, "the name of the chain is malformed")
    for number, (item, header) in enumerate(found, start=found[0][1].seq):
        if header.chain != name or header.seq != number:
            raise Problem(ProblemCode.INVALID, "records must be consecutive and of one chain")
        if not 0 <= header.at <= until:
            text = f"record {number} is of a time that cannot be: set the clock of the guard right"
            raise Problem(ProblemCode.INVALID, text)
        if header.kind in _OURS or not (header.decision == "" or ids.is_id(header.decision, "decision")):
            raise Problem(ProblemCode.FORBIDDEN, "a guard reports its own decisions only, each by its id")
        if header.server != server:
            raise Problem(ProblemCode.FORBIDDEN, "a guard reports about its own server only")
        if item.person is None or item.salt is None:
            raise Problem(ProblemCode.INVALID, f"record {number} arrives without its person part")


def _stored(item: record.Record, header: record.RecordHeader) -> StoredRecord:
    return StoredRecord(
        seq=header.seq,
        at=header.at,
        kind=header.kind,
        decision=header.decision,
        server=header.server,
        outcome=header.outcome,
        header=item.header,
        person=item.person,
        salt=item.salt,
        commitment=item.commitment,
        hash=item.hash,
    )
