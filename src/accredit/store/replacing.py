"""An SQLite database takes the place of another: looked at beside it, and exchanged in one step or not at all."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from accredit.ports.backups import Comparison
from accredit.store import backup, migrate
from accredit.store.engines import FILE
from accredit.store.errors import DatabaseNotMigrated, DatabaseUnusable
from accredit.store.on_sqlite import COMPANIONS, SqliteDatabase, companion

_UNFINISHED: Final = FILE + ".restoring"


@dataclass(slots=True)
class Exchange:
    """The database in use, closed to all other processes, and a copy of the backup with the newest schema beside it."""

    replaced: SqliteDatabase
    copy: SqliteDatabase
    kept: Path | None = None
    _given: bool = False

    async def compare(self) -> Comparison:
        """Look at both. Raises DatabaseUnusable for a backup of nothing."""
        found = await self.copy.read(backup.contents)
        if found is None:
            raise DatabaseUnusable("no node has ever run on the database in this file; there is nothing to restore")
        if await self.replaced.read(_empty):
            return Comparison(found, empty=True, compared=True)
        try:
            await migrate.check(self.replaced)
        except DatabaseNotMigrated:
            return Comparison(found, empty=False, compared=False)
        revived, lost = await backup.revived(self.replaced, self.copy), await backup.lost(self.replaced, self.copy)
        return Comparison(found, empty=False, compared=True, revived=revived, lost=lost)

    def keep(self, name: str) -> Path:
        """Keep the database in use as `name`, with a number behind it if there is such a file; return its path."""
        number, self.kept = 1, self.replaced.path.with_name(name)
        while self.kept.exists():
            number, self.kept = number + 1, self.replaced.path.with_name(f"{name}-{number}")
        return self.kept

    async def finish(self) -> None:
        """Exchange them. Raises StoreError."""
        await self.copy.close()
        self._given = True
        await self.replaced.give_way(self.copy.path, self.kept)

    async def close(self) -> None:
        """Leave no trace but the exchange, if it was made."""
        if not self._given:
            await self.copy.close()
            await self.replaced.close()
        _sweep(self.copy.path)


@asynccontextmanager
async def exchanging(folder: Path, file: Path) -> AsyncIterator[Exchange]:
    """Open the database of `folder` and a copy of the backup `file`. Raises DatabaseProblem, StoreError."""
    if any(_filled(companion(file, end)) for end in COMPANIONS):
        raise DatabaseUnusable(f"{file} is a database in use, and a part of it is in other files; use accredit backup")
    replaced = SqliteDatabase(folder / FILE)
    try:
        copy = await _opened(folder / _UNFINISHED, file)
    except BaseException:
        await replaced.close()
        _sweep(folder / _UNFINISHED)
        raise
    exchange = Exchange(replaced, copy)
    try:
        yield exchange
    finally:
        await exchange.close()


async def _opened(copy: Path, file: Path) -> SqliteDatabase:
    """Return a sound copy of `file` with the newest schema."""
    _sweep(copy)
    try:
        await asyncio.to_thread(_copied, file, copy)
        found = SqliteDatabase(copy)
    except (OSError, DatabaseUnusable) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no SQLite database, or damaged"
        raise DatabaseUnusable(f"{file} cannot be restored: {why}") from error
    try:
        if not await found.read(backup.sound) or await found.read(_empty):
            raise DatabaseUnusable(f"{file} cannot be restored: it is empty or damaged")
        await migrate.migrate(found, None)
    except BaseException:
        await found.close()
        raise
    return found


def _copied(file: Path, copy: Path) -> None:
    with os.fdopen(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
        with file.open("rb") as source:
            shutil.copyfileobj(source, target, 1 << 20)
        target.flush()
        os.fsync(target.fileno())


def _sweep(copy: Path) -> None:
    for end in ("", *COMPANIONS, ".lock"):
        companion(copy, end).unlink(missing_ok=True)


def _filled(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _empty(conn: sa.Connection) -> bool:
    return not sa.inspect(conn).get_table_names()
