"""SQLite: one writing connection, readers that cannot write, a lock against a second process."""

import asyncio
import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.pool import NullPool

from accredit.store.errors import EXPECTED, DatabaseUnusable, trouble
from accredit.store.lock import ProcessLock

Answer = TypeVar("Answer")

READERS: Final = 4
"""How many threads read what is not a point look-up."""

COMPANIONS: Final = ("-wal", "-shm")
"""The ends of the names of what SQLite keeps beside a database as long as it is open."""

_COMMON: Final = ("PRAGMA busy_timeout = 5000", "PRAGMA foreign_keys = ON", "PRAGMA trusted_schema = OFF")
_WRITER: Final = (*_COMMON, "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA secure_delete = ON")
_READER: Final = (*_COMMON, "PRAGMA query_only = ON")


class SqliteDatabase:
    """A database file that this process alone works on."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it. Raises StoreBusy, DatabaseUnusable."""
        self.path = path
        self._lock = ProcessLock(path)
        try:
            _touch(path)
            self.writer: Final = _engine(path, _WRITER, "BEGIN IMMEDIATE")
            self._readers: Final = _engine(path, _READER, None)
            self._snapshots: Final = _engine(path, _READER, "BEGIN")
            self._inline = self._first_connection()
        except BaseException:
            self._lock.release()
            raise
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="accredit-reader")
        self._mine = threading.local()
        self._opened: list[sa.Connection] = [self._inline]

    async def look_up(self, query: Callable[[sa.Connection], Answer]) -> Answer:
        """Run a point look-up here and now: it is over before a thread would have begun."""
        return _guarded(query, self._inline)

    async def read(self, query: Callable[[sa.Connection], Answer]) -> Answer:
        """Run a query in a reader thread."""
        return await self._in_thread(lambda: _guarded(query, self._reader()))

    async def snapshot(self, query: Callable[[sa.Connection], Answer]) -> Answer:
        """Run queries of one moment in a reader thread."""

        def work() -> Answer:
            with self._snapshots.connect() as conn:
                return query(conn)

        return await self._in_thread(lambda: _mapped(work))

    async def transact(self, change: Callable[[sa.Connection], Answer]) -> Answer:
        """Run a writing transaction in a thread."""

        def work() -> Answer:
            with self.writer.begin() as conn:
                return change(conn)

        return await self._in_thread(lambda: _mapped(work))

    async def back_up(self, target: Path) -> None:
        """Write a copy of the database of this moment to `target`, which appears whole or not at all."""
        await self._in_thread(lambda: copy(self.path, target))

    def connections(self) -> int:
        """Return how many connections read now; the writer has one more."""
        return len(self._opened)

    async def close(self) -> None:
        """Close every connection and give the file free."""
        await self._disconnect()
        self._lock.release()

    async def give_way(self, other: Path, kept: Path | None) -> None:
        """Close, keep the file as `kept`, put `other` in its place, and only then give it free.

        Raises StoreError, and DatabaseUnusable when another program has one of them open.

        At no moment is there no database: whatever happens, the next start finds the old one or the new one.
        """
        await self._disconnect()
        try:
            await asyncio.to_thread(lambda: _mapped(lambda: self._replace(other, kept)))
        finally:
            self._lock.release()

    def _replace(self, other: Path, kept: Path | None) -> None:
        for path in (self.path, other):
            if companion(path, "-wal").exists():
                raise DatabaseUnusable(f"another program has {path} open; end that one, and try again")
        if kept is not None:
            os.link(self.path, kept)
        other.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    async def _disconnect(self) -> None:
        await asyncio.to_thread(self._pool.shutdown)
        for conn in self._opened:
            with contextlib.suppress(*EXPECTED):
                conn.close()

    async def _in_thread(self, work: Callable[[], Answer]) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def _reader(self) -> sa.Connection:
        """Return the connection of this thread."""
        conn: sa.Connection | None = getattr(self._mine, "conn", None)
        if conn is None:
            conn = self._mine.conn = self._readers.connect()
            self._opened.append(conn)
        return conn

    def _first_connection(self) -> sa.Connection:
        """Open the writer once, which makes the file a WAL database, and return the reader for look-ups."""
        try:
            self.writer.connect().close()
            return self._readers.connect()
        except sa.exc.DatabaseError as error:
            reason = trouble(error)
            raise DatabaseUnusable(
                f"{self.path} cannot be opened as an SQLite database ({reason}); is it another file, or damaged?"
            ) from None


def copy(path: Path, target: Path) -> None:
    """Write a copy of the database at `path`, as it is at one moment, to `target`, for its owner only.

    Another process may write to the database meanwhile. `target` appears whole or not at all. Raises StoreError,
    DatabaseUnusable.
    """
    unfinished = target.with_name(target.name + ".unfinished")

    def work() -> None:
        unfinished.unlink(missing_ok=True)
        _touch(unfinished, os.O_EXCL | os.O_NOFOLLOW)
        # A connection that is `query_only` may not write to any file, not even to another one.
        with _engine(path, _COMMON, None).connect() as conn:
            conn.exec_driver_sql("VACUUM INTO ?", (str(unfinished),))
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.rename(target)

    try:
        _mapped(work)
    finally:
        unfinished.unlink(missing_ok=True)


def look(path: Path, query: Callable[[sa.Connection], Answer]) -> Answer:
    """Run a query on the database at `path`, and leave nothing beside it. Raises StoreError."""

    def work() -> Answer:
        with _engine(path, _READER, None).connect() as conn:
            return query(conn)

    return _mapped(work)


def companion(path: Path, end: str) -> Path:
    """Return the file that SQLite keeps beside the database at `path`; `end` is one of COMPANIONS."""
    return path.with_name(path.name + end)


def _guarded(query: Callable[[sa.Connection], Answer], conn: sa.Connection) -> Answer:
    try:
        return query(conn)
    except EXPECTED as error:
        raise trouble(error) from None
    finally:
        conn.rollback()


def _mapped(work: Callable[[], Answer]) -> Answer:
    try:
        return work()
    except EXPECTED as error:
        raise trouble(error) from None


def _touch(path: Path, how: int = 0) -> None:
    """Make the file for its owner only; SQLite gives its companions the same mode. `how` are flags of `open`."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | how, 0o600))
    except OSError as error:
        raise DatabaseUnusable(f"cannot use {path}: {error.strerror}") from error


def _engine(path: Path, pragmas: tuple[str, ...], begin: str | None) -> sa.Engine:
    """Return an engine whose connections are set up by `pragmas` and begin with `begin`, or not at all."""

    def connect() -> sqlite3.Connection:
        conn = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
        for pragma in pragmas:
            conn.execute(pragma)
        return conn

    engine = sa.create_engine("sqlite+pysqlite://", creator=connect, poolclass=NullPool, hide_parameters=True)
    if begin is not None:
        event.listen(engine, "begin", _beginner(begin))
    return engine


def _beginner(statement: str) -> Callable[[sa.Connection], None]:
    """Return what SQLAlchemy calls when a transaction begins: the driver itself leaves that to us."""

    def begin(conn: sa.Connection) -> None:
        conn.exec_driver_sql(statement)

    return begin
