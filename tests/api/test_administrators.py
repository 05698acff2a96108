"""Administrators, server administrators and auditors: how they are named, and how they come to an end."""

import pytest

from tests.support.admin import Admin
from tests.support.management import MANAGEMENT, OFFICES, Staff, public_client


async def test_an_office_is_set_as_a_whole_and_shown(staff: Staff) -> None:
    found = {item["agent"]: item for item in (await staff.admin.ok("GET", "/administrators"))["items"]}
    assert list(found) == sorted(OFFICES)
    assert found["ann"] == {
        "agent": "ann", "administrator": False, "auditor": False, "servers": ["ledger"], "ends_at": None,
    }  # fmt: skip
    changed = {"auditor": True, "servers": ["archive"], "ends_in": 3600}
    shown = await staff.admin.ok("PUT", "/administrators/ann", json=changed)
    (item,) = [item for item in (await staff.admin.ok("GET", "/administrators"))["items"] if item["agent"] == "ann"]
    assert item == shown
    assert (shown["auditor"], shown["servers"], shown["ends_at"] is None) == (True, ["archive"], False)
    held = {role["slug"] for role in (await staff.admin.ok("GET", "/agents/ann"))["roles"]}
    assert len(held) == 3
    page = await staff.admin.ok("GET", "/administrators", params={"limit": 3, "cursor": "ann"})
    assert [item["agent"] for item in page["items"]] == ["bea", "eye", "root"]


async def test_who_is_dismissed_is_out_at_once_with_every_token(staff: Staff) -> None:
    for name in OFFICES:
        assert (await staff.clients[name].get("/servers")).status_code == 200
        await staff.admin.ok("DELETE", f"/administrators/{name}")
        assert (await staff.clients[name].get("/servers")).status_code == 401
        refused = await staff.ask(name)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_target")
    assert (await staff.admin.ok("GET", "/administrators"))["items"] == []


async def test_a_smaller_office_makes_a_token_smaller_at_once(staff: Staff) -> None:
    await staff.admin.ok("PUT", "/administrators/root", json={"auditor": True})
    assert (await staff.clients["root"].get("/agents")).status_code == 200
    assert (await staff.clients["root"].post("/agents/bot/suspend")).status_code == 403


async def test_an_office_ends_when_it_was_said(staff: Staff) -> None:
    await staff.admin.ok("PUT", "/administrators/bot", json={"auditor": True, "ends_in": 60})
    answer = await staff.ask("bot")
    assert answer.json()["expires_in"] <= 60
    token = answer.json()["access_token"]
    assert (await staff.come(token)).status_code == 200
    staff.admin.clock.advance(61)
    assert (await staff.come(token)).status_code == 401
    assert (await staff.ask("bot")).status_code == 400


@pytest.mark.parametrize("where", ["/agents/eye/suspend", "/agents/eye/credentials/{}"], ids=["suspended", "revoked"])
async def test_a_token_of_a_dead_agent_or_credential_opens_nothing(staff: Staff, where: str) -> None:
    (credential,) = (await staff.admin.ok("GET", "/agents/eye"))["credentials"]
    method = "DELETE" if "{}" in where else "POST"
    await staff.admin.ok(method, where.format(credential["id"]))
    assert (await staff.clients["eye"].get("/servers")).status_code == 401


async def test_a_new_server_of_the_same_name_is_not_in_old_hands(staff: Staff) -> None:
    ledger = (await staff.admin.ok("GET", "/servers/ledger"))["id"]
    (role,) = [r for r in (await staff.admin.ok("GET", "/agents/ann"))["roles"] if r["slug"].startswith("accredit-")]
    assert role["scopes"] == {"management": [f"server:{ledger}"]}


@pytest.mark.parametrize(
    ("where", "body", "expected"),
    [
        ("nobody", {"auditor": True}, (404, "not_found")),
        ("front", {"auditor": True}, (404, "not_found")),
        ("bot", {"servers": ["nowhere"]}, (404, "not_found")),
        ("bot", {"servers": ["management"]}, (403, "forbidden")),
        ("bot", {"servers": ["guard"]}, (403, "forbidden")),
        ("bot", {"auditor": 1}, (422, "invalid")),
        ("bot", {"auditor": True, "ends_at": "2001-01-01T00:00:00Z"}, (422, "invalid")),
        ("bot", {"scopes": ["admin"]}, (422, "invalid")),
    ],
)
async def test_an_office_that_cannot_be_is_refused(
    staff: Staff, where: str, body: dict[str, object], expected: tuple[int, str]
) -> None:
    assert await staff.admin.refused("PUT", f"/administrators/{where}", json=body) == expected
    assert len((await staff.admin.ok("GET", "/administrators"))["items"]) == len(OFFICES)


async def test_naming_is_in_the_log_with_who_did_it(staff: Staff) -> None:
    found = (await staff.admin.ok("GET", "/audit", params={"kind": "administered", "limit": 200}))["items"]
    named = [item["person"] for item in found if item["person"]["action"] == "administrator.name"]
    assert {item["by"] for item in named} == {"local administrator"}
    assert "ann: administrator of ledger" in {item["summary"] for item in named}


async def test_the_challenge_leads_to_the_metadata_of_the_api(admin: Admin) -> None:
    async with public_client(admin) as http:
        answer = await http.get("/servers")
        where = answer.headers["www-authenticate"].partition('resource_metadata="')[2].partition('"')[0]
        document = (await http.get(where)).json()
    assert document["resource"] == MANAGEMENT
    assert document["scopes_supported"] == ["admin", "audit", "server"]
