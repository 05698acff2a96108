"""The search tables of the log: filled behind it, in its order, and read newest first."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import islice
from typing import Any, Final

import sqlalchemy as sa

from accredit.audit.terms import Term, number
from accredit.identity.changes import (
    DropRecords,
    EmptyTerms,
    ForgetTerms,
    IndexRecords,
    RedactRecord,
    StoredRecord,
)
from accredit.ports.audit_log import Filter, Lag, Waiting
from accredit.store import audit, inserts
from accredit.store.log_tables import audit_chains, audit_projection, audit_records, audit_terms

_CURSOR: Final = re.compile(r"(-?\d{1,18})\.(\d{1,9})\.(\d{1,18})", re.ASCII)

_OWN: Final = sa.select(audit_chains.c.number).where(audit_chains.c.guard.is_(None))
"""The chains that Accredit itself writes."""

_KEY: Final = (audit_terms.c.at, audit_terms.c.chain, audit_terms.c.seq)

_SELECTIVE: Final = tuple(kind for kind in Term if kind is not Term.EVERYTHING)
"""The terms that a filter may have, those that match least first: the first one leads, the others are looked up."""

_EMPTYING: Final = -1
"""Where the search tables end for a chain while they are being emptied."""

_AT_ONCE: Final = 5_000
"""Terms that one transaction takes away: few enough that a token request does not wait for them."""

_FORGET: Final = sa.delete(audit_terms).where(
    audit_terms.c.term == sa.bindparam("a_term"),
    audit_terms.c.at == sa.bindparam("a_time"),
    audit_terms.c.chain == sa.bindparam("a_chain"),
    audit_terms.c.seq == sa.bindparam("a_seq"),
)

Place = tuple[int, int, int]
"""Time, number of the chain, number of the record."""


def index(conn: sa.Connection, claims: Sequence[IndexRecords]) -> list[bool]:
    """Make records findable, of every chain of which the search tables end where the claim says; tell which."""
    return [_index(conn, claim) for claim in claims]


def redact(conn: sa.Connection, writes: Sequence[RedactRecord]) -> None:
    """Take person part and salt from records, and them out of the search tables."""
    for name in sorted({write.chain for write in writes}):
        _hold(conn, name)
    for write in writes:
        chain = sa.select(audit_chains.c.number).where(audit_chains.c.chain == write.chain).scalar_subquery()
        here = (audit_records.c.chain == chain, audit_records.c.seq == write.seq)
        conn.execute(sa.update(audit_records).where(*here).values(person=None, salt=None))
        mine = (audit_terms.c.at == write.at, audit_terms.c.chain == chain, audit_terms.c.seq == write.seq)
        conn.execute(sa.delete(audit_terms).where(audit_terms.c.term.in_(write.terms), *mine))


def forget(conn: sa.Connection, _: Sequence[ForgetTerms]) -> None:
    """Empty the search tables, on PostgreSQL here and now; SQLite has one writer, who would be busy for too long."""
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql(f"TRUNCATE {audit_projection.name}, {audit_terms.name}")
    else:
        conn.execute(sa.update(audit_projection).values(seq=_EMPTYING))


def empty(conn: sa.Connection, writes: Sequence[EmptyTerms]) -> None:
    """Take some more terms away where that was begun; behind the last one, let the tables be filled from the start."""
    if not writes or not emptying(conn):
        return
    some = sa.select(*audit_terms.c).order_by(*audit_terms.c).limit(_AT_ONCE)
    conn.execute(sa.delete(audit_terms).where(sa.tuple_(*audit_terms.c).in_(some)))
    if conn.execute(sa.select(audit_terms.c.term).limit(1)).one_or_none() is None:
        conn.execute(sa.update(audit_projection).values(seq=0))


def emptying(conn: sa.Connection) -> bool:
    """Tell whether the search tables are being emptied."""
    query = sa.select(audit_projection.c.chain).where(audit_projection.c.seq == _EMPTYING).limit(1)
    return conn.execute(query).one_or_none() is not None


def drop(conn: sa.Connection, claims: Sequence[DropRecords]) -> list[bool]:
    """Let chains begin later that begin where the claim says; tell which."""
    return [_drop(conn, claim) for claim in claims]


def search(conn: sa.Connection, wanted: Filter, before: str | None, limit: int) -> tuple[tuple[str, StoredRecord], ...]:
    """Return at most `limit` records that match, newest first, each with its cursor. Raises ValueError."""
    start = _position(before) if before is not None else None
    filters = [number(kind, str(value)) for kind in _SELECTIVE if (value := getattr(wanted, kind.value)) is not None]
    if len(wanted.servers) < 2:
        alone = [number(Term.SERVER, server) for server in wanted.servers]
        places = _places(conn, [*filters, *alone], wanted, start, limit)
    else:
        found = (
            _places(conn, [*filters, number(Term.SERVER, server)], wanted, start, limit) for server in wanted.servers
        )
        places = list(islice(merge(*found, reverse=True), limit))
    return tuple(_records(conn, places))


def concerned(conn: sa.Connection, decision: str) -> tuple[str, ...]:
    """Return the ids of the servers about which something was recorded under the id of that decision."""
    same = sa.and_(audit_records.c.chain == audit_terms.c.chain, audit_records.c.seq == audit_terms.c.seq)
    query = (
        sa.select(audit_records.c.server)
        .select_from(sa.join(audit_terms, audit_records, same))
        .where(audit_terms.c.term == number(Term.DECISION, decision))
        .distinct()
        .order_by(audit_records.c.server)
    )
    return tuple(conn.execute(query).scalars())


def waiting(conn: sa.Connection, limit: int) -> tuple[Waiting, ...]:
    """Return at most `limit` chains of which the search tables do not know everything, our own first, then the oldest.

    So what a guard says of a decision of ours is not found before our own record of it. None while the tables are being
    emptied: nothing can be put into them.
    """
    if emptying(conn):
        return ()
    known = _known()
    query = (
        sa.select(audit_chains.c.chain, known.label("known"))
        .select_from(sa.outerjoin(audit_chains, audit_projection))
        .where(audit_chains.c.seq > known)
        .order_by(audit_chains.c.guard.is_not(None), audit_chains.c.number)
        .limit(limit)
    )
    return tuple(Waiting(row.chain, row.known) for row in conn.execute(query))


def lag(conn: sa.Connection) -> Lag:
    """Return how far the search tables are behind the log."""
    known = _known()
    oldest = sa.and_(audit_records.c.chain == audit_chains.c.number, audit_records.c.seq == known + 1)
    query = (
        sa.select(sa.func.sum(audit_chains.c.seq - known).label("records"), sa.func.min(audit_records.c.at).label("at"))
        .select_from(sa.outerjoin(sa.outerjoin(audit_chains, audit_projection), audit_records, oldest))
        .where(audit_chains.c.seq > known)
    )
    row = conn.execute(query).one()
    return Lag(int(row.records or 0), row.at)


def begins(conn: sa.Connection) -> int | None:
    """Return when the oldest record of our own happened that can be found, None when there is none.

    What guards deliver does not count: the times in it are theirs.
    """
    table = audit_terms.c
    query = sa.select(table.at).where(table.term == number(Term.EVERYTHING), table.chain.in_(_OWN))
    return conn.execute(query.order_by(*_KEY).limit(1)).scalar_one_or_none()


def _known() -> sa.ColumnElement[int]:
    """Return up to where the search tables know a chain: what was archived need not be known any more."""
    further = audit_projection.c.seq > audit_chains.c.anchor
    return sa.case((further, audit_projection.c.seq), else_=audit_chains.c.anchor)


def _hold(conn: sa.Connection, chain: str) -> int | None:
    """Let nobody else make records of a chain findable until this transaction ends; return the chain's number.

    What they have read of it by then is older than what is written here: `_index` will see that.
    """
    number: int | None = conn.execute(
        sa.select(audit_chains.c.number).where(audit_chains.c.chain == chain)
    ).scalar_one_or_none()
    if number is not None:
        conn.execute(inserts.unless_taken(conn, audit_projection), {"chain": number, "seq": 0})
        conn.execute(_held(number))
    return number


def _held(chain: int | sa.ScalarSelect[int]) -> sa.Select[tuple[int]]:
    return sa.select(audit_projection.c.seq).where(audit_projection.c.chain == chain).with_for_update()


def _index(conn: sa.Connection, claim: IndexRecords) -> bool:
    conn.execute(_held(sa.select(audit_chains.c.number).where(audit_chains.c.chain == claim.chain).scalar_subquery()))
    query = (
        sa.select(audit_chains.c.number, audit_projection.c.seq, _known().label("known"))
        .select_from(sa.outerjoin(audit_chains, audit_projection))
        .where(audit_chains.c.chain == claim.chain)
    )
    row = conn.execute(query).one_or_none()
    if row is None or row.known != claim.after or _redacted(conn, row.number, claim) > claim.redacted:
        return False
    if emptying(conn) or not _advance(conn, row, claim):
        return False
    if claim.terms:
        rows = [(term, at, row.number, seq) for term, at, seq in claim.terms]
        inserts.in_order(conn, audit_terms, rows)
    return True


def _redacted(conn: sa.Connection, number: int, claim: IndexRecords) -> int:
    """Return how many of the records of a claim have no person part now."""
    table = audit_records.c
    mine = (table.chain == number, table.seq > claim.after, table.seq <= claim.upto, table.person.is_(None))
    return conn.execute(sa.select(sa.func.count()).select_from(audit_records).where(*mine)).scalar_one()


def _drop(conn: sa.Connection, claim: DropRecords) -> bool:
    number = _hold(conn, claim.chain)
    mine = (audit_chains.c.number == number, audit_chains.c.anchor == claim.after, audit_chains.c.seq >= claim.anchor)
    update = sa.update(audit_chains).where(*mine).values(anchor=claim.anchor, anchor_hash=claim.hash)
    if number is None or conn.execute(update).rowcount != 1:
        return False
    gone = (audit_records.c.chain == number, audit_records.c.seq <= claim.anchor)
    conn.execute(sa.delete(audit_records).where(*gone))
    rows = [{"a_term": term, "a_time": at, "a_chain": number, "a_seq": seq} for term, at, seq in claim.terms]
    if rows:
        conn.execute(_FORGET, rows)
    return True


def _advance(conn: sa.Connection, row: Any, claim: IndexRecords) -> bool:
    """Say that the search tables end at the end of the claim; tell whether nobody else was first."""
    table = audit_projection.c
    if row.seq is None:
        return inserts.claim(conn, audit_projection, [{"chain": row.number, "seq": claim.upto}])[0]
    update = sa.update(audit_projection).where(table.chain == row.number, table.seq == row.seq)
    return conn.execute(update.values(seq=claim.upto)).rowcount == 1


def _places(conn: sa.Connection, terms: Sequence[int], wanted: Filter, start: Place | None, limit: int) -> list[Place]:
    """Return at most `limit` places of records that have all `terms`, newest first."""
    leading, *others = terms or [number(Term.EVERYTHING)]
    table = audit_terms.c
    query = sa.select(*_KEY).where(table.term == leading)
    for term in others:
        other = audit_terms.alias()
        same = (other.c.at == table.at, other.c.chain == table.chain, other.c.seq == table.seq)
        query = query.where(sa.exists().where(other.c.term == term, *same))
    if wanted.own:
        query = query.where(table.chain.in_(_OWN))
    if wanted.since is not None:
        query = query.where(table.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(table.at < wanted.until)
    if start is not None:
        query = query.where(table.at <= start[0], sa.tuple_(*_KEY) < sa.tuple_(*start))
    query = query.order_by(*(column.desc() for column in _KEY)).limit(limit)
    return [(row.at, row.chain, row.seq) for row in conn.execute(query)]


def _records(conn: sa.Connection, places: Sequence[Place]) -> Iterator[tuple[str, StoredRecord]]:
    """Yield the records at these places, each with its cursor."""
    table, chains = audit_records.c, defaultdict[int, list[int]](list)
    for _, chain, seq in places:
        chains[chain].append(seq)
    found: dict[tuple[int, int], StoredRecord] = {}
    for chain, seqs in chains.items():  # a look-up by the key each: for a list of pairs SQLite would read the whole log
        query = sa.select(audit_records).where(table.chain == chain, table.seq.in_(seqs))
        found |= {(row.chain, row.seq): audit.stored(row) for row in conn.execute(query)}
    for at, chain, seq in places:
        if (chain, seq) in found:
            yield f"{at}.{chain}.{seq}", found[chain, seq]


def _position(cursor: str) -> Place:
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise ValueError("not a cursor of ours")
    return int(found[1]), int(found[2]), int(found[3])
