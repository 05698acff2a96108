"""One record for every decision, chained and spooled before the decision takes effect (3-protocol, 3.7).

A record that cannot be kept raises SpoolFull, and then nothing may be passed on. A failed write leaves the chain where
it was, so the next record continues it.
"""

import logging
from collections.abc import Callable
from typing import Final, Protocol

import msgspec
from msgspec import structs

from accredit_sdk import ids, record
from accredit_sdk.decision import Decision, Effect, Mode
from accredit_sdk.guard.moment import Clock, Dice
from accredit_sdk.guard.spool import Batch, SpoolFull
from accredit_sdk.record import RecordHeader, RecordPerson

DECISION: Final = "decision"
"""Kind of the record of a decision."""

OPENED: Final = "chain_opened"
"""Kind of the first record of a chain."""

CLOSED: Final = "chain_closed"
"""Kind of the last record of a chain that ended in good order."""

_SALT: Final = 16
_LONGEST: Final = 256
_encode: Final = msgspec.json.Encoder().encode

log = logging.getLogger("accredit_sdk.guard")


class Store(Protocol):
    """Where the lines of one chain wait: `spool.Spool` or `spool.Memory`."""

    chain: str

    @property
    def dirty(self) -> bool:
        """Tell whether a flush would do something."""
        ...

    def append(self, number: int, line: bytes) -> None:
        """Keep one line. Raises SpoolFull."""
        ...

    def flush(self) -> None:
        """Make what was kept outlive the machine's power."""
        ...

    def batch(self, after: int) -> Batch | None:
        """Return the oldest lines with a number above `after`."""
        ...

    def acknowledged(self, last: int) -> None:
        """Let go of every line up to `last`."""
        ...

    def set_aside(self) -> object:
        """Put the rest where it is no more in the way."""
        ...

    def close(self) -> None:
        """Let go of the chain."""
        ...


class Recorder:
    """Writes the chain of this process. `lossy` is said in every record of a chain that lives in memory only."""

    def __init__(
        self, server: str, begin: Callable[[str], Store], clock: Clock, dice: Dice, *, lossy: bool = False
    ) -> None:
        self._server = server
        self._begin = begin
        self._clock = clock
        self._dice = dice
        self._lossy = lossy
        self._store: Store | None = None
        self._chain = ""
        self._seq = 0
        self._hash = record.START

    @property
    def store(self) -> Store | None:
        """The chain that is being written, None while none is open."""
        return self._store

    @property
    def written(self) -> tuple[str, int]:
        """The chain, and the number of its last record."""
        return self._chain, self._seq

    def open(self) -> None:
        """Begin a chain, if none is open. Raises SpoolFull."""
        if self._store is None:
            now = self._clock()
            self._chain = ids.encode("chn_", now // 1000, self._dice.take(ids.RANDOM_BYTES))
            self._store, self._seq, self._hash = self._begin(self._chain), 0, record.START
            self._keep(OPENED, "", "done", now, self.head(RecordPerson(reason=OPENED)) + b"}")

    def head(self, person: RecordPerson) -> bytes:
        """Return the beginning of a person part: all of it but what differs from call to call."""
        return msgspec.json.encode(structs.replace(person, lossy=True) if self._lossy else person)[:-1]

    def decision(self, decision_id: str, effect: Effect, now: int, head: bytes, more: bytes) -> None:
        """Record a decision that was made at `now` (microseconds UTC). Raises SpoolFull: then it must not take effect.

        `head` is of `head`, `more` of `call_part`.
        """
        if self._store is None:
            self.open()
        person = head + more + b"}"
        try:
            self._keep(DECISION, decision_id, effect, now, person)
        except SpoolFull:
            if not self._lossy:
                raise
            self.renew()
            self._keep(DECISION, decision_id, effect, now, person)

    def renew(self) -> None:
        """Leave the chain as it is and begin another. Raises SpoolFull."""
        if self._store is not None:
            log.warning("records: chain %s ends at %d without its last word", self._chain, self._seq)
            self._store.close()
            self._store = None
        self.open()

    def end(self) -> None:
        """Write the last record of the chain, as far as the spool takes it. The chain stays to be shipped."""
        if self._store is not None:
            try:
                self._keep(CLOSED, "", "done", self._clock(), self.head(RecordPerson(reason=CLOSED)) + b"}")
            except SpoolFull as error:
                log.warning("records: the last record of chain %s does not fit: %s", self._chain, error)

    def close(self) -> None:
        """Let go of the chain; what has not been shipped stays in the spool."""
        if self._store is not None:
            self._store.close()
            self._store = None

    def _keep(self, kind: str, decision: str, outcome: str, now: int, person: bytes) -> None:
        if self._store is None:
            raise SpoolFull("no chain is open")
        seq = self._seq + 1
        header = _encode(RecordHeader(seq, self._chain, now, kind, decision, self._server, outcome))
        salt = self._dice.take(_SALT)
        commitment = record.commit(salt, person)
        link = record.link(self._hash, header, commitment)
        self._store.append(seq, record.line(header, person, salt, commitment, link) + b"\n")
        self._seq, self._hash = seq, link


def person(decision: Decision) -> RecordPerson:
    """Return the person part of a decision, without what `call_part` adds."""
    return RecordPerson(
        reason=decision.reason.value,
        method=_short(decision.method),
        target=_short(decision.tool),
        subject=decision.subject,
        client_id=decision.client_id,
        actors=decision.actors,
        grant_id=decision.grant_id,
        jti=_short(decision.jti),
        needed=tuple(sorted(decision.needed)),
        missing=tuple(sorted(decision.missing)),
        problem=decision.problem.value if decision.problem is not None else None,
        policy_version=decision.policy_version,
        mode=decision.mode.value if decision.mode is not Mode.ENFORCE else None,
        candidate=decision.candidate.value if decision.candidate is not None else None,
        candidate_missing=tuple(sorted(decision.candidate_missing)),
    )


def call_part(arguments: str | None, trace_id: str | None) -> bytes:
    """Return the members of a person part that differ from call to call: both are hexadecimal digits, or None."""
    found = b""
    if arguments is not None:
        found = b',"arguments":"%b"' % arguments.encode("ascii")
    if trace_id is not None:
        found += b',"trace_id":"%b"' % trace_id.encode("ascii")
    return found


def _short(text: str | None) -> str | None:
    return text[:_LONGEST] if text is not None else None
