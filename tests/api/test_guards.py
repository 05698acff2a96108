"""Guards over the management API."""

from tests.support.admin import Admin, enrolled


async def test_a_guard_appears_once_it_has_enrolled_itself(admin: Admin) -> None:
    await admin.ledger()
    assert (await admin.ok("GET", "/guards"))["items"] == []
    await enrolled(admin, "front")
    (guard,) = (await admin.ok("GET", "/guards"))["items"]
    assert (guard["slug"], guard["state"], guard["servers"]) == ("front", "active", ["ledger"])


async def test_a_guard_is_suspended_and_resumed(admin: Admin) -> None:
    await admin.ledger()
    await enrolled(admin, "front")
    assert (await admin.ok("POST", "/guards/front/suspend"))["state"] == "suspended"
    assert (await admin.ok("POST", "/guards/front/resume"))["state"] == "active"
    assert await admin.refused("POST", "/guards/back/suspend") == (404, "not_found")


async def test_an_agent_is_no_guard_and_a_guard_no_agent(admin: Admin) -> None:
    await admin.ledger()
    await enrolled(admin, "front")
    await admin.ok("POST", "/agents", json={"slug": "bot", "owner": "dana"})
    assert await admin.refused("POST", "/guards/bot/suspend") == (404, "not_found")
    assert await admin.refused("POST", "/agents/front/suspend") == (404, "not_found")
    assert await admin.refused("POST", "/agents/front/credentials") == (404, "not_found")


async def test_the_status_counts_every_noun(admin: Admin) -> None:
    await admin.ledger()
    await enrolled(admin, "front")
    await enrolled(admin, "back")
    await admin.ok("POST", "/agents", json={"slug": "bot", "owner": "dana"})
    found = await admin.ok("GET", "/status")
    assert found["counts"] == {"servers": 1, "roles": 0, "agents": 1, "applications": 0, "guards": 2}
    assert (found["issuer"], found["database"]) == ("http://127.0.0.1:8700", "SQLite")
