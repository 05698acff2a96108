"""Guards over the management API."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx2

from accredit_sdk import keys
from accredit_sdk.jws import Algorithm
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


async def test_who_comes_again_with_the_same_code_and_key_gets_the_same_identity(admin: Admin) -> None:
    ask, code, key = await enrolling(admin)
    first, again = await ask(code, key), await ask(code, key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert [guard["slug"] for guard in (await admin.ok("GET", "/guards"))["items"]] == ["door"]
    assert len((await admin.ok("GET", "/audit", params={"kind": "guard_enrolled"}))["items"]) == 1


async def test_who_comes_twice_at_once_is_one_guard(admin: Admin) -> None:
    ask, code, key = await enrolling(admin)
    answers = await asyncio.gather(*(ask(code, key) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["client_id"] for answer in answers}) == 1


async def test_a_used_code_is_worth_nothing_with_another_key_later_or_for_a_guard_that_has_gone(admin: Admin) -> None:
    ask, code, key = await enrolling(admin)
    assert (await ask(code, key)).status_code == 201
    assert (await ask(code, fresh_key())).status_code == 410
    await admin.ok("POST", "/guards/door/suspend")
    assert (await ask(code, key)).status_code == 410
    await admin.ok("POST", "/guards/door/resume")
    assert (await ask(code, key)).status_code == 201
    admin.clock.advance(15 * 60)
    assert (await ask(code, key)).status_code == 410


Ask = Callable[[str, dict[str, str]], Awaitable[httpx2.Response]]


async def enrolling(admin: Admin) -> tuple[Ask, str, dict[str, str]]:
    """Return what asks for the enrolment of a guard of the ledger, a code, and a key."""
    await admin.ledger()
    code = (await admin.ok("POST", "/servers/ledger/enrolments", json={"name": "door"}))["code"]

    async def ask(code: str, jwk: dict[str, str]) -> httpx2.Response:
        transport = httpx2.ASGITransport(app=admin.node.public)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8700") as http:
            return await http.post("/guard/v1/enrol", json={"code": code, "jwk": jwk})

    return ask, code, fresh_key()


def fresh_key() -> dict[str, str]:
    return keys.public_jwk(keys.generate(Algorithm.ES256).verifying())
