"""Servers over the management API."""

from typing import Any

import pytest

from accredit.identity.pin import Pin
from tests.support.admin import RESOURCE, Admin


async def test_a_server_is_registered_with_its_scopes_and_tools_at_once(admin: Admin) -> None:
    made = await admin.ledger()
    shown = await admin.ok("GET", "/servers/ledger")
    assert shown == made
    assert shown["resource"] == RESOURCE
    assert shown["state"] == "active"
    assert [tool["name"] for tool in shown["tools"]] == ["list_invoices", "purge_ledger"]
    assert shown["tools"][1]["destructive"] is True
    assert shown["default_scopes"] == ["ledger:read"]


async def test_the_built_in_server_is_shown_and_cannot_be_changed(admin: Admin) -> None:
    names = {item["slug"]: item["builtin"] for item in (await admin.ok("GET", "/servers"))["items"]}
    assert names == {"guard": True, "management": True}
    assert await admin.refused("POST", "/servers/guard/suspend") == (403, "forbidden")
    assert await admin.refused("PUT", "/servers/guard/scopes/more", json={}) == (403, "forbidden")
    assert await admin.refused("POST", "/servers/guard/enrolments") == (403, "forbidden")
    assert await admin.refused("PUT", "/servers/guard/defaults", json={"scopes": []}) == (403, "forbidden")


async def test_nothing_is_for_first_use_until_an_administrator_names_it_and_the_audit_log_says_who_did(
    admin: Admin,
) -> None:
    assert (await admin.ledger())["first_use"] == []
    shown = await admin.ok("PUT", "/servers/ledger/first-use", json={"scopes": ["ledger:read"]})
    assert (shown["first_use"], shown["version"]) == (["ledger:read"], 2)
    assert await admin.ok("GET", "/servers/ledger") == shown
    newest = (await admin.ok("GET", "/audit?limit=1"))["items"][0]
    assert (newest["person"]["action"], newest["person"]["target"]) == ("server.first_use", shown["id"])
    assert "ledger:read" in newest["person"]["summary"]
    await admin.ok("PUT", "/servers/ledger/scopes/ledger:other", json={})
    assert (await admin.ok("GET", "/servers/ledger"))["first_use"] == ["ledger:read"]
    assert (await admin.ok("PUT", "/servers/ledger/first-use", json={"scopes": []}))["first_use"] == []


@pytest.mark.parametrize(
    ("server", "scopes", "refused"),
    [
        ("ledger", ["ledger:nope"], (422, "invalid")),
        ("ledger", ["ledger"], (422, "invalid")),
        ("ledger", ["a b"], (422, "invalid")),
        ("ledger", "ledger:read", (422, "invalid")),
        ("nobody", ["ledger:read"], (404, "not_found")),
        ("guard", ["policy"], (403, "forbidden")),
        ("management", ["admin"], (403, "forbidden")),
        ("management", [], (403, "forbidden")),
    ],
)
async def test_first_use_is_of_scopes_that_the_server_has_and_never_of_a_built_in_one(
    admin: Admin, server: str, scopes: object, refused: tuple[int, str]
) -> None:
    await admin.ledger()
    assert await admin.refused("PUT", f"/servers/{server}/first-use", json={"scopes": scopes}) == refused
    assert all(item["first_use"] == [] for item in (await admin.ok("GET", "/servers"))["items"])


async def test_a_new_server_can_bring_its_first_use_and_a_wrong_one_registers_nothing(admin: Admin) -> None:
    body = {"slug": "notes", "resource": RESOURCE, "scopes": [{"word": "notes:read"}], "first_use": ["notes:write"]}
    assert await admin.refused("POST", "/servers", json=body) == (422, "invalid")
    made = await admin.ok("POST", "/servers", json=body | {"first_use": ["notes:read"]})
    assert made["first_use"] == ["notes:read"]
    assert "notes:read" in (await admin.ok("GET", "/audit?limit=1"))["items"][0]["person"]["summary"]


