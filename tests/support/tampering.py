"""Somebody with the database, and what he does to the log behind the server's back. On both engines."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import asyncpg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from accredit.audit import chain
from accredit.audit.chain import Head
from accredit.identity.changes import StoredRecord
from accredit.store import audit
from accredit.store.log_tables import (
    audit_chains,
    audit_checkpoints,
    audit_projection,
    audit_records,
    audit_seals,
    audit_terms,
)
from accredit_sdk import record


class Tamperer:
    """Changes rows of the log at will."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def run(self, work: Callable[[sa.Connection], Any]) -> Any:
        """Run `work` in a transaction of a connection of its own."""
        if self._url.startswith("sqlite"):
            with sa.create_engine(self._url, poolclass=sa.NullPool).begin() as conn:
                return work(conn)

        async def connection(**_: Any) -> Any:
            return await asyncpg.connect(self._url)

        engine = create_async_engine("postgresql+asyncpg://", async_creator=connection, poolclass=sa.NullPool)
        async with engine.begin() as aconn:
            return await aconn.run_sync(work)

    async def chains(self) -> dict[str, tuple[StoredRecord, ...]]:
        """Return the records of every chain."""

        def work(conn: sa.Connection) -> dict[str, tuple[StoredRecord, ...]]:
            return {end.chain: audit.records(conn, end.chain, 0, 100_000) for end in audit.chain_ends(conn)}

        found: dict[str, tuple[StoredRecord, ...]] = await self.run(work)
        return found

    async def set(self, name: str, seq: int, **values: object) -> None:
        """Set columns of one record."""
        await self.run(lambda conn: conn.execute(sa.update(audit_records).where(*_at(name, seq)).values(**values)))

    async def drop(self, name: str, seq: int) -> None:
        """Drop one record."""
        await self.run(lambda conn: conn.execute(sa.delete(audit_records).where(*_at(name, seq))))

    async def swap(self, name: str, one: int, two: int, *columns: str) -> None:
        """Exchange columns of two records."""
        table = [audit_records.c[column] for column in columns]

        def work(conn: sa.Connection) -> None:
            rows = [conn.execute(sa.select(*table).where(*_at(name, seq))).one() for seq in (one, two)]
            for seq, row in zip((two, one), rows, strict=True):
                values = dict(zip(columns, row, strict=True))
                conn.execute(sa.update(audit_records).where(*_at(name, seq)).values(values))

        await self.run(work)

    async def rechain(self, name: str, seq: int) -> None:
        """Say something else in a record, and compute every link behind it anew, and the end of the chain."""

        def work(conn: sa.Connection) -> None:
            head = Head(name, seq - 1, _link(conn, name, seq - 1))
            for item in audit.records(conn, name, seq - 1, 100_000):
                lie = replace(item, header=item.header.replace(b'"outcome":"', b'"outcome":"not_'))
                made = lie if item.seq == seq else item
                link = record.link(head.hash, made.header, made.commitment)
                conn.execute(sa.update(audit_records).where(*_at(name, item.seq)).values(header=made.header, hash=link))
                head = Head(name, item.seq, link)
            conn.execute(sa.update(audit_chains).where(audit_chains.c.chain == name).values(hash=head.hash))

        await self.run(work)

    async def truncate(self, name: str, seq: int) -> None:
        """Drop everything behind a record, and say that the chain ends there."""

        def work(conn: sa.Connection) -> None:
            link = _link(conn, name, seq)
            conn.execute(
                sa.delete(audit_records).where(audit_records.c.chain == _number(name), audit_records.c.seq > seq)
            )
            conn.execute(sa.update(audit_chains).where(audit_chains.c.chain == name).values(seq=seq, hash=link))

        await self.run(work)

    async def drop_chain(self, name: str) -> None:
        """Drop a chain with everything that the database says of it, but checkpoints."""

        def work(conn: sa.Connection) -> None:
            for table in (audit_records, audit_projection, audit_terms):
                conn.execute(sa.delete(table).where(table.c.chain == _number(name)))
            conn.execute(sa.delete(audit_chains).where(audit_chains.c.chain == name))
            conn.execute(sa.delete(audit_seals).where(audit_seals.c.chain == name))

        await self.run(work)

    async def drop_checkpoints(self, above: int = 0) -> None:
        """Drop the checkpoints with a higher number."""
        await self.run(
            lambda conn: conn.execute(sa.delete(audit_checkpoints).where(audit_checkpoints.c.number > above))
        )

    async def put_checkpoint(self, number: int, document: bytes) -> None:
        """Put a document in the place of a checkpoint."""
        where = audit_checkpoints.c.number == number
        await self.run(lambda conn: conn.execute(sa.update(audit_checkpoints).where(where).values(document=document)))


def _number(name: str) -> sa.ScalarSelect[Any]:
    return sa.select(audit_chains.c.number).where(audit_chains.c.chain == name).scalar_subquery()


def _at(name: str, seq: int) -> tuple[sa.ColumnElement[bool], ...]:
    return audit_records.c.chain == _number(name), audit_records.c.seq == seq


def _link(conn: sa.Connection, name: str, seq: int) -> bytes:
    found = audit.records(conn, name, seq - 1, 1)
    return found[0].hash if found and seq else chain.START
