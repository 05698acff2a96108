"""Signing keys over the management API."""

import asyncio
import shutil
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from accredit.store import engines, migrate
from accredit.testing.serving import MovingClock
from tests.support.admin import Admin, administration, key_set
from tests.support.until import eventually

DAY = 86_400


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
    assert set(answer.json()["items"][0]) == {
        *("kid", "use", "algorithm", "state"),
        *("created_at", "active_at", "gone_at"),
    }


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


@pytest.mark.parametrize("use", ["access", "signal"])
async def test_an_active_key_that_is_withdrawn_is_published_no_more_and_the_upcoming_one_signs(
    admin: Admin, use: str
) -> None:
    before = await states(admin)
    (kid,) = before[use, "active"]
    gone = await admin.ok("POST", f"/keys/{kid}/withdraw")
    assert (gone["kid"], gone["state"]) == (kid, "gone")
    after = await states(admin)
    assert after[use, "active"] == before[use, "upcoming"]
    assert len(after[use, "upcoming"]) == 1
    assert kid not in [key for kids in after.values() for key in kids]
    assert kid not in (await key_set(admin)).text
    assert await admin.refused("POST", f"/keys/{kid}/withdraw") == (404, "not_found")


async def test_an_upcoming_and_a_retired_key_can_be_withdrawn_and_the_active_one_goes_on(admin: Admin) -> None:
    await admin.ok("POST", "/keys/access/rotate")
    before = await states(admin)
    for state, left in (("upcoming", 1), ("retired", 0)):
        (kid,) = before["access", state]
        await admin.ok("POST", f"/keys/{kid}/withdraw")
        after = await states(admin)
        assert after["access", "active"] == before["access", "active"]
        assert len(after.get(("access", state), ())) == left
        assert kid not in [key for kids in after.values() for key in kids]


async def test_of_fifty_who_withdraw_or_rotate_at_once_one_succeeds_and_two_keys_are_left(admin: Admin) -> None:
    (kid,) = (await states(admin))["access", "active"]
    asked = [admin.http.post(f"/keys/{('access/rotate', kid + '/withdraw')[n % 2]}") for n in range(50)]
    answers = await asyncio.gather(*asked)
    assert sum(answer.is_success for answer in answers) >= 1
    assert {answer.status_code for answer in answers} <= {200, 404, 409, 412}
    after = await states(admin)
    assert [len(after["access", state]) for state in ("active", "upcoming")] == [1, 1]
    told = (await admin.ok("GET", "/audit", params={"kind": "administered", "limit": 200}))["items"]
    done = [item["person"]["action"] for item in told]
    assert done.count("key.rotate") + done.count("key.withdraw") == sum(answer.is_success for answer in answers)


@pytest.mark.parametrize("kid", ["x", "k" * 43, "k" * 44, "%2e%2e"])
async def test_a_key_that_is_none_cannot_be_withdrawn(admin: Admin, kid: str) -> None:
    assert (await admin.refused("POST", f"/keys/{kid}/withdraw"))[0] in (404, 422)


async def rotations(admin: Admin) -> list[str]:
    found = (await admin.ok("GET", "/audit", params={"kind": "administered", "limit": 200}))["items"]
    told = [item["person"] for item in found if item["person"]["action"] == "key.rotate"]
    return sorted(item["summary"].partition(":")[0] for item in told)


async def test_a_key_is_replaced_by_itself_when_it_has_signed_for_ninety_days(tmp_path: Path) -> None:
    clock = MovingClock()
    async with administration(tmp_path, clock=clock) as admin:
        first = await states(admin)
    clock.advance(89 * DAY)
    async with administration(tmp_path, clock=clock) as admin:
        await asyncio.sleep(0)
        assert await states(admin) == first
    clock.advance(2 * DAY)
    for _ in range(2):
        async with administration(tmp_path, clock=clock) as admin:
            await eventually(lambda node=admin: rotations(node))
            await eventually(lambda node=admin: all_rotated(node))
            second = await states(admin)
            assert second["access", "active"] == first["access", "upcoming"]
            assert second["signal", "active"] == first["signal", "upcoming"]
            assert await rotations(admin) == ["access", "checkpoint", "signal"]


async def all_rotated(admin: Admin) -> bool:
    return len(await rotations(admin)) == 3


async def test_two_nodes_that_rotate_at_once_make_one_rotation(tmp_path: Path, postgres_url: str) -> None:
    clock = MovingClock()
    database = await engines.open(postgres_url, tmp_path)
    await migrate.migrate(database, tmp_path)
    await database.close()
    async with administration(tmp_path / "a", postgres_url, clock) as admin:
        first = await states(admin)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    clock.advance(91 * DAY)
    async with AsyncExitStack() as stack:
        opened = [stack.enter_async_context(administration(tmp_path / name, postgres_url, clock)) for name in "ab"]
        one, other = await asyncio.gather(*opened)
        await eventually(lambda: all_rotated(one))
        for node in (one, other):
            await node.node.directory.catch_up()
            assert (await states(node))["access", "active"] == first["access", "upcoming"]
        assert await rotations(other) == ["access", "checkpoint", "signal"]


async def test_a_key_of_checkpoints_is_proof_for_good_and_cannot_be_withdrawn(admin: Admin) -> None:
    (kid,) = (await states(admin))["checkpoint", "active"]
    assert await admin.refused("POST", f"/keys/{kid}/withdraw") == (422, "invalid")
