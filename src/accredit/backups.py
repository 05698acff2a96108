"""Copies of the database and the way back to them: composed like a node, and no node runs on what is restored."""

from collections.abc import Callable
from pathlib import Path

from accredit import system
from accredit.app import given_key
from accredit.config import Settings
from accredit.parts import VERSION
from accredit.ports.backups import Comparison, Contents
from accredit.service import deployment, restoration
from accredit.service.ids import Ids
from accredit.store import backup, engines, migrate, on_sqlite, readers, replacing, writer
from accredit.store.engines import Database
from accredit.store.errors import DatabaseUnusable
from accredit.store.on_postgresql import PostgresqlDatabase


def back_up(settings: Settings, target: Path) -> Contents:
    """Copy the SQLite database to `target`, whether or not a node runs on it, and return what the copy holds.

    Raises DatabaseProblem, StoreError.
    """
    if settings.database_url is not None:
        raise DatabaseUnusable("PostgreSQL has its own way: pg_dump --format=custom --file=FILE, and the URL as it is")
    source = settings.data / engines.FILE
    if not source.is_file():
        raise DatabaseUnusable(f"there is no database {source}; is this the data folder?")
    if target.exists():
        raise DatabaseUnusable(f"{target} is there already, and no backup overwrites another one; choose another name")
    on_sqlite.copy(source, target)
    found = on_sqlite.look(target, backup.contents)
    if found is None:
        target.unlink()
        raise DatabaseUnusable("no node has run on this database yet; there is nothing to keep")
    return found


async def restore(settings: Settings, file: Path, agree: Callable[[Comparison], None]) -> Path | None:
    """Put the backup `file` in the place of the SQLite database, and begin an epoch.

    `agree` is told what that means, and may raise: then nothing is done. Returns where the database that was in use is
    now, None when there was none. Raises what `node` does.
    """
    if settings.database_url is not None:
        raise DatabaseUnusable("PostgreSQL has its own way: pg_restore, then accredit restore --after-pg-restore")
    system.prepare(settings.data)
    async with replacing.exchanging(settings.data, file) as exchange:
        found = await exchange.compare()
        await _check_owner(settings, exchange.copy)
        agree(found)
        lost = sum(one.last - one.first + 1 for one in found.lost)
        if not found.empty:
            exchange.keep(f"{engines.FILE}.before-restore-{found.backup.epoch + 1}")
        kept = f"; {lost} records are only in {exchange.kept.name}" if exchange.kept is not None else ""
        await _begin_epoch(exchange.copy, f"restored a backup of epoch {found.backup.epoch}{kept}")
        await exchange.finish()
        return exchange.kept


async def begin_epoch(settings: Settings) -> None:
    """Begin an epoch after PostgreSQL was brought back to an older state by its own tools.

    Raises what `node` does, and DatabaseUnusable while a node is connected.
    """
    if settings.database_url is None:
        raise DatabaseUnusable("this is SQLite: name the file of the backup")
    system.prepare(settings.data)
    database = await engines.open(settings.database_url, settings.data)
    try:
        await migrate.check(database)
        await _check_owner(settings, database)
        if isinstance(database, PostgresqlDatabase) and (nodes := await database.others()):
            raise DatabaseUnusable(f"{nodes} connections of Accredit are open; stop every node, and try again")
        await _begin_epoch(database, "an older state of the database was brought back")
    finally:
        await database.close()


async def _check_owner(settings: Settings, database: Database) -> None:
    if (known := await readers.Deployments(database).read()) is None:
        raise DatabaseUnusable("no node has run on this database yet; there is nothing to restore")
    master = system.master_key(settings.data, given_key(settings), create=False)
    deployment.compare(known, settings.origin, master)


async def _begin_epoch(database: Database, summary: str) -> None:
    clock, randomness = system.SystemClock(), system.SystemRandomness()
    ids = Ids(clock, randomness)
    journal = await writer.open_journal(database, clock, randomness, chain=ids.new("chain"), version=VERSION)
    try:
        await restoration.begin_epoch(readers.Catalogues(database), journal, ids, clock, summary)
    finally:
        await journal.close()
