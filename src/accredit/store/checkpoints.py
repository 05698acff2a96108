"""Seals and checkpoints of the log: the numbers of both have no gaps, and whoever takes one first has it."""

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from accredit.identity.changes import AddCheckpoint, Seal, SealKind
from accredit.ports.audit_log import Kept
from accredit.store import inserts
from accredit.store.log_tables import audit_chains, audit_checkpoints, audit_seals

KEPT: Final = 10_000
"""How many checkpoints stay in the database, about a day; all of them belong outside."""


def add(conn: sa.Connection, claims: Sequence[AddCheckpoint]) -> list[bool]:
    """Keep every checkpoint whose number follows the last one, with its seals; tell which."""
    return [_add(conn, claim) for claim in claims]


def newest(conn: sa.Connection) -> Kept | None:
    """Return the last checkpoint."""
    query = sa.select(audit_checkpoints).order_by(audit_checkpoints.c.number.desc()).limit(1)
    row = conn.execute(query).one_or_none()
    return None if row is None else Kept(row.number, row.at, row.document)


def after(conn: sa.Connection, number: int, limit: int) -> tuple[Kept, ...]:
    """Return at most `limit` checkpoints with a higher number, in order."""
    table = audit_checkpoints.c
    query = sa.select(audit_checkpoints).where(table.number > number).order_by(table.number).limit(limit)
    return tuple(Kept(row.number, row.at, row.document) for row in conn.execute(query))


def seals(conn: sa.Connection, number: int, limit: int) -> tuple[Seal, ...]:
    """Return at most `limit` seals with a number above `number`, in order."""
    table = audit_seals.c
    query = sa.select(audit_seals).where(table.number > number).order_by(table.number).limit(limit)
    return tuple(map(_seal, conn.execute(query)))


def seals_of(conn: sa.Connection, chain: str, first: int, last: int) -> tuple[Seal, ...]:
    """Return the seals of a chain from record `first` to `last`, of archives however far they go, in order."""
    table = audit_seals.c
    mine = (table.chain == chain, table.seq >= first, sa.or_(table.seq <= last, table.kind == SealKind.ARCHIVED.value))
    return tuple(map(_seal, conn.execute(sa.select(audit_seals).where(*mine).order_by(table.number))))


def _add(conn: sa.Connection, claim: AddCheckpoint) -> bool:
    last = conn.execute(sa.select(sa.func.max(audit_checkpoints.c.number))).scalar_one() or 0
    row = {"number": claim.number, "at": claim.at, "document": claim.document}
    if last != claim.number - 1 or not inserts.claim(conn, audit_checkpoints, [row])[0]:
        return False
    inserts.all_rows(conn, audit_seals, [_row(seal) for seal in claim.seals])
    for seal in claim.seals:
        if seal.kind is SealKind.CLOSED:
            mine = audit_chains.c.chain == seal.chain
            conn.execute(sa.update(audit_chains).where(mine).values(sealed=seal.seq))
    conn.execute(sa.delete(audit_checkpoints).where(audit_checkpoints.c.number <= claim.number - KEPT))
    return True


def _seal(row: Any) -> Seal:
    return Seal(row.number, SealKind(row.kind), row.chain, row.seq, row.hash, row.archive)


def _row(seal: Seal) -> dict[str, object]:
    return {
        "number": seal.number,
        "kind": seal.kind.value,
        "chain": seal.chain,
        "seq": seal.seq,
        "hash": seal.hash,
        "archive": seal.archive,
    }
