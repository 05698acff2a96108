"""The log: chains and their records, appended in the transaction of what they describe."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from accredit.audit.chain import START, Head
from accredit.identity.changes import AppendRecords, StoredRecord
from accredit.ports.audit_log import ChainEnd, OpenEnd
from accredit.store import inserts
from accredit.store.log_tables import audit_chains, audit_records
from accredit.store.portions import portions
from accredit_sdk import record

_AT_ONCE: Final = 500
"""Places in one query: each is two parameters, of which an engine takes some ten thousand."""

_ADVANCE: Final = (
    sa.update(audit_chains)
    .where(
        audit_chains.c.chain == sa.bindparam("its_name"),
        audit_chains.c.guard.is_not_distinct_from(sa.bindparam("its_guard", type_=sa.Text)),
        audit_chains.c.seq == sa.bindparam("its_seq"),
        audit_chains.c.hash == sa.bindparam("its_hash"),
    )
    .values(seq=sa.bindparam("seq"), hash=sa.bindparam("hash"))
    .returning(audit_chains.c.number)
)


def append(conn: sa.Connection, claims: Sequence[AppendRecords]) -> list[bool]:
    """Append every run of records that continues its chain where it ends, and tell which did."""
    return [_append(conn, claim) for claim in claims]


def extend(conn: sa.Connection, old: Head, new: Head, records: Sequence[StoredRecord]) -> None:
    """Append the records of our own process, which lead from `old` to `new`. Raises ChainForked if another did so."""
    number = _advance(conn, new, None, old.seq, old.hash)
    if number is None:
        raise ChainForked(old.chain)
    _insert(conn, number, records)


class ChainForked(Exception):
    """Somebody else wrote to the chain of this process; nothing may be added to it any more."""


def chain_end(conn: sa.Connection, chain: str) -> ChainEnd | None:
    """Return the end of that chain, or None when nothing was ever written to it."""
    row = conn.execute(sa.select(audit_chains).where(audit_chains.c.chain == chain)).one_or_none()
    return None if row is None else _end(row)


def chain_ends(conn: sa.Connection) -> tuple[ChainEnd, ...]:
    """Return the ends of all chains, oldest chain first."""
    return tuple(_end(row) for row in conn.execute(sa.select(audit_chains).order_by(audit_chains.c.number)))


def open_ends(conn: sa.Connection) -> tuple[OpenEnd, ...]:
    """Return the ends of all chains that have grown since they were last closed, oldest chain first."""
    last = sa.and_(audit_records.c.chain == audit_chains.c.number, audit_records.c.seq == audit_chains.c.seq)
    query = (
        sa.select(audit_chains, audit_records.c.header.label("last"), audit_records.c.at.label("last_at"))
        .select_from(sa.outerjoin(audit_chains, audit_records, last))
        .where(audit_chains.c.seq > audit_chains.c.sealed)
        .order_by(audit_chains.c.number)
    )
    return tuple(OpenEnd(_end(row), _kind(row.last), row.last_at or 0) for row in conn.execute(query))


def links(conn: sa.Connection, places: Mapping[str, int]) -> dict[str, bytes]:
    """Return the link that the log has at a number of each chain; what is not there is left out."""
    found = dict[str, bytes]()
    for some in portions(places.items(), _AT_ONCE):
        found |= _links(conn, some)
    return found


def records(conn: sa.Connection, chain: str, after: int, limit: int) -> tuple[StoredRecord, ...]:
    """Return at most `limit` records of `chain` with a number above `after`, in order."""
    number = sa.select(audit_chains.c.number).where(audit_chains.c.chain == chain).scalar_subquery()
    query = (
        sa.select(audit_records)
        .where(audit_records.c.chain == number, audit_records.c.seq > after)
        .order_by(audit_records.c.seq)
        .limit(limit)
    )
    return tuple(stored(row) for row in conn.execute(query))


def _links(conn: sa.Connection, places: Sequence[tuple[str, int]]) -> dict[str, bytes]:
    named = sa.values(sa.column("chain", sa.Text), sa.column("seq", sa.BigInteger), name="wanted")
    wanted = named.data(places).cte("wanted")
    there = sa.and_(audit_records.c.chain == audit_chains.c.number, audit_records.c.seq == wanted.c.seq)
    query = sa.select(audit_chains, wanted.c.seq.label("place"), audit_records.c.hash.label("link")).select_from(
        wanted.join(audit_chains, audit_chains.c.chain == wanted.c.chain).outerjoin(audit_records, there)
    )
    found: dict[str, bytes] = {}
    for row in conn.execute(query):
        if row.anchor == row.place:
            found[row.chain] = _end(row).anchor_hash
        elif row.link is not None:
            found[row.chain] = _raw(row.link)
    return found


def _append(conn: sa.Connection, claim: AppendRecords) -> bool:
    expected = range(claim.after + 1, claim.after + 1 + len(claim.lines))
    if not claim.lines or [line.seq for line in claim.lines] != list(expected):
        raise ValueError("the records are not consecutive")
    head = Head(claim.chain, claim.lines[-1].seq, claim.lines[-1].hash)
    number = _advance(conn, head, claim.guard, claim.after, claim.head)
    if number is None:
        return False
    _insert(conn, number, claim.lines)
    return True


def _advance(conn: sa.Connection, head: Head, guard: str | None, seq: int, link: bytes) -> int | None:
    """Move the end of a chain from (`seq`, `link`) to `head`; return the chain's number, None if it was not there."""
    number: int | None
    row = {"chain": head.chain, "guard": guard, "seq": head.seq, "hash": head.hash}
    if seq > 0:
        where = {"its_name": head.chain, "its_guard": guard, "its_seq": seq, "its_hash": link}
        number = conn.execute(_ADVANCE, {**where, "seq": head.seq, "hash": head.hash}).scalar_one_or_none()
    elif link == START:
        number = conn.execute(inserts.unless_taken(conn, audit_chains), row).scalar_one_or_none()
    else:
        number = None
    return number


