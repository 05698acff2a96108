"""A database by its address: SQLite for one process, PostgreSQL for several."""

from pathlib import Path
from typing import Final

from accredit.store.errors import DatabaseUnusable
from accredit.store.on_postgresql import PostgresqlDatabase
from accredit.store.on_sqlite import SqliteDatabase

Database = SqliteDatabase | PostgresqlDatabase
"""An open database. Both offer `look_up`, `read`, `snapshot` and `transact`, which raise StoreError, and `close`."""

FILE: Final = "accredit.db"
"""The name of the SQLite file in the data folder, if the address names no other."""


async def open(url: str | None, folder: Path) -> Database:  # noqa: A001
    """Open the database at `url`: `sqlite:///FILE` (relative to `folder`) or `postgresql://…`; None: SQLite there.

    Raises DatabaseUnusable, StoreBusy. Nothing is created but an empty file; see `migrate` for the tables.
    """
    if url is None:
        return SqliteDatabase(folder / FILE)
    scheme, found, rest = url.partition("://")
    if found and scheme == "sqlite" and rest.startswith("/") and rest[1:] not in ("", ":memory:") and "?" not in rest:
        return SqliteDatabase(folder / rest[1:])
    if found and scheme in ("postgresql", "postgres"):
        return await PostgresqlDatabase.connect(url)
    raise DatabaseUnusable(
        "the database is given as sqlite:///FILE or as postgresql://USER@HOST/NAME; without it, in the data folder"
    )
