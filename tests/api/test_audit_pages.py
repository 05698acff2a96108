"""Somebody reads the log page by page while it goes on: nothing is shown twice, and nothing of before is left out."""

import pytest

from tests.api.test_audit import reported
from tests.support.admin import Admin


@pytest.mark.parametrize("size", [1, 3])
async def test_pages_of_a_search_hold_together_while_the_log_grows(admin: Admin, size: int) -> None:
    await admin.ledger()
    for number in range(4):
        await admin.ledger(f"more-{number}", f"https://more{number}.example/mcp")
    before = [item["hash"] for item in (await admin.ok("GET", "/audit"))["items"]]
    seen: list[str] = []
    cursor, number = None, 0
    while cursor is not None or not seen:
        query = {"limit": size} | ({"cursor": cursor} if cursor is not None else {})
        page = await admin.ok("GET", "/audit", params=query)
        seen += [item["hash"] for item in page["items"]]
        cursor, number = page["next"], number + 1
        await admin.ledger(f"since-{number}", f"https://since{number}.example/mcp")
    assert seen == before


async def test_what_a_guard_delivers_late_is_shown_at_its_place_among_older_pages(admin: Admin) -> None:
    await admin.ledger()
    first = await admin.ok("GET", "/audit", params={"limit": 1})
    await reported(admin, {"reason": "ok"}, at=5)
    shown, cursor = [item["hash"] for item in first["items"]], first["next"]
    while cursor is not None:
        page = await admin.ok("GET", "/audit", params={"limit": 1, "cursor": cursor})
        shown += [item["hash"] for item in page["items"]]
        cursor, last = page["next"], page["items"][-1]
    assert last["at"] == "1970-01-01T00:00:00.000005Z"
    assert len(set(shown)) == len(shown)
