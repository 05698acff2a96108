"""PostgreSQL: asyncpg below SQLAlchemy's asyncio, for any number of nodes."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import asyncpg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from accredit.store.errors import EXPECTED, DatabaseUnusable, trouble

Answer = TypeVar("Answer")

OLDEST: Final = 15
"""The oldest major version that will do."""

_SETTINGS: Final = {
    "application_name": "accredit",
    "synchronous_commit": "on",
    "statement_timeout": "30s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
    "timezone": "UTC",
}
"""An answered request is durable, and nobody holds the others up for ever."""

_CONNECT_WITHIN: Final = 10
"""Seconds that a new connection may take."""

_CLOSE_WITHIN: Final = 2
"""Seconds that a farewell may take."""


class PostgresqlDatabase:
    """A pool of connections to a PostgreSQL database."""

    def __init__(self, engine: AsyncEngine, url: str) -> None:
        self._url = url
        self.writer: Final = engine
        self._readers = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._snapshots = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @classmethod
    async def connect(cls, url: str) -> "PostgresqlDatabase":
        """Open the database at `url` as libpq understands it. Raises DatabaseUnusable."""

        async def connection(**_: Any) -> Any:
            return await asyncpg.connect(url, server_settings=_SETTINGS, timeout=_CONNECT_WITHIN)

        engine = create_async_engine(
            "postgresql+asyncpg://", async_creator=connection, hide_parameters=True, pool_size=8, max_overflow=8
        )
        database = cls(engine, url)
        try:
            async with engine.connect() as conn:
                version = conn.dialect.server_version_info or (0,)
        except (*EXPECTED, ValueError) as error:
            await engine.dispose()
            raise DatabaseUnusable(
                f"cannot connect to PostgreSQL at {_shown(url)} ({trouble(error)}); is it running, and do user, "
                "password and database exist?"
            ) from None
        if int(version[0]) < OLDEST:
            await engine.dispose()
            raise DatabaseUnusable(f"PostgreSQL {version[0]} is too old: Accredit needs {OLDEST} or newer")
        return database

    async def look_up(self, query: Callable[[sa.Connection], Answer]) -> Answer:
        """Run a query."""
        return await self.read(query)

    async def read(self, query: Callable[[sa.Connection], Answer]) -> Answer:
        """Run a query; once more, on a new connection, when the old one turns out to be dead."""
        try:
            return await _run(self._readers, query)
        except sa.exc.DBAPIError as error:
            if not error.connection_invalidated:
                raise trouble(error) from None
        except EXPECTED as error:
            raise trouble(error) from None
        return await _mapped(self._readers, query)

    async def snapshot(self, query: Callable[[sa.Connection], Answer]) -> Answer:
        """Run queries of one moment."""
        return await _mapped(self._snapshots, query)

    async def transact(self, change: Callable[[sa.Connection], Answer]) -> Answer:
        """Run a writing transaction."""
        try:
            async with self.writer.begin() as conn:
                return await conn.run_sync(change)
        except EXPECTED as error:
            raise trouble(error) from None

    def connections(self) -> int:
        """Return how many connections of the pool are in use now."""
        pool = self.writer.pool
        return pool.checkedout() if isinstance(pool, sa.QueuePool) else 0

    async def others(self) -> int:
        """Return how many connections of Accredit, other than this pool's, there are to this database."""
        async with self._readers.connect() as conn:
            return await conn.run_sync(_others)

    async def listen(self, channel: str, heard: Callable[[], None]) -> None:
        """Call `heard` whenever something is told on `channel`, until the connection is lost, or this is cancelled.

        Raises StoreError; what was told meanwhile is lost.
        """
        try:
            conn = await asyncpg.connect(self._url, server_settings=_SETTINGS, timeout=_CONNECT_WITHIN)
        except EXPECTED as error:
            raise trouble(error) from None
        lost = asyncio.Event()
        conn.add_termination_listener(lambda _: lost.set())
        try:
            await conn.add_listener(channel, lambda *_: heard())
            await lost.wait()
        except EXPECTED as error:
            raise trouble(error) from None
        finally:
            with contextlib.suppress(*EXPECTED):
                await asyncio.shield(conn.close(timeout=_CLOSE_WITHIN))

    async def close(self) -> None:
        """Close every connection."""
        await self.writer.dispose()


def _others(conn: sa.Connection) -> int:
    count: int = conn.exec_driver_sql(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'accredit' "
        "AND pid <> pg_backend_pid()"
    ).scalar_one()
    return count


async def _run(engine: AsyncEngine, query: Callable[[sa.Connection], Answer]) -> Answer:
    async with engine.connect() as conn:
        return await conn.run_sync(query)


async def _mapped(engine: AsyncEngine, query: Callable[[sa.Connection], Answer]) -> Answer:
    try:
        return await _run(engine, query)
    except EXPECTED as error:
        raise trouble(error) from None


def _shown(url: str) -> str:
    """Return where `url` leads, without user and password."""
    try:
        parts = urlsplit(url)
        # A password with a slash or a hash in it ends the part before the `@` too early: what follows is not the path.
        whole = (parts.port is None or parts.port > 0) and "@" not in parts.path + parts.query + parts.fragment
        return f"{parts.hostname or 'the local socket'}{parts.path}" if whole else "this address"
    except ValueError:
        return "this address"
