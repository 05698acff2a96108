"""An authority for the servers that are asked."""

from pathlib import Path

import pytest

from tests.support.certified import Authority, authority


@pytest.fixture
def ca(tmp_path: Path) -> Authority:
    """An authority that certifies hosts."""
    return authority(tmp_path / "ca")
