"""One house for each attack."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.house import House, house


@pytest.fixture
async def victim(tmp_path: Path) -> AsyncIterator[House]:
    """A real node on SQLite, and a real guard that has begun."""
    async with house(tmp_path) as found:
        yield found
