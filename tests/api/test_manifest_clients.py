"""Files with applications and groups: what they say is what there is, and what they take is felt at the tool."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from accredit import app, config
from tests.support.admin import Admin, administration, tokens
from tests.support.house import House

RESOURCE = "https://ledger.example/mcp"
DOCUMENT: dict[str, Any] = {
    "accredit": 1,
    "servers": {
        "ledger": {
            "resource": RESOURCE, "name": "Ledger", "state": "active", "mode": "enforce", "may_ask": [],
            "default_scopes": ["read"], "first_use": [],
            "scopes": {"pay": "", "read": ""}, "tools": {}, "resources": {}, "prompts": {},
        },
    },
    "roles": {
        "payer": {"name": "payer", "scopes": {"ledger": ["pay"]}},
        "reader": {"name": "reader", "scopes": {"ledger": ["read"]}},
    },
    "agents": {
        "bot": {
            "owner": "dana", "name": "bot", "sponsor": "", "purpose": "", "expires": "never", "state": "active",
            "roles": {},
        },
    },
    "applications": {
        "phone": {
            "owner": "dana", "name": "Phone", "purpose": "", "type": "public",
            "redirect_uris": ["com.example.app:/cb", "http://127.0.0.1/cb"], "software_id": "acme",
            "software_version": "2", "expires": "never", "state": "suspended", "roles": {},
        },
        "portal": {
            "owner": "dana", "name": "portal", "purpose": "Shows", "type": "confidential", "redirect_uris": [],
            "software_id": "", "software_version": "", "expires": "2099-12-31T23:59:59Z", "state": "active",
            "roles": {"reader": {}},
        },
    },
    "groups": {
        "empty": {"name": "empty", "roles": {}, "members": []},
        "staff": {
            "name": "Staff", "roles": {"payer": {"until": "2098-01-01T00:00:00Z"}, "reader": {}},
            "members": ["app:portal", "bot"],
        },
    },
}  # fmt: skip


@pytest.fixture
async def both(tmp_path: Path, engine_url: str) -> AsyncIterator[Admin]:
    """A fresh node on each engine."""
    database = engine_url if engine_url.startswith("postgresql") else None
    if database is not None:
        await app.migrate_database(config.load(data=tmp_path / "data", database=database))
    async with administration(tmp_path / "data", database) as found:
        yield found


async def planned(admin: Admin, document: Any, *, prune: bool = False) -> Any:
    return await admin.ok("POST", "/plan", json={"document": document, "prune": prune})


async def applied(admin: Admin, document: Any, *, prune: bool = False) -> Any:
    seen = (await planned(admin, document, prune=prune))["fingerprint"]
    return await admin.ok("POST", "/apply", json={"document": document, "prune": prune, "fingerprint": seen})


def changed(section: str, slug: str, **members: Any) -> Any:
    found = json.loads(json.dumps(DOCUMENT))
    found[section][slug].update(members)
    return found


def without(section: str, *slugs: str) -> Any:
    found = json.loads(json.dumps(DOCUMENT))
    for slug in slugs:
        del found[section][slug]
    return found


async def test_the_export_of_an_applied_file_is_that_file_here_and_elsewhere(both: Admin, tmp_path: Path) -> None:
    done = await applied(both, DOCUMENT)
    assert done["without_credential"] == ["bot", "app:portal"]
    found = await both.ok("GET", "/export")
    assert json.dumps(found) == json.dumps(DOCUMENT)
    assert (await planned(both, found, prune=True))["steps"] == []
    async with administration(tmp_path / "other") as other:
        await applied(other, found)
        assert json.dumps(await other.ok("GET", "/export")) == json.dumps(found)


CHANGES: dict[str, tuple[Any, bool, list[tuple[str, str, bool]]]] = {
    "its people": (changed("applications", "portal", owner="kim", purpose="", name="P"), False,
                   [("change", "portal", False)]),
    "one redirect more": (changed("applications", "portal", redirect_uris=["https://a.example/cb"]), False,
                          [("change", "portal", False)]),
    "one redirect less": (changed("applications", "phone", redirect_uris=["com.example.app:/cb"]), False,
                          [("change", "phone", True)]),
    "resumed": (changed("applications", "phone", state="active"), False, [("change", "phone", False)]),
    "suspended": (changed("applications", "portal", state="suspended"), False, [("change", "portal", True)]),
    "a role taken": (changed("applications", "portal", roles={}), False, [("change", "portal", True)]),
    "gone from its group, too": (
        without("applications", "portal") | {"groups": changed("groups", "staff", members=["bot"])["groups"]}, True,
        [("change", "staff", True), ("remove", "portal", True)],
    ),
    "a group's name": (changed("groups", "staff", name="S"), False, [("change", "staff", False)]),
    "a member more": (changed("groups", "empty", members=["app:phone"]), False, [("change", "empty", False)]),
    "a member less": (changed("groups", "staff", members=["bot"]), False, [("change", "staff", True)]),
    "an end moved": (changed("groups", "staff", roles={"payer": {}, "reader": {}}), False,
                     [("change", "staff", False)]),
    "a group gone": (without("groups", "staff"), True, [("remove", "staff", True)]),
    "all clients gone": (
        {**without("agents", "bot"), "applications": {}, "groups": {}}, True,
        [("remove", name, True) for name in ("empty", "staff", "phone", "portal", "bot")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
async def test_a_plan_shows_exactly_what_apply_then_does(admin: Admin, name: str) -> None:
    document, prune, expected = CHANGES[name]
    await applied(admin, DOCUMENT)
    plan = await planned(admin, document, prune=prune)
    assert [(step["verb"], step["slug"], step["takes"]) for step in plan["steps"]] == expected
    assert await admin.ok("GET", "/export") == DOCUMENT
    await applied(admin, document, prune=prune)
    assert await admin.ok("GET", "/export") == document
    records = (await admin.ok("GET", "/audit", params={"limit": 200, "kind": "administered"}))["items"]
    told = [record["person"]["action"] for record in reversed(records[: len(expected)])]
    assert told == [f"{step['noun']}.{step['verb']}" for step in plan["steps"]]


async def test_what_a_pruned_file_does_not_name_leaves_its_groups(both: Admin) -> None:
    await applied(both, DOCUMENT)
    await applied(both, {"accredit": 1, "applications": {}}, prune=True)
    found = await both.ok("GET", "/export")
    assert found["applications"] == {}
    assert found["groups"]["staff"]["members"] == ["bot"]


async def test_an_application_of_a_file_gets_tokens_with_its_own_roles_and_those_of_its_groups(both: Admin) -> None:
    await applied(both, DOCUMENT)
    made = await both.ok("POST", "/applications/portal/credentials")
    ask = tokens(both)

    async def scopes() -> list[str]:
        answer = await ask(made["client_id"], made["secret"], "read pay", RESOURCE)
        return sorted(answer.json().get("scope", "").split())

    assert await scopes() == ["pay", "read"]
    await applied(both, changed("groups", "staff", members=["bot"]))
    assert await scopes() == ["read"]
    await applied(both, changed("groups", "staff", members=["app:portal"]))
    await applied(both, changed("applications", "portal", roles={}))
    assert await scopes() == ["pay", "read"]
    await applied(both, without("applications", "portal") | {"groups": {}}, prune=True)
    assert await scopes() == []
    await applied(both, DOCUMENT)
    assert (await ask(made["client_id"], made["secret"], "read", RESOURCE)).status_code == 401


async def test_a_bad_redirect_uri_of_a_file_is_told_at_its_place_and_nothing_is_done(admin: Admin) -> None:
    uris = ["https://a.example/cb", "javascript:alert(1)", "https://a.example/../cb"]
    document = {"accredit": 1, "applications": {"portal": {"owner": "dana", "redirect_uris": uris}}}
    answer = await admin.http.post("/plan", json={"document": document})
    assert answer.status_code == 422
    assert [error["path"][2:] for error in answer.json()["errors"]] == [["redirect_uris", "1"], ["redirect_uris", "2"]]
    many = [f"https://a.example/{n}" for n in range(21)]
    document["applications"]["portal"]["redirect_uris"] = many  # type: ignore[index]
    assert await admin.refused("POST", "/plan", json={"document": document}) == (422, "invalid")
    assert (await admin.ok("GET", "/export"))["applications"] == {}


async def test_what_a_file_takes_through_a_group_is_felt_at_the_tool(victim: House) -> None:
    admin = victim.admin
    before = await admin.ok("GET", "/export")
    grouped = {
        "accredit": 1,
        "agents": {"bot": {"roles": {}}},
        "groups": {"staff": {"roles": {"reader": {}}, "members": ["bot"]}},
    }
    token = await victim.token()
    await applied(admin, grouped)
    await victim.site.catch_up()
    assert (await victim.reach(token)).status == 200
    await applied(admin, {"accredit": 1, "groups": {"staff": {"members": []}}})
    await victim.site.catch_up()
    assert (await victim.reach(token)).status == 403
    await applied(admin, before)
    fresh = await victim.token()
    assert (await victim.reach(fresh)).status == 200
    await applied(admin, {"accredit": 1, "agents": {"bot": {"expires": "2001-01-01T00:00:00Z"}}})
    await victim.site.catch_up()
    victim.site.inner.calls.clear()
    await victim.stopped(fresh)
