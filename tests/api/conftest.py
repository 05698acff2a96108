"""One node for each test that asks for one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.admin import Admin, administration


@pytest.fixture
async def admin(tmp_path: Path) -> AsyncIterator[Admin]:
    """A fresh node on SQLite and its management API."""
    async with administration(tmp_path / "data") as found:
        yield found
