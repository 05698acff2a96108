"""Credentials of clients over the management API: who comes with them, rotation in one step, ends by themselves."""

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest

from accredit.testing.serving import MovingClock
from tests.support.admin import Admin, administration, tokens
from tests.support.until import eventually

HOUR = 3600


@pytest.fixture
async def bot(admin: Admin) -> Any:
    """An agent that may read the ledger, as it was registered."""
    return await furnished(admin)


async def held(admin: Admin) -> dict[str, Any]:
    return {item["id"]: item for item in (await admin.ok("GET", "/agents/bot/credentials"))["items"]}


async def use(admin: Admin, made: Any) -> int:
    return (await tokens(admin)(made["client_id"], made["secret"])).status_code


async def test_the_list_tells_who_made_a_credential_and_that_nobody_has_come_with_it(admin: Admin, bot: Any) -> None:
    answer = await admin.ok("GET", "/agents/bot/credentials")
    assert (answer["client"], answer["client_id"]) == ("bot", bot["client_id"])
    (item,) = answer["items"]
    assert {key: item[key] for key in bot["credentials"][0]} == bot["credentials"][0]
    assert (item["created_by"], item["used"], item["outlook"]) == ("local administrator", None, "alone")


async def test_a_token_leaves_its_time_address_and_node_and_no_refusal_does(admin: Admin, bot: Any) -> None:
    own = bot["credentials"][0]["id"]
    wrong = bot["secret"][:-1] + ("A" if bot["secret"][-1] != "A" else "E")
    assert (await tokens(admin)(bot["client_id"], wrong)).status_code == 401
    assert (await tokens(admin)(bot["client_id"], bot["secret"], "ledger:purge")).status_code == 400
    assert (await held(admin))[own]["used"] is None
    assert await use(admin, bot) == 200
    first = (await held(admin))[own]["used"]
    assert first["address"] == "127.0.0.1"
    assert first["node"]
    assert first["first_at"] == first["last_at"]
    admin.clock.advance(30)
    await use(admin, bot)
    second = (await held(admin))[own]["used"]
    assert (second["first_at"], second["last_at"] > first["last_at"]) == (first["first_at"], True)


async def test_a_header_that_names_another_address_is_not_believed(admin: Admin, bot: Any) -> None:
    form = {"grant_type": "client_credentials", "resource": "http://127.0.0.1:9000/mcp"}
    lies = {"x-forwarded-for": "6.6.6.6", "forwarded": "for=6.6.6.6", "x-real-ip": "6.6.6.6"}
    transport = httpx2.ASGITransport(app=admin.node.public, client=("192.0.2.9", 1))
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8700") as http:
        await http.post("/token", data=form, auth=(bot["client_id"], bot["secret"]), headers=lies)
    assert (await held(admin))[bot["credentials"][0]["id"]]["used"]["address"] == "192.0.2.9"


async def test_a_use_survives_a_restart(tmp_path: Path) -> None:
    async with administration(tmp_path) as admin:
        made = await furnished(admin)
        assert await use(admin, made) == 200
        before = await held(admin)
    async with administration(tmp_path) as admin:
        assert {key: item["used"] for key, item in (await held(admin)).items()} == {
            key: item["used"] for key, item in before.items()
        }


async def test_a_use_does_not_change_the_tag_by_which_the_agent_is_changed(admin: Admin, bot: Any) -> None:
    tag = (await admin.http.get("/agents/bot")).headers["etag"]
    assert await use(admin, bot) == 200
    assert (await admin.http.post("/agents/bot/suspend", headers={"If-Match": tag})).status_code == 200


async def test_a_rotation_makes_the_new_one_and_gives_the_old_one_its_deadline(admin: Admin, bot: Any) -> None:
    made = await admin.ok("POST", "/agents/bot/credentials/rotate", json={"retires_in": HOUR})
    old = bot["credentials"][0]["id"]
    assert (made["old"]["id"], made["old"]["state"]) == (old, "retiring")
    assert {key: item["state"] for key, item in (await held(admin)).items()} == {
        old: "retiring", made["credential"]["id"]: "active",
    }  # fmt: skip
    assert (await use(admin, bot), await use(admin, made)) == (200, 200)
    admin.clock.advance(HOUR)
    assert (await use(admin, bot), await use(admin, made)) == (401, 200)
    assert (await held(admin))[old]["state"] in ("ended", "revoked")


async def test_without_a_deadline_the_old_one_works_for_seven_days(admin: Admin, bot: Any) -> None:
    await admin.ok("POST", "/agents/bot/credentials/rotate")
    admin.clock.advance(7 * 24 * HOUR - 60)
    assert await use(admin, bot) == 200
    admin.clock.advance(61)
    assert await use(admin, bot) == 401


async def test_an_emergency_cuts_the_old_one_at_once(admin: Admin, bot: Any) -> None:
    made = await admin.ok("POST", "/agents/bot/credentials/rotate", json={"now": True})
    assert made["old"]["state"] == "revoked"
    assert (await use(admin, bot), await use(admin, made)) == (401, 200)


