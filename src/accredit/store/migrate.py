"""From whatever schema a database has to the one that this software knows; only ever forward."""

from functools import lru_cache
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from accredit.store.engines import Database
from accredit.store.errors import DatabaseNotMigrated, DatabaseProblem, DatabaseTooNew, DatabaseUnusable
from accredit.store.on_postgresql import PostgresqlDatabase
from accredit.store.on_sqlite import SqliteDatabase

_LOCK: Final = 0x_ACC_12ED17
"""The number of the advisory lock under which one process at a time migrates a PostgreSQL database."""


def newest() -> str:
    """Return the revision that this software needs."""
    return _revisions()[-1]


async def check(database: Database) -> None:
    """Raise DatabaseTooNew, DatabaseUnusable or DatabaseNotMigrated unless the schema is the newest; change nothing."""
    if await database.read(_found) != newest():
        raise DatabaseNotMigrated("the database is not migrated to this version yet; run: accredit migrate")


async def behind(database: Database) -> str | None:
    """Return what to do about a schema that is older than this software, None when it will do.

    One that a newer version has migrated will: it was only expanded.
    """
    try:
        await check(database)
    except DatabaseTooNew:
        return None
    except DatabaseProblem as problem:
        return str(problem)
    return None


async def up(database: Database, folder: Path) -> None:
    """Make sure at start-up that the schema fits; an SQLite file is migrated, after a backup into `folder`.

    Raises DatabaseTooNew, DatabaseUnusable, StoreError and, on PostgreSQL only, DatabaseNotMigrated.
    """
    if await database.read(_found) == newest():
        return
    if isinstance(database, PostgresqlDatabase):
        await check(database)
    await migrate(database, folder)


async def migrate(database: Database, folder: Path | None) -> str:
    """Bring the database to the newest schema and return one sentence about it; see `up` for what it raises.

    An SQLite file is copied into `folder` before; None: it is a copy itself.
    """
    backup = ""
    if folder is not None and isinstance(database, SqliteDatabase):
        found = await database.read(_found)
        if found not in (None, newest()):
            copy = folder / f"{database.path.name}.before-{newest()}"
            await database.back_up(copy)
            backup = f" A copy of it as it was is in {copy}."
    if not await database.transact(_upgrade):
        return f"The database has the newest schema, {newest()}, already."
    return f"The database has the schema {newest()} now.{backup}"


def _found(conn: sa.Connection) -> str | None:
    """Return the revision of the database, None when it is empty."""
    revision = MigrationContext.configure(conn).get_current_revision()
    if revision is None and sa.inspect(conn).get_table_names():
        raise DatabaseUnusable("the database holds tables, and they are not Accredit's; choose another database")
    if revision is not None and revision not in _revisions():
        raise DatabaseTooNew(
            f"the database has schema {revision[:40]!r} and this software knows {newest()!r} at most: a newer "
            "version used it. Start that one, or restore the backup that was made before the upgrade"
        )
    return revision


def _upgrade(conn: sa.Connection) -> bool:
    """Migrate, inside the transaction that `conn` is in, with nobody beside us; tell whether there was need to."""
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql("SET LOCAL lock_timeout = 0")
        conn.exec_driver_sql("SET LOCAL statement_timeout = 0")
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    if _found(conn) == newest():
        return False
    config = _config()
    config.attributes["connection"] = conn
    command.upgrade(config, "head")
    return True


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


@lru_cache(maxsize=1)
def _revisions() -> tuple[str, ...]:
    """Return all revisions, oldest first."""
    steps = ScriptDirectory.from_config(_config()).walk_revisions()
    return tuple(reversed([step.revision for step in steps]))
