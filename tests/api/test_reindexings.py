"""The search tables are filled anew over the management API, while the node goes on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from accredit.store.log_tables import audit_terms
from tests.api.test_audit import bot
from tests.support.admin import Admin
from tests.support.archives import Place, archiving
from tests.support.tampering import Tamperer


@pytest.fixture
async def spoilt(engine_url: str, tmp_path: Path) -> AsyncIterator[Place]:
    """A node with an agent, of whose records somebody has taken every way to find them."""
    async with archiving(engine_url, tmp_path) as place:
        await bot(place.admin)
        assert len(await found(place.admin)) == 1
        url = engine_url if engine_url.startswith("postgres") else f"sqlite:///{tmp_path / 'data' / 'accredit.db'}"
        await Tamperer(url).run(lambda conn: conn.execute(sa.delete(audit_terms)))
        assert await found(place.admin) == []
        yield place


async def found(admin: Admin) -> list[str]:
    return [item["hash"] for item in (await admin.ok("GET", "/audit", params={"member": "bot"}))["items"]]


async def test_what_could_not_be_found_is_found_again(spoilt: Place) -> None:
    admin = spoilt.admin
    waiting = await admin.ok("POST", "/reindexings")
    assert waiting["records"] > 0
    while (await admin.ok("GET", "/audit"))["behind"]["records"]:
        pass
    assert len(await found(admin)) == 1
    items = (await admin.ok("GET", "/audit", params={"kind": "administered"}))["items"]
    assert items[0]["person"]["action"] == "audit.reindex"
    assert (await admin.ok("GET", "/audit/verify"))["ok"]