async def test_a_named_credential_is_replaced_even_when_there_are_two_if_it_is_cut(admin: Admin, bot: Any) -> None:
    second = await admin.ok("POST", "/agents/bot/credentials")
    where, old = "/agents/bot/credentials/rotate", bot["credentials"][0]["id"]
    assert await admin.refused("POST", where) == (409, "conflict")
    assert await admin.refused("POST", where, json={"now": True}) == (409, "conflict")
    assert await admin.refused("POST", where, json={"old": old}) == (409, "conflict")
    assert await admin.refused("POST", where, json={"old": "crd_none", "now": True}) == (404, "not_found")
    third = await admin.ok("POST", where, json={"old": old, "now": True})
    assert [await use(admin, one) for one in (bot, second, third)] == [401, 200, 200]


async def test_a_deadline_can_be_moved_until_it_has_passed_and_never_after(admin: Admin, bot: Any) -> None:
    where = f"/agents/bot/credentials/{bot['credentials'][0]['id']}/retire"
    await admin.ok("POST", where, json={"retires_in": 60})
    await admin.ok("POST", where, json={"retires_in": 120})
    admin.clock.advance(119)
    assert await use(admin, bot) == 200
    admin.clock.advance(2)
    assert await admin.refused("POST", where, json={"retires_in": 600}) == (404, "not_found")
    assert await use(admin, bot) == 401


async def test_an_agent_without_an_active_credential_cannot_rotate(admin: Admin, bot: Any) -> None:
    await admin.ok("DELETE", f"/agents/bot/credentials/{bot['credentials'][0]['id']}")
    assert await admin.refused("POST", "/agents/bot/credentials/rotate") == (409, "conflict")


@pytest.mark.parametrize(
    "body",
    [
        {"now": True, "retires_in": 60},
        {"now": "yes"},
        {"retires_in": 0},
        {"retires_in": 60, "retires_at": "2999-01-01T00:00:00Z"},
        {"retires_at": "2001-01-01T00:00:00Z"},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
        {"old": 7},
        {"secret": "mine"},
    ],
    ids=str,
)
async def test_a_rotation_that_is_not_sound_changes_nothing(admin: Admin, bot: Any, body: Any) -> None:
    assert await admin.refused("POST", "/agents/bot/credentials/rotate", json=body) == (422, "invalid")
    assert list(await held(admin)) == [bot["credentials"][0]["id"]]


async def test_of_fifty_who_rotate_at_once_one_succeeds(admin: Admin, bot: Any) -> None:
    for more in ({"retires_in": 60}, {"now": True}):
        before = await held(admin)
        old = next(key for key, item in before.items() if item["state"] == "active")
        body = {"old": old, **more}
        asked = [admin.http.post("/agents/bot/credentials/rotate", json=body) for _ in range(50)]
        answers = await asyncio.gather(*asked)
        won = [answer.json() for answer in answers if answer.status_code == 201]
        assert len(won) == 1
        assert {answer.status_code for answer in answers} <= {201, 404, 409, 412}
        assert set(await held(admin)) == {*before, won[0]["credential"]["id"]}
        if "now" not in body:
            admin.clock.advance(61)


async def test_of_fifty_who_add_at_once_one_succeeds(admin: Admin, bot: Any) -> None:
    answers = await asyncio.gather(*(admin.http.post("/agents/bot/credentials") for _ in range(50)))
    assert sum(answer.status_code == 201 for answer in answers) == 1


async def test_the_list_says_when_the_old_one_can_go(admin: Admin, bot: Any) -> None:
    old = bot["credentials"][0]["id"]
    await use(admin, bot)
    assert (await held(admin))[old]["outlook"] == "alone"
    second = await admin.ok("POST", "/agents/bot/credentials")
    assert (await held(admin))[old]["outlook"] == "untried"
    admin.clock.advance(10)
    await use(admin, second)
    assert (await held(admin))[old]["outlook"] == "in_use"
    admin.clock.advance(HOUR)
    await use(admin, second)
    found = await held(admin)
    assert found[old]["outlook"] == "safe"
    assert found[second["credential"]["id"]]["outlook"] != "safe"


async def furnished(admin: Admin) -> Any:
    await admin.ledger()
    await admin.ok("POST", "/roles", json={"slug": "reader", "scopes": {"ledger": ["ledger:read"]}})
    return await admin.ok("POST", "/agents", json={"slug": "bot", "owner": "dana", "roles": ["reader"]})


async def ends(admin: Admin) -> int:
    found = (await admin.ok("GET", "/audit", params={"kind": "administered", "limit": 50}))["items"]
    return [item["person"]["action"] for item in found].count("credential.end")


async def test_a_credential_at_its_end_is_ended_for_the_record_once(tmp_path: Path) -> None:
    clock = MovingClock()
    async with administration(tmp_path, clock=clock) as admin:
        old = (await furnished(admin))["credentials"][0]["id"]
        await admin.ok("POST", "/agents/bot/credentials/rotate", json={"retires_in": 60})
        clock.advance(61)
        assert (await held(admin))[old]["state"] == "ended"
    for _ in range(2):
        async with administration(tmp_path, clock=clock) as admin:
            await eventually(lambda node=admin: ends(node))
            assert ((await held(admin))[old]["state"], await ends(admin)) == ("revoked", 1)
