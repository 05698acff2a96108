"""A guard that has begun, around an app that only counts."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.authority import FakeAccredit
from tests.support.guarded import Guarded, guarded


@pytest.fixture
def accredit() -> FakeAccredit:
    """Accredit, whose clock stands still."""
    return FakeAccredit()


@pytest.fixture
async def site(tmp_path: Path, accredit: FakeAccredit) -> AsyncIterator[Guarded]:
    """A guard with fresh knowledge."""
    async with guarded(tmp_path / "guard", accredit) as found:
        yield found
