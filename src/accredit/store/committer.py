"""The writer's work, without its loop: commit a batch, whatever happens, and say of each outcome what became of it."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from accredit.audit.chain import Head
from accredit.audit.events import ChainClosed, ChainOpened
from accredit.oauth.outcome import Lost, Outcome, Verdict
from accredit.ports.clock import Clock
from accredit.ports.randomness import Randomness
from accredit.store import audit, batch
from accredit.store.batch import BatchResult
from accredit.store.errors import EXPECTED, trouble

_ATTEMPTS: Final = 3
"""How many connections of the pool are tried: those that wait there may have died together."""

Result = Verdict | Exception
"""What became of an outcome: its verdict, or why nothing of it was written."""


class _Unanswered(Exception):
    """The commit was asked for and gave no answer; `result` holds if it happened all the same."""

    def __init__(self, result: BatchResult) -> None:
        super().__init__()
        self.result = result


@dataclass(slots=True)
class Committer:
    """Commits batches, and the audit chain of this process with them. Used from one thread or task at a time.

    `head` is the end of that chain. A connection lost during a commit leaves it in doubt: then the database is asked.
    """

    clock: Clock
    randomness: Randomness
    head: Head
    version: str
    _possible: tuple[Head, ...] = field(default=(), init=False)

    def commit(self, conn: sa.Connection, outcomes: Sequence[Outcome[Any]], *, again: bool = False) -> list[Result]:
        """Commit `outcomes` together, or one by one when that fails, and tell for each what became of it.

        `conn` is in no transaction, before and after. `again`: this is the second try
        already. Raises ChainForked when this process must stop writing.
        """
        try:
            self._settle(conn)
            return list(self._transaction(conn, outcomes).verdicts)
        except audit.ChainForked:
            raise
        except _Unanswered as error:
            results = self._ask(conn, error)
            if results is not None:
                return results
        except batch.PartlyLost:
            pass
        except Exception as error:  # noqa: BLE001  (whatever it is, it is the guilty outcome's, not the writer's)
            alone = len(outcomes) == 1 and (again or not _cut_off(error))
            if alone or not self._reachable(conn):
                return [_reason(error)] * len(outcomes)
        return [result for outcome in outcomes for result in self.commit(conn, [outcome], again=True)]

    def close(self, conn: sa.Connection) -> None:
        """Write the closing record, unless the chain was never begun. Raises StoreError, ChainForked."""
        if self.head.seq > 0 or self._possible:
            result = self.commit(conn, [Outcome(None, events=(ChainClosed(),))])[0]
            if isinstance(result, Exception):
                raise result

    def _transaction(self, conn: sa.Connection, outcomes: Sequence[Outcome[Any]]) -> BatchResult:
        salts = self.randomness.bytes(batch.SALT_BYTES * (1 + sum(len(outcome.events) for outcome in outcomes)))
        opening = ChainOpened(version=self.version)
        try:
            conn.begin()
            result = batch.apply(conn, outcomes, self.head, self.clock.now(), salts, opening)
        except BaseException:
            _roll_back(conn)
            raise
        if all(isinstance(verdict, Lost) for verdict in result.verdicts):
            _roll_back(conn)
            return result
        try:
            conn.commit()
        except Exception as error:
            _give_up(conn)
            raise _Unanswered(result) from error
        self.head = result.head
        return result

    def _ask(self, conn: sa.Connection, unanswered: _Unanswered) -> list[Result] | None:
        """Find out whether a commit happened. Return None when it did not, and each outcome may be tried again."""
        assert unanswered.__cause__ is not None  # noqa: S101  (raised with a cause, always)
        result = unanswered.result
        self._possible = (self.head, result.head)
        unknown = trouble(unanswered.__cause__, unknown=True)
        if result.head == self.head or not self._reachable(conn):
            return [unknown for _ in result.verdicts]
        if self.head == result.head:
            return list(result.verdicts)
        return None if len(result.verdicts) > 1 else [trouble(unanswered.__cause__)]

    def _settle(self, conn: sa.Connection) -> None:
        """End a doubt about where the chain ends."""
        if not self._possible:
            return
        try:
            end = audit.chain_end(conn, self.head.chain)
        finally:
            _roll_back(conn)
        found = Head(self.head.chain) if end is None else Head(end.chain, end.seq, end.hash)
        if found not in self._possible:
            raise audit.ChainForked(self.head.chain)
        self.head, self._possible = found, ()

    def _reachable(self, conn: sa.Connection) -> bool:
        """Tell whether the database answers, on a new connection if need be; no doubt is left if it does."""
        self._possible = self._possible or (self.head,)
        for _ in range(_ATTEMPTS):
            try:
                self._settle(conn)
            except EXPECTED as error:
                if not _cut_off(error):
                    return False
            else:
                return True
        return False


def _roll_back(conn: sa.Connection) -> None:
    try:
        conn.rollback()
    except Exception:  # noqa: BLE001  (a connection that cannot even do that is thrown away)
        _give_up(conn)


def _give_up(conn: sa.Connection) -> None:
    """Throw the driver's connection away, and with it whatever it was about to do; `conn` makes a new one."""
    with contextlib.suppress(Exception):
        conn.invalidate()
    with contextlib.suppress(Exception):
        conn.rollback()


def _cut_off(error: Exception) -> bool:
    """Tell whether it was the connection that failed: it may have died long ago, and a new one may well work."""
    return isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated


def _reason(error: Exception) -> Exception:
    return trouble(error) if isinstance(error, EXPECTED) else error
