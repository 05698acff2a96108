"""One node for each test that asks for one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.admin import Admin, administration
from tests.support.archives import Place, archiving
from tests.support.house import House, house
from tests.support.management import Staff, staffed


@pytest.fixture
async def admin(tmp_path: Path) -> AsyncIterator[Admin]:
    """A fresh node on SQLite and its management API."""
    async with administration(tmp_path / "data") as found:
        yield found


@pytest.fixture
async def staff(admin: Admin) -> AsyncIterator[Staff]:
    """The same with two servers, and everybody who holds an office."""
    async with staffed(admin) as found:
        yield found


@pytest.fixture
async def victim(tmp_path: Path) -> AsyncIterator[House]:
    """A fresh node on SQLite, and a real guard that has begun."""
    async with house(tmp_path) as found:
        yield found


@pytest.fixture
async def place(engine_url: str, tmp_path: Path) -> AsyncIterator[Place]:
    """A node with an archive on each engine, and an agent in it."""
    async with archiving(engine_url, tmp_path) as found:
        await found.admin.ledger()
        await found.admin.ok("POST", "/agents", json={"slug": "bot", "owner": "dana@example.com"})
        yield found
