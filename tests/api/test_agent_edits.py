"""Agents are edited in the state that was read, and deleted for good."""

import asyncio
from typing import Any

import pytest

from tests.support.admin import Admin, tokens
from tests.support.house import House
from tests.support.management import Staff

SAID: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"owner": "kim"}, {"owner": "kim"}),
    ({"sponsor": "", "purpose": "Pays", "name": "B"}, {"sponsor": "", "purpose": "Pays", "name": "B"}),
    ({"name": ""}, {"name": "bot"}),
    ({"expires_at": "2999-01-01T00:00:00Z"}, {"expires_at": "2999-01-01T00:00:00.000000Z"}),
    ({"expires_at": None}, {"expires_at": None}),
    ({}, {}),
]


async def made(admin: Admin, **more: Any) -> Any:
    await admin.ledger()
    for name, word in (("reader", "ledger:read"), ("purger", "ledger:purge")):
        await admin.ok("POST", "/roles", json={"slug": name, "scopes": {"ledger": [word]}})
    usual = {"slug": "bot", "owner": "dana", "sponsor": "ann", "name": "Bot", "expires_in": 86_400, "roles": ["reader"]}
    return await admin.ok("POST", "/agents", json=usual | more)


@pytest.mark.parametrize(("body", "different"), SAID, ids=range(len(SAID)))
async def test_what_is_said_changes_and_everything_else_stays(
    admin: Admin, body: dict[str, Any], different: dict[str, Any]
) -> None:
    await made(admin)
    before = await admin.ok("GET", "/agents/bot")
    assert await admin.ok("PATCH", "/agents/bot", json=body) == before | different
    assert await admin.ok("GET", "/agents/bot") == before | different
    told = (await admin.ok("GET", "/audit", params={"kind": "administered"}))["items"][0]["person"]
    assert (told["action"] == "agent.edit") is bool(body)


async def test_an_agent_holds_the_roles_that_were_said_until_their_ends(admin: Admin) -> None:
    agent = await made(admin)
    shown = await admin.ok("PATCH", "/agents/bot", json={"roles": {"purger": {"ends_in": 3600}, "reader": {}}})
    assert [(item["slug"], item["ends_at"] is None) for item in shown["roles"]] == [("purger", False), ("reader", True)]
    ask, both = tokens(admin), "ledger:read ledger:purge"
    assert len((await ask(agent["client_id"], agent["secret"], both)).json()["scope"].split()) == 2
    admin.clock.advance(3601)
    assert (await ask(agent["client_id"], agent["secret"], both)).json()["scope"] == "ledger:read"
    await admin.ok("PATCH", "/agents/bot", json={"owner": "kim"})
    assert (await admin.ok("PATCH", "/agents/bot", json={"roles": {}}))["roles"] == []


async def test_a_new_agent_can_hold_a_role_for_a_while(admin: Admin) -> None:
    agent = await made(admin, roles={"reader": {"ends_in": 60}})
    assert agent["roles"][0]["ends_at"] is not None
    assert (await admin.ok("GET", "/agents/bot"))["roles"] == agent["roles"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"owner": ""}, (422, "invalid")),
        ({"owner": None}, (422, "invalid")),
        ({"slug": "other"}, (422, "invalid")),
        ({"state": "suspended"}, (422, "invalid")),
        ({"expires_in": 0}, (422, "invalid")),
        ({"expires_at": "2001-01-01T00:00:00Z"}, (422, "invalid")),
        ({"expires_at": "2999-01-01T00:00:00Z", "expires_in": 5}, (422, "invalid")),
        ({"roles": {"nobody": {}}}, (404, "not_found")),
        ({"roles": {"accredit-administrator": {}}}, (404, "not_found")),
        ({"roles": {"reader": {"ends_at": "2001-01-01T00:00:00Z"}}}, (422, "invalid")),
        ({"roles": "reader"}, (422, "invalid")),
        ({"roles": {"reader": None}}, (422, "invalid")),
        ({"sponsor": "acs_" + "0" * 26 + "_" + "A" * 43}, (422, "invalid")),
        ([], (422, "invalid")),
    ],
    ids=range(14),
)
async def test_an_edit_that_cannot_be_meant_changes_nothing(
    admin: Admin, body: object, expected: tuple[int, str]
) -> None:
    await made(admin)
    before = await admin.ok("GET", "/agents/bot")
    assert await admin.refused("PATCH", "/agents/bot", json=body) == expected
    assert await admin.ok("GET", "/agents/bot") == before


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_a_change_of_an_agent_names_the_state_that_it_was_decided_on(admin: Admin, method: str) -> None:
    await made(admin)
    more = {"json": {"owner": "kim"}} if method == "PATCH" else {}
    seen = (await admin.http.get("/agents/bot")).headers["etag"]
    assert await admin.refused(method, "/agents/bot", headers={}, **more) == (428, "precondition_required")
    await admin.ok("PUT", "/roles/purger/assignments/bot")
    assert await admin.refused(method, "/agents/bot", headers={"If-Match": seen}, **more) == (412, "stale")
    assert (await admin.ok("GET", "/agents/bot"))["owner"] == "dana"
    now = (await admin.http.get("/agents/bot")).headers["etag"]
    await admin.ok(method, "/agents/bot", headers={"If-Match": now}, **more)


