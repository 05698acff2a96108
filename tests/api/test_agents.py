"""Agents and their credentials over the management API."""

import pytest

from tests.support.admin import Admin, tokens


async def test_an_agent_is_registered_with_its_roles_and_a_secret_that_works(admin: Admin) -> None:
    await admin.ledger()
    await admin.ok("POST", "/roles", json={"slug": "reader", "scopes": {"ledger": ["ledger:read"]}})
    body = {"slug": "bot", "owner": "dana@example.com", "purpose": "Watches", "sponsor": "kim", "roles": ["reader"]}
    made = await admin.http.post("/agents", json=body)
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    agent = made.json()
    assert (await tokens(admin)(agent["client_id"], agent["secret"])).json()["scope"] == "ledger:read"
    shown = await admin.ok("GET", "/agents/bot")
    assert shown == {key: value for key, value in agent.items() if key != "secret"}
    assert shown["roles"] == [
        {"slug": "reader", "ends_at": None, "through": None, "scopes": {"ledger": ["ledger:read"]}}
    ]


async def test_an_agent_with_an_unknown_role_is_not_half_registered(admin: Admin) -> None:
    body = {"slug": "bot", "owner": "dana", "roles": ["nobody"]}
    assert await admin.refused("POST", "/agents", json=body) == (404, "not_found")
    assert await admin.refused("GET", "/agents/bot") == (404, "not_found")
    await admin.ok("POST", "/agents", json=body | {"roles": []})


async def test_a_secret_is_in_one_answer_and_nowhere_else(admin: Admin) -> None:
    first = await admin.ok("POST", "/agents", json={"slug": "bot", "owner": "dana"})
    second = await admin.ok("POST", "/agents/bot/credentials")
    places = ("/agents/bot", "/agents", "/audit?limit=200", "/status")
    everything = "".join([(await admin.http.get(where)).text for where in places])
    for secret in (first["secret"], second["secret"]):
        assert secret not in everything
        assert secret.split("_", 2)[2] not in everything


async def test_the_old_secret_works_until_it_is_revoked_and_the_new_one_goes_on(admin: Admin) -> None:
    await admin.ledger()
    await admin.ok("POST", "/roles", json={"slug": "reader", "scopes": {"ledger": ["ledger:read"]}})
    first = await admin.ok("POST", "/agents", json={"slug": "bot", "owner": "dana", "roles": ["reader"]})
    second = await admin.ok("POST", "/agents/bot/credentials")
    ask = tokens(admin)
    assert (await ask(first["client_id"], first["secret"])).status_code == 200
    await admin.ok("DELETE", f"/agents/bot/credentials/{first['credentials'][0]['id']}")
    assert (await ask(first["client_id"], first["secret"])).status_code == 401
    assert (await ask(first["client_id"], second["secret"])).status_code == 200


async def test_the_old_secret_works_until_its_deadline_and_the_new_one_beyond(admin: Admin) -> None:
    await admin.ledger()
    await admin.ok("POST", "/roles", json={"slug": "reader", "scopes": {"ledger": ["ledger:read"]}})
    first = await admin.ok("POST", "/agents", json={"slug": "bot", "owner": "dana", "roles": ["reader"]})
    second = await admin.ok("POST", "/agents/bot/credentials")
    old, ask = first["credentials"][0]["id"], tokens(admin)
    retired = await admin.ok("POST", f"/agents/bot/credentials/{old}/retire", json={"retires_in": 3600})
    assert (retired["id"], retired["state"]) == (old, "retiring")
    assert (await admin.ok("GET", "/agents/bot"))["credentials"][0] == retired
    assert (await ask(first["client_id"], first["secret"])).status_code == 200
    admin.clock.advance(3500)
    assert (await ask(first["client_id"], first["secret"])).json()["expires_in"] <= 100
    admin.clock.advance(101)
    assert (await ask(first["client_id"], first["secret"])).status_code == 401
    assert (await ask(first["client_id"], second["secret"])).status_code == 200
    assert (await admin.ok("POST", "/agents/bot/credentials"))["secret"]


async def test_a_deadline_can_be_moved_and_a_revoked_credential_gets_none(admin: Admin) -> None:
    made = await admin.ok("POST", "/agents", json={"slug": "bot", "owner": "dana"})
    where = f"/agents/bot/credentials/{made['credentials'][0]['id']}"
    far = await admin.ok("POST", where + "/retire", json={"retires_in": 86_400})
    near = await admin.ok("POST", where + "/retire", json={"retires_in": 60})
    assert near["retires_at"] < far["retires_at"]
    await admin.ok("POST", where + "/retire", json={"retires_at": far["retires_at"]})
    await admin.ok("DELETE", where)
    assert await admin.refused("POST", where + "/retire", json={"retires_in": 60}) == (404, "not_found")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"retires_in": 0},
        {"retires_in": -1},
        {"retires_in": "1h"},
        {"retires_in": 60, "retires_at": "2999-01-01T00:00:00Z"},
        {"retires_at": "2001-01-01T00:00:00Z"},
        {"retires_in": 60, "state": "active"},
    ],
)
async def test_a_deadline_that_is_none_changes_nothing(admin: Admin, body: object) -> None:
    made = await admin.ok("POST", "/agents", json={"slug": "bot", "owner": "dana"})
    where = f"/agents/bot/credentials/{made['credentials'][0]['id']}/retire"
    assert await admin.refused("POST", where, json=body) == (422, "invalid")
    assert (await admin.ok("GET", "/agents/bot"))["credentials"] == made["credentials"]


