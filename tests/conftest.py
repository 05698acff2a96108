"""Fixtures that every test may ask for. PostgreSQL starts when the first test asks for it, once per session."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings

from accredit.testing.postgres import Postgres

settings.register_profile("accredit", deadline=None, derandomize=True, database=None, print_blob=True)
settings.load_profile("accredit")

_number = count(1)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """asyncio alone: the database driver knows no other."""
    return "asyncio"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The session's PostgreSQL; fsync is off, since no test here crashes the machine."""
    with Postgres.start(fsync=False) as running:
        yield running


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """The address of an empty database, dropped afterwards."""
    name = f"test_{next(_number)}"
    yield postgres.create_database(name)
    postgres.drop_database(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, as `--database` takes it: the test runs once on each engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'accredit.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url
