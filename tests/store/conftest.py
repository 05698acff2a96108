"""A migrated database per test, on both engines, and what works on it."""

import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest

from accredit.audit.chain import Head
from accredit.oauth.outcome import Outcome
from accredit.store import engines, migrate, writer
from accredit.store.committer import Committer, Result
from accredit.store.conformance import NOW
from accredit.store.on_sqlite import SqliteDatabase
from accredit.store.readers import (
    AuditLog,
    Catalogues,
    Checkpoints,
    Clients,
    Credentials,
    Enrolments,
    Leases,
    SearchTables,
)
from accredit.system import SystemRandomness
from accredit.testing.postgres import Postgres


class StoppedClock:
    """Always the same time."""

    def now(self) -> int:
        return NOW


@dataclass
class Store:
    """A migrated database with its readers, and writers on demand: one per node."""

    database: Any
    url: str
    _stack: AsyncExitStack
    _nodes: int = 0

    @property
    def catalogue(self) -> Catalogues:
        return Catalogues(self.database)

    @property
    def clients(self) -> Clients:
        return Clients(self.database)

    @property
    def enrolments(self) -> Enrolments:
        return Enrolments(self.database)

    @property
    def leases(self) -> Leases:
        return Leases(self.database)

    @property
    def credentials(self) -> Credentials:
        return Credentials(self.database)

    @property
    def audit(self) -> AuditLog:
        return AuditLog(self.database)

    @property
    def checkpoints(self) -> Checkpoints:
        return Checkpoints(self.database)

    @property
    def tables(self) -> SearchTables:
        return SearchTables(self.database)

    @property
    def shared(self) -> bool:
        """Whether several nodes can work on it."""
        return not isinstance(self.database, SqliteDatabase)

    async def node(self, **different: Any) -> writer.StoreJournal:
        """One more writer; closed with the test."""
        self._nodes += 1
        journal = await writer.open_journal(
            self.database, StoppedClock(), SystemRandomness(), chain=f"chn_node{self._nodes}", version="1", **different
        )
        self._stack.push_async_callback(journal.close)
        return journal

    def committer(self, chain: str = "chn_direct") -> Committer:
        return Committer(StoppedClock(), SystemRandomness(), Head(chain), "1")

    async def commit(self, committer: Committer, outcomes: Sequence[Outcome[Any]]) -> list[Result]:
        """Commit `outcomes` as one batch."""
        if isinstance(self.database, SqliteDatabase):
            with self.database.writer.connect() as conn:
                return committer.commit(conn, outcomes)
        async with self.database.writer.connect() as conn:
            return await conn.run_sync(committer.commit, outcomes)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    folder = tmp_path_factory.mktemp("migrated")

    async def make() -> None:
        database = await engines.open(None, folder)
        await migrate.up(database, folder)
        await database.close()

    anyio.run(make)
    return folder / engines.FILE


@pytest.fixture(scope="session")
def migrated_template(postgres: Postgres) -> str:
    """The name of a migrated PostgreSQL database to copy."""

    async def make() -> None:
        database = await engines.open(postgres.create_database("migrated"), Path())
        await migrate.migrate(database, Path())
        await database.close()

    anyio.run(make)
    return "migrated"


@pytest.fixture(params=["sqlite", "postgresql"])
def new_store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Makes the address of a migrated and empty database, as often as asked."""
    made: list[str] = []
    if request.param == "sqlite":
        source = request.getfixturevalue("migrated_file")

        def on_sqlite() -> str:
            made.append("")
            return f"sqlite:///{shutil.copy(source, tmp_path / f'{len(made)}.db')}"

        yield on_sqlite
        return
    running, template = request.getfixturevalue("postgres"), request.getfixturevalue("migrated_template")

    def on_postgresql() -> str:
        made.append(f"store_{len(made)}")
        return str(running.create_database(made[-1], template=template))

    yield on_postgresql
    for name in made:
        running.drop_database(name)


@pytest.fixture
def new_store(new_store_url: Callable[[], str]) -> Callable[[], Any]:
    """Opens a migrated and empty store: `async with new_store() as store`."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Store]:
        url = new_store_url()
        async with AsyncExitStack() as stack:
            database = await engines.open(url, Path())
            stack.push_async_callback(database.close)
            yield Store(database, url, stack)

    return opened


@pytest.fixture
async def store(new_store: Callable[[], Any]) -> AsyncIterator[Store]:
    """A migrated and empty store."""
    async with new_store() as opened:
        yield opened