async def test_a_credential_of_another_agent_cannot_be_retired(admin: Admin) -> None:
    mine = await admin.ok("POST", "/agents", json={"slug": "mine", "owner": "dana"})
    await admin.ok("POST", "/agents", json={"slug": "other", "owner": "kim"})
    where = f"/agents/other/credentials/{mine['credentials'][0]['id']}/retire"
    assert await admin.refused("POST", where, json={"retires_in": 60}) == (404, "not_found")
    assert [item["state"] for item in (await admin.ok("GET", "/agents/mine"))["credentials"]] == ["active"]


async def test_a_third_living_secret_is_refused(admin: Admin) -> None:
    await admin.ok("POST", "/agents", json={"slug": "bot", "owner": "dana"})
    await admin.ok("POST", "/agents/bot/credentials")
    assert await admin.refused("POST", "/agents/bot/credentials") == (409, "conflict")


async def test_a_credential_of_another_agent_cannot_be_revoked(admin: Admin) -> None:
    mine = await admin.ok("POST", "/agents", json={"slug": "mine", "owner": "dana"})
    await admin.ok("POST", "/agents", json={"slug": "other", "owner": "kim"})
    where = f"/agents/other/credentials/{mine['credentials'][0]['id']}"
    assert await admin.refused("DELETE", where) == (404, "not_found")
    assert [item["state"] for item in (await admin.ok("GET", "/agents/mine"))["credentials"]] == ["active"]


async def test_a_suspended_agent_gets_no_token_until_it_is_resumed(admin: Admin) -> None:
    await admin.ledger()
    await admin.ok("POST", "/roles", json={"slug": "reader", "scopes": {"ledger": ["ledger:read"]}})
    agent = await admin.ok("POST", "/agents", json={"slug": "bot", "owner": "dana", "roles": ["reader"]})
    ask = tokens(admin)
    assert (await admin.ok("POST", "/agents/bot/suspend"))["state"] == "suspended"
    refused = await ask(agent["client_id"], agent["secret"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert (await admin.ok("POST", "/agents/bot/resume"))["state"] == "active"
    assert (await ask(agent["client_id"], agent["secret"])).status_code == 200


async def test_an_agent_ends_when_it_was_said(admin: Admin) -> None:
    await admin.ledger()
    await admin.ok("POST", "/roles", json={"slug": "reader", "scopes": {"ledger": ["ledger:read"]}})
    body = {"slug": "bot", "owner": "dana", "roles": ["reader"], "expires_in": 3600}
    agent = await admin.ok("POST", "/agents", json=body)
    ask = tokens(admin)
    assert (await ask(agent["client_id"], agent["secret"])).status_code == 200
    admin.clock.advance(3601)
    assert (await ask(agent["client_id"], agent["secret"])).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "body",
    [
        {"slug": "bot"},
        {"owner": "dana"},
        {"slug": "bot", "owner": ""},
        {"slug": "bot", "owner": "   "},
        {"slug": "bot", "owner": "da\nna"},
        {"slug": "bot", "owner": "da\u202ena"},
        {"slug": "bot", "owner": "da\u0000na"},
        {"slug": "bot", "owner": "d" * 201},
        {"slug": "bot", "owner": 7},
        {"slug": "bot", "owner": ["dana"]},
        {"slug": "bot", "owner": "dana", "secret": "mine"},
        {"slug": "bot", "owner": "dana", "state": "active"},
        {"slug": "bot", "owner": "dana", "expires_at": "2001-01-01T00:00:00Z"},
        {"slug": "Bot", "owner": "dana"},
        {"slug": "b\u043et", "owner": "dana"},
        {"slug": "-bot", "owner": "dana"},
        {"slug": "b" * 65, "owner": "dana"},
        {"slug": "bot", "owner": "dana", "roles": "reader"},
        {"slug": "bot", "owner": "dana", "roles": ["r"] * 101},
        [],
        "bot",
        None,
    ],
)
async def test_an_agent_that_is_not_sound_is_refused(admin: Admin, body: object) -> None:
    assert await admin.refused("POST", "/agents", json=body) == (422, "invalid")
    assert (await admin.ok("GET", "/agents"))["items"] == []


async def test_agents_come_in_pages(admin: Admin) -> None:
    for name in ("c", "a", "b"):
        await admin.ok("POST", "/agents", json={"slug": name, "owner": "dana"})
    first = await admin.ok("GET", "/agents", params={"limit": 2})
    assert [item["slug"] for item in first["items"]] == ["a", "b"]
    second = await admin.ok("GET", "/agents", params={"limit": 2, "cursor": first["next"]})
    assert ([item["slug"] for item in second["items"]], second["next"]) == (["c"], None)
