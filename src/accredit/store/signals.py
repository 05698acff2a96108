"""The numbered signals: visible order is number order, and there are no gaps."""

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from accredit.identity.changes import NumberedSignal, Signal, SignalKind, Unchanged
from accredit.identity.ids import PREFIXES
from accredit.store import inserts
from accredit.store.tables import signal_head, signals
from accredit_sdk import scopes as words

CHANNEL: Final = "accredit_signals"
"""Where PostgreSQL tells other nodes that there is something new."""

_TOKEN: Final = PREFIXES["token"]


def head(conn: sa.Connection) -> int:
    """Return the number of the last signal, 0 when there is none."""
    number: int = conn.execute(sa.select(signal_head.c.n)).scalar_one()
    return number


def unchanged(conn: sa.Connection, claims: Sequence[Unchanged]) -> list[bool]:
    """Tell of each claim whether it holds now; a rival may yet take a number before this transaction takes its own."""
    number = head(conn)
    return [not changed(conn, claim.since, number) for claim in claims]


def changed(conn: sa.Connection, since: int, until: int) -> bool:
    """Tell whether the signals above `since`, up to `until`, tell of more than the end of single tokens.

    Clients give tokens back whenever they like, and nothing is decided on whether they have.
    """
    if since >= until:
        return since != until
    token = sa.and_(signals.c.kind == SignalKind.REVOKED.value, signals.c.handle.startswith(_TOKEN, autoescape=True))
    others = sa.exists().where(signals.c.seq > since, signals.c.seq <= until, sa.not_(token))
    found: bool = conn.execute(sa.select(others)).scalar_one()
    return found


def send(conn: sa.Connection, raised: Sequence[Signal], at: int) -> int:
    """Give `raised`, at least one, their numbers, keep them, and return the last number.

    It must be the last thing that a transaction does: from here until commit every other one waits for its numbers,
    which is what makes the order of the numbers the order in which they become visible.
    """
    taken = sa.update(signal_head).values(n=signal_head.c.n + len(raised)).returning(signal_head.c.n)
    last: int = conn.execute(taken).scalar_one()
    first = last - len(raised) + 1
    rows = [
        {
            "seq": seq,
            "at": at,
            "kind": signal.kind.value,
            "handle": signal.handle,
            "server": signal.server,
            "scopes": words.render(signal.scopes),
        }
        for seq, signal in enumerate(raised, first)
    ]
    inserts.all_rows(conn, signals, rows)
    if conn.dialect.name == "postgresql":
        # Heard when this transaction commits, and only a wake-up: whoever misses it looks by itself before long.
        conn.execute(sa.select(sa.func.pg_notify(CHANNEL, "")))
    return last


def after(conn: sa.Connection, seq: int, limit: int) -> tuple[NumberedSignal, ...]:
    """Return at most `limit` signals with a number above `seq`, in order."""
    return _values(conn, sa.select(signals).where(signals.c.seq > seq).order_by(signals.c.seq).limit(limit))


def about(conn: sa.Connection, handles: Sequence[str], after: int) -> tuple[NumberedSignal, ...]:
    """Return every signal about one of `handles` with a number above `after`, in order: few, when that is recent."""
    found = sa.select(signals).where(signals.c.seq > after, signals.c.handle.in_(handles)).order_by(signals.c.seq)
    return _values(conn, found)


def since(conn: sa.Connection, at: int) -> tuple[NumberedSignal, ...]:
    """Return every signal raised at or after `at`, in order."""
    return _values(conn, sa.select(signals).where(signals.c.at >= at).order_by(signals.c.seq))


def _values(conn: sa.Connection, query: sa.Select[Any]) -> tuple[NumberedSignal, ...]:
    return tuple(
        NumberedSignal(row.seq, row.at, SignalKind(row.kind), row.handle, row.server, frozenset(row.scopes.split()))
        for row in conn.execute(query)
    )