@pytest.mark.parametrize(("slug", "resource"), [("ledger", "http://127.0.0.1:9001/mcp"), ("other", RESOURCE)])
async def test_a_taken_name_or_resource_is_refused_and_changes_nothing(admin: Admin, slug: str, resource: str) -> None:
    await admin.ledger()
    assert await admin.refused("POST", "/servers", json={"slug": slug, "resource": resource}) == (409, "conflict")
    assert len((await admin.ok("GET", "/servers"))["items"]) == 3


async def test_scopes_tools_and_defaults_are_changed_one_by_one(admin: Admin) -> None:
    await admin.ledger()
    await admin.ok("PUT", "/servers/ledger/scopes/ledger:pay", json={"description": "Pay"})
    await admin.ok("PUT", "/servers/ledger/scopes/ledger:read", json={"description": "Look"})
    await admin.ok("PUT", "/servers/ledger/tools/pay", json={"needs": ["ledger:pay", "ledger:read"]})
    await admin.ok("PUT", "/servers/ledger/defaults", json={"scopes": ["ledger:pay"]})
    shown = await admin.ok("DELETE", "/servers/ledger/tools/purge_ledger")
    assert {item["word"]: item["description"] for item in shown["scopes"]} == {
        "ledger:read": "Look", "ledger:purge": "", "ledger:pay": "Pay",
    }  # fmt: skip
    assert {item["name"]: item["needs"] for item in shown["tools"]} == {
        "list_invoices": ["ledger:read"], "pay": ["ledger:pay", "ledger:read"],
    }  # fmt: skip
    assert shown["default_scopes"] == ["ledger:pay"]
    assert shown["version"] == 6
    assert await admin.ok("GET", "/servers/ledger") == shown


async def test_a_resource_is_named_by_its_uri_slashes_and_all(admin: Admin) -> None:
    await admin.ledger()
    where = "/servers/ledger/tools/file%3A%2F%2F%2Fetc%2F..%2Fmotd"
    shown = await admin.ok("PUT", where, json={"needs": ["ledger:read"], "kind": "resource"})
    assert shown["tools"][-1]["name"] == "file:///etc/../motd"
    assert await admin.refused("DELETE", where) == (404, "not_found")
    gone = await admin.ok("DELETE", where, params={"kind": "resource"})
    assert [tool["name"] for tool in gone["tools"]] == ["list_invoices", "purge_ledger"]


@pytest.mark.parametrize(
    "tool",
    [
        {"needs": []},
        {"needs": ["other:read"]},
        {"needs": ["ledger:read ledger:purge"]},
        {"needs": ["ledger:read"], "read_only": True, "destructive": True},
        {"needs": ["ledger:read"], "read_only": "yes"},
        {"needs": ["ledger:read"], "kind": "weapon"},
        {"needs": "ledger:read"},
        {"needs": ["ledger:read"], "visibility": "sometimes"},
        {"needs": ["ledger:read"] * 1001},
        {},
    ],
)
async def test_a_tool_that_is_not_sound_is_refused(admin: Admin, tool: dict[str, object]) -> None:
    before = await admin.ledger()
    assert await admin.refused("PUT", "/servers/ledger/tools/odd", json=tool) == (422, "invalid")
    assert await admin.ok("GET", "/servers/ledger") == before


async def test_a_suspended_server_says_so_until_it_is_resumed(admin: Admin) -> None:
    await admin.ledger()
    assert (await admin.ok("POST", "/servers/ledger/suspend"))["state"] == "suspended"
    assert (await admin.ok("POST", "/servers/ledger/suspend"))["version"] == 2
    assert (await admin.ok("POST", "/servers/ledger/resume"))["state"] == "active"


async def test_an_invitation_shows_its_code_once_and_names_the_guard(admin: Admin) -> None:
    await admin.ledger()
    named = await admin.http.post("/servers/ledger/enrolments", json={"name": "front"})
    assert named.status_code == 201
    assert named.headers["cache-control"] == "no-store"
    assert named.json()["guard"] == "front"
    code = named.json()["code"]
    assert code.startswith("ace_")
    assert (await admin.ok("POST", "/servers/ledger/enrolments"))["guard"].startswith("ledger-")
    everything = await admin.http.get("/audit", params={"limit": 200})
    assert code not in everything.text


