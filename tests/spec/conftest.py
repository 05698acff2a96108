"""The whole house, for clauses that only a real answer proves."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.house import House, house


@pytest.fixture
async def deployed(tmp_path: Path) -> AsyncIterator[House]:
    """A real node and a real guard that has begun."""
    async with house(tmp_path) as found:
        yield found