def _insert(conn: sa.Connection, number: int, lines: Sequence[StoredRecord]) -> None:
    """Insert records as tuples in the order of the columns: on this path Core's own handling would cost the most."""
    rows = [
        (
            number,
            line.seq,
            line.at,
            line.kind,
            line.decision,
            line.server,
            line.outcome,
            line.header,
            line.person,
            line.salt,
            line.commitment,
            line.hash,
        )
        for line in lines
    ]
    inserts.in_order(conn, audit_records, rows)


def _end(row: Any) -> ChainEnd:
    return ChainEnd(
        chain=row.chain,
        guard=row.guard,
        seq=row.seq,
        hash=_raw(row.hash),
        sealed=row.sealed,
        anchor=row.anchor,
        anchor_hash=START if row.anchor_hash is None else _raw(row.anchor_hash),
    )


def _kind(header: bytes | None) -> str:
    try:
        return record.decode_header(header or b"").kind
    except ValueError:
        return ""


def stored(row: Any) -> StoredRecord:
    """Return a record as its header tells it: the columns beside are protected by nothing."""
    header = _raw(row.header)
    try:
        said = record.decode_header(header)
    except ValueError:
        said = row
    return StoredRecord(
        seq=row.seq,
        at=said.at,
        kind=said.kind,
        decision=said.decision,
        server=said.server,
        outcome=said.outcome,
        header=header,
        person=_raw(row.person) if row.person is not None else None,
        salt=_raw(row.salt) if row.salt is not None else None,
        commitment=_raw(row.commitment),
        hash=_raw(row.hash),
    )


def _raw(found: object) -> bytes:
    """Return what is in a column of bytes: SQLite keeps there whatever somebody else has put."""
    return found if isinstance(found, bytes) else str(found).encode(errors="replace")