async def test_lists_come_in_pages_and_every_item_once(admin: Admin) -> None:
    for number in range(5):
        body = {"slug": f"s{number}", "resource": f"http://127.0.0.1:{9100 + number}"}
        await admin.ok("POST", "/servers", json=body)
    seen, cursor = [], None
    while True:
        given = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = await admin.ok("GET", "/servers", params=given)
        assert len(page["items"]) <= 2
        seen += [item["slug"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == ["guard", "management", "s0", "s1", "s2", "s3", "s4"]


PIN = Pin.of("Lists", [True], {}).render()


async def test_a_pin_is_shown_and_outlives_a_change_by_hand(admin: Admin) -> None:
    await admin.ledger()
    assert {tool["pin"] for tool in (await admin.ok("GET", "/servers/ledger"))["tools"]} == {None}
    pinned = {"needs": ["ledger:read"], "read_only": True, "pin": PIN}
    await admin.ok("PUT", "/servers/ledger/tools/list_invoices", json=pinned)
    await admin.ok("PUT", "/servers/ledger/tools/list_invoices", json={"needs": ["ledger:purge"]})
    await admin.ok("PUT", "/servers/ledger/tools/other", json={"needs": ["ledger:purge"]})
    shown = await admin.ok("GET", "/servers/ledger")
    assert {tool["name"]: tool["pin"] for tool in shown["tools"]} == {
        "list_invoices": PIN, "purge_ledger": None, "other": None,
    }  # fmt: skip
    refused = await admin.refused("PUT", "/servers/ledger/tools/other", json={"needs": ["ledger:read"], "pin": "x"})
    assert refused == (422, "invalid")


async def test_a_sync_maps_renews_and_drops_in_one_step(admin: Admin) -> None:
    made = await admin.ledger()
    body = {
        "version": made["version"],
        "scopes": [{"word": "ledger:pay", "description": "Pay"}, {"word": "ledger:read", "description": "Other"}],
        "tools": [
            {"name": "list_invoices", "needs": ["ledger:read"], "read_only": True, "pin": PIN},
            {"name": "pay", "needs": ["ledger:pay"]},
        ],
        "gone": [{"name": "purge_ledger"}],
    }
    shown = await admin.ok("POST", "/servers/ledger/sync", json=body)
    assert shown["version"] == made["version"] + 1
    assert [(tool["name"], tool["pin"]) for tool in shown["tools"]] == [("list_invoices", PIN), ("pay", None)]
    assert {item["word"]: item["description"] for item in shown["scopes"]} == {
        "ledger:read": "Read", "ledger:purge": "", "ledger:pay": "Pay",
    }  # fmt: skip
    assert await admin.ok("GET", "/servers/ledger") == shown
    (told,) = [
        item["person"]["summary"]
        for item in (await admin.ok("GET", "/audit"))["items"]
        if item["person"].get("action") == "server.sync"
    ]
    assert told == "1 mapped, 1 confirmed anew, 1 removed"


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"version": 7}, (412, "stale")),
        ({"gone": [{"name": "nothing"}]}, (404, "not_found")),
        ({"gone": [{"name": "list_invoices", "kind": "prompt"}]}, (404, "not_found")),
        ({"tools": [{"name": "pay", "needs": ["other"]}]}, (422, "invalid")),
        ({"tools": [{"name": "pay", "needs": ["ledger:read"]}] * 2}, (422, "invalid")),
        ({"version": "1"}, (422, "invalid")),
    ],
)
async def test_a_sync_that_cannot_be_done_whole_changes_nothing(admin: Admin, change: Any, refusal: Any) -> None:
    made = await admin.ledger()
    body = {"version": made["version"], "tools": [{"name": "list_invoices", "needs": ["ledger:purge"]}], **change}
    assert await admin.refused("POST", "/servers/ledger/sync", json=body) == refusal
    assert await admin.ok("GET", "/servers/ledger") == made


async def test_the_built_in_server_is_not_synced(admin: Admin) -> None:
    version = (await admin.ok("GET", "/servers/guard"))["version"]
    assert await admin.refused("POST", "/servers/guard/sync", json={"version": version}) == (403, "forbidden")
