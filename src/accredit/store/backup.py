"""What a database holds and another does not: what must be said when a backup takes the place of what came after it."""

from collections.abc import Iterator, Mapping
from typing import Final

import sqlalchemy as sa

from accredit.ports.backups import Contents, LostRecords
from accredit.store import audit, deployment
from accredit.store.log_tables import audit_records
from accredit.store.on_sqlite import SqliteDatabase
from accredit.store.portions import portions
from accredit.store.tables import clients, credentials, servers

_AT_ONCE: Final = 500


def contents(conn: sa.Connection) -> Contents | None:
    """Return what is there, None when no node ever ran on it."""
    found = deployment.read(conn)
    if found is None:
        return None
    records, last_at = conn.execute(sa.select(sa.func.count(), sa.func.max(audit_records.c.at))).one()
    return Contents(found.issuer, found.epoch, records, last_at)


def sound(conn: sa.Connection) -> bool:
    """Tell whether the pages of an SQLite database fit together."""
    return bool(conn.exec_driver_sql("PRAGMA quick_check(1)").scalar_one() == "ok")


async def revived(replaced: SqliteDatabase, backup: SqliteDatabase) -> tuple[str, ...]:
    """Return a name for everything that was ended in `replaced` and lives in `backup`."""
    ended = await replaced.read(_ended)
    return tuple(sorted(await backup.read(lambda conn: _living(conn, ended))))


async def lost(replaced: SqliteDatabase, backup: SqliteDatabase) -> tuple[LostRecords, ...]:
    """Return the records of `replaced` that `backup` does not have, chain by chain."""
    known = {end.chain: end.seq for end in await backup.read(audit.chain_ends)}
    return tuple(
        LostRecords(end.chain, end.guard, known.get(end.chain, 0) + 1, end.seq)
        for end in await replaced.read(audit.chain_ends)
        if end.seq > known.get(end.chain, 0)
    )


def _ended(conn: sa.Connection) -> dict[str, str]:
    """Return a name for everything that is suspended, revoked or removed, by its id."""
    found = {}
    for table, name in ((clients, "client"), (servers, "server")):
        for row in conn.execute(sa.select(table.c.id, table.c.slug).where(table.c.state != "active")):
            found[row.id] = f"{name} {row.slug}"
    ended = sa.select(credentials.c.id, clients.c.slug).join(clients, clients.c.id == credentials.c.client)
    for row in conn.execute(ended.where(credentials.c.state != "active")):
        found[row.id] = f"credential {row.id} of {row.slug}"
    return found


def _living(conn: sa.Connection, ended: Mapping[str, str]) -> Iterator[str]:
    for table in (clients, servers, credentials):
        for some in portions(ended, _AT_ONCE):
            query = sa.select(table.c.id).where(table.c.id.in_(some), table.c.state == "active")
            yield from [ended[one] for one in conn.execute(query).scalars()]