async def test_of_many_who_edit_the_state_that_they_read_one_wins(admin: Admin) -> None:
    await made(admin)
    match = {"If-Match": (await admin.http.get("/agents/bot")).headers["etag"]}
    edits = [admin.http.patch("/agents/bot", json={"owner": f"owner {n}"}, headers=match) for n in range(10)]
    edits += [admin.http.delete("/agents/bot", headers=match) for _ in range(2)]
    answers = await asyncio.gather(*edits)
    assert sorted(answer.status_code for answer in answers if answer.is_success) in ([200], [204])
    assert {answer.status_code for answer in answers if not answer.is_success} <= {404, 409, 412}


async def test_a_removed_agent_is_gone_with_its_credentials_and_its_name_is_free(admin: Admin) -> None:
    agent = await made(admin)
    ask = tokens(admin)
    assert (await ask(agent["client_id"], agent["secret"])).status_code == 200
    assert (await admin.ok("DELETE", "/agents/bot")) is None
    for method, where in (("GET", "/agents/bot"), ("POST", "/agents/bot/resume"), ("DELETE", "/agents/bot")):
        assert await admin.refused(method, where) == (404, "not_found")
    assert (await ask(agent["client_id"], agent["secret"])).status_code == 401
    heir = await admin.ok("POST", "/agents", json={"slug": "bot", "owner": "kim"})
    assert heir["client_id"] != agent["client_id"]
    assert (await admin.ok("GET", "/agents/bot"))["roles"] == []
    assert (await ask(agent["client_id"], agent["secret"])).status_code == 401
    told = (await admin.ok("GET", "/audit", params={"kind": "administered"}))["items"]
    assert [item["person"]["action"] for item in told][:2] == ["agent.add", "agent.remove"]


async def test_a_token_gives_no_power_to_who_holds_an_office(staff: Staff) -> None:
    root = staff.clients["root"]
    match = {"If-Match": "*"}
    for body in ({"expires_in": 60}, {"expires_at": None}, {"roles": ["reader"]}):
        assert (await root.patch("/agents/eye", json=body, headers=match)).status_code == 403
    assert (await root.patch("/agents/eye", json={"owner": "kim"}, headers=match)).status_code == 200
    assert (await root.patch("/agents/bot", json={"expires_in": 60}, headers=match)).status_code == 200
    shown = await staff.admin.ok("GET", "/administrators")
    assert [item["agent"] for item in shown["items"]] == ["ann", "bea", "eye", "root"]
    assert (await root.delete("/agents/eye", headers=match)).status_code == 204
    shown = await staff.admin.ok("GET", "/administrators")
    assert [item["agent"] for item in shown["items"]] == ["ann", "bea", "root"]


# ------------------------------------------------------------------ at the tool
async def test_a_removed_agent_is_out_at_the_tool_and_its_heir_is_not(victim: House) -> None:
    before = await victim.token()
    assert (await victim.reach(before)).status == 200
    victim.site.inner.calls.clear()
    await victim.admin.ok("DELETE", "/agents/bot")
    heir = await victim.admin.ok("POST", "/agents", json={"slug": "bot", "owner": "kim", "roles": ["reader"]})
    await victim.site.catch_up()
    await victim.stopped(before)
    victim.client_id, victim.secret = heir["client_id"], heir["secret"]
    assert (await victim.reach(await victim.token())).status == 200


async def test_an_agent_whose_end_has_come_nearer_is_out_when_it_comes(victim: House) -> None:
    before = await victim.token()
    await victim.admin.ok("PATCH", "/agents/bot", json={"expires_in": 30})
    await victim.site.catch_up()
    await victim.stopped(before)
    short = await victim.token()
    assert (await victim.reach(short)).status == 200
    victim.site.inner.calls.clear()
    victim.admin.clock.advance(61)
    refused = await victim.ask()
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    await victim.stopped(short)


async def test_an_end_that_no_token_reaches_ends_none(victim: House) -> None:
    before = await victim.token()
    await victim.admin.ok("PATCH", "/agents/bot", json={"expires_in": 86_400, "sponsor": "kim"})
    await victim.site.catch_up()
    assert (await victim.reach(before)).status == 200


@pytest.mark.parametrize("how", ["edit", "assign"])
async def test_a_role_whose_end_has_come_nearer_is_taken_from_the_tokens_that_would_outlive_it(
    victim: House, how: str
) -> None:
    before = await victim.token()
    if how == "edit":
        await victim.admin.ok("PATCH", "/agents/bot", json={"roles": {"reader": {"ends_in": 60}}})
    else:
        await victim.admin.ok("PUT", "/roles/reader/assignments/bot", json={"ends_in": 60})
    await victim.site.catch_up()
    assert (await victim.reach(before)).status == 403
    after = await victim.ask()
    assert after.json()["expires_in"] <= 60
    assert (await victim.reach(after.json()["access_token"])).status == 200
