"""Signing keys over the management API."""

import pytest

from tests.support.admin import Admin


async def states(admin: Admin) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for key in (await admin.ok("GET", "/keys"))["items"]:
        found.setdefault((key["use"], key["state"]), []).append(key["kid"])
    return found


async def test_each_use_has_one_active_and_one_upcoming_key(admin: Admin) -> None:
    assert {place: len(kids) for place, kids in (await states(admin)).items()} == {
        ("access", "active"): 1, ("access", "upcoming"): 1, ("signal", "active"): 1, ("signal", "upcoming"): 1,
        ("checkpoint", "active"): 1, ("checkpoint", "upcoming"): 1,
    }  # fmt: skip


async def test_after_a_rotation_the_upcoming_key_signs_and_the_other_use_is_untouched(admin: Admin) -> None:
    before = await states(admin)
    rotated = await admin.ok("POST", "/keys/access/rotate")
    after = await states(admin)
    assert [rotated["kid"]] == after["access", "active"] == before["access", "upcoming"]
    assert after["access", "retired"] == before["access", "active"]
    assert after["signal", "active"] == before["signal", "active"]


async def test_no_answer_holds_a_private_key(admin: Admin) -> None:
    answer = await admin.http.get("/keys")
    assert set(answer.json()["items"][0]) == {"kid", "use", "algorithm", "state", "created_at", "gone_at"}


@pytest.mark.parametrize("use", ["ACCESS", "none", "access%00", "..", "%2E%2E"])
async def test_an_unknown_use_is_refused(admin: Admin, use: str) -> None:
    assert (await admin.refused("POST", f"/keys/{use}/rotate"))[0] in (404, 422)


async def test_keys_come_in_pages_and_each_once(admin: Admin) -> None:
    whole = await admin.ok("GET", "/keys")
    assert whole["next"] is None
    seen, cursor = [], None
    while True:
        page = await admin.ok("GET", "/keys", params={"limit": 1} | ({"cursor": cursor} if cursor else {}))
        seen += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == whole["items"]
    assert len(seen) >= 4
    assert await admin.refused("GET", "/keys", params={"cursor": "nowhere"}) == (422, "invalid")
