"""Roles over the management API."""

import pytest

from tests.support.admin import Admin, tokens


async def test_a_role_carries_scopes_of_several_servers(admin: Admin) -> None:
    await admin.ledger()
    await admin.ledger("archive", "http://127.0.0.1:9001/mcp")
    scopes = {"ledger": ["ledger:read"], "archive": ["ledger:purge", "ledger:read"]}
    made = await admin.ok("POST", "/roles", json={"slug": "reader", "scopes": scopes})
    assert made["scopes"] == {"archive": ["ledger:purge", "ledger:read"], "ledger": ["ledger:read"]}
    assert await admin.ok("GET", "/roles/reader") == made
    assert (await admin.ok("GET", "/roles"))["items"] == [made]


async def test_what_a_role_carries_on_one_server_is_set_alone(admin: Admin) -> None:
    await admin.ledger()
    await admin.ledger("archive", "http://127.0.0.1:9001/mcp")
    scopes = {"ledger": ["ledger:read"], "archive": ["ledger:read"]}
    await admin.ok("POST", "/roles", json={"slug": "reader", "scopes": scopes})
    changed = await admin.ok("PUT", "/roles/reader/scopes/ledger", json={"scopes": ["ledger:purge"]})
    assert changed["scopes"] == {"archive": ["ledger:read"], "ledger": ["ledger:purge"]}
    emptied = await admin.ok("PUT", "/roles/reader/scopes/archive", json={"scopes": []})
    assert emptied["scopes"] == {"ledger": ["ledger:purge"]}


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        ({"nowhere": ["ledger:read"]}, (404, "not_found")),
        ({"guard": ["policy"]}, (403, "forbidden")),
        ({"ledger": ["other"]}, (422, "invalid")),
        ({"ledger": ["ledger:read ledger:purge"]}, (422, "invalid")),
        ({"ledger": ["ledger:read:"]}, (422, "invalid")),
        ({"ledger": "ledger:read"}, (422, "invalid")),
        ({"Ledger": []}, (422, "invalid")),
        (["ledger:read"], (422, "invalid")),
    ],
)
async def test_a_role_that_cannot_be_is_not_made(admin: Admin, scopes: object, expected: tuple[int, str]) -> None:
    await admin.ledger()
    assert await admin.refused("POST", "/roles", json={"slug": "odd", "scopes": scopes}) == expected
    assert (await admin.ok("GET", "/roles"))["items"] == []


async def test_a_scope_below_one_of_the_server_can_be_carried(admin: Admin) -> None:
    await admin.ledger()
    body = {"slug": "narrow", "scopes": {"ledger": ["ledger:read:mine"]}}
    assert (await admin.ok("POST", "/roles", json=body))["scopes"] == {"ledger": ["ledger:read:mine"]}


async def test_an_assignment_counts_until_it_ends_and_not_longer(admin: Admin) -> None:
    await admin.ledger()
    await admin.ok("POST", "/roles", json={"slug": "reader", "scopes": {"ledger": ["ledger:read"]}})
    agent = await admin.ok("POST", "/agents", json={"slug": "bot", "owner": "dana"})
    ask = tokens(admin)
    assert (await ask(agent["client_id"], agent["secret"])).status_code == 400
    given = await admin.ok("PUT", "/roles/reader/assignments/bot", json={"ends_in": 3600})
    assert given["ends_at"] is not None
    assert (await ask(agent["client_id"], agent["secret"])).json()["scope"] == "ledger:read"
    admin.clock.advance(3601)
    assert (await ask(agent["client_id"], agent["secret"])).status_code == 400


async def test_a_role_is_taken_away_again(admin: Admin) -> None:
    await admin.ledger()
    await admin.ok("POST", "/roles", json={"slug": "reader", "scopes": {"ledger": ["ledger:read"]}})
    agent = await admin.ok("POST", "/agents", json={"slug": "bot", "owner": "dana", "roles": ["reader"]})
    assert [role["slug"] for role in (await admin.ok("GET", "/agents/bot"))["roles"]] == ["reader"]
    await admin.ok("DELETE", "/roles/reader/assignments/bot")
    assert (await admin.ok("GET", "/agents/bot"))["roles"] == []
    assert (await tokens(admin)(agent["client_id"], agent["secret"])).status_code == 400
    assert await admin.refused("DELETE", "/roles/reader/assignments/bot") == (404, "not_found")


@pytest.mark.parametrize(
    "end",
    [
        {"ends_at": "2001-01-01T00:00:00Z"},
        {"ends_at": "tomorrow"},
        {"ends_at": 5},
        {"ends_at": "2099-01-01T00:00:00"},
        {"ends_in": 0},
        {"ends_in": -5},
        {"ends_in": 1.5},
        {"ends_in": True},
        {"ends_in": "60"},
        {"ends_in": 10**30},
        {"ends_at": "2099-01-01T00:00:00Z", "ends_in": 5},
        {"until": "2099-01-01T00:00:00Z"},
    ],
)
async def test_an_end_that_makes_no_sense_is_refused(admin: Admin, end: dict[str, object]) -> None:
    await admin.ok("POST", "/roles", json={"slug": "reader"})
    await admin.ok("POST", "/agents", json={"slug": "bot", "owner": "dana"})
    assert await admin.refused("PUT", "/roles/reader/assignments/bot", json=end) == (422, "invalid")
    assert (await admin.ok("GET", "/agents/bot"))["roles"] == []
