"""The mode of a server over the management API: enforce, observe, and dry runs with a candidate."""

from functools import reduce
from typing import Any

import pytest

from tests.support.admin import Admin
from tests.support.management import Staff

WHERE = "/servers/ledger/mode"


def candidate(**members: Any) -> dict[str, Any]:
    """Return a file that says these members of the ledger."""
    return {"accredit": 1, "servers": {"ledger": members}}


TOOLS = candidate(tools={"list_invoices": {"needs": ["ledger:purge"], "destructive": True}})


async def mode(admin: Admin) -> str:
    return str((await admin.ok("GET", "/servers/ledger"))["mode"])


async def test_a_server_enforces_until_somebody_says_otherwise_and_everybody_is_told(admin: Admin) -> None:
    assert (await admin.ledger())["mode"] == "enforce"
    assert (await admin.ok("GET", "/status"))["not_enforcing"] == []
    changed = await admin.ok("PUT", WHERE, json={"mode": "observe"})
    assert changed["mode"] == "observe"
    assert (await admin.ok("GET", "/status"))["not_enforcing"] == [{"server": "ledger", "mode": "observe"}]
    newest = (await admin.ok("GET", "/audit", params={"kind": "administered"}))["items"][0]["person"]
    assert (newest["action"], newest["target"]) == ("server.mode", changed["id"])
    await admin.ok("PUT", WHERE, json={"mode": "enforce"})
    assert (await admin.ok("GET", "/status"))["not_enforcing"] == []


async def test_a_dry_run_keeps_its_candidate_until_it_ends(admin: Admin) -> None:
    before = await admin.ledger()
    made = await admin.ok("PUT", WHERE, json={"mode": "dry-run", "candidate": TOOLS})
    (tool,) = made["candidate"]
    assert (tool["name"], tool["needs"], tool["destructive"]) == ("list_invoices", ["ledger:purge"], True)
    assert made["tools"] == before["tools"]
    await admin.ok("PUT", "/servers/ledger/scopes/fresh", json={})
    assert (await admin.ok("GET", "/servers/ledger"))["candidate"] == [tool]
    assert (await admin.ok("PUT", WHERE, json={"mode": "enforce"}))["candidate"] == []


@pytest.mark.parametrize(
    "body",
    [
        {}, {"mode": "off"}, {"mode": "dry-run"}, {"mode": "dry_run", "candidate": TOOLS}, {"mode": None},
        {"mode": "observe", "candidate": TOOLS}, {"mode": "enforce", "candidate": TOOLS},
        {"mode": "dry-run", "candidate": {}}, {"mode": "dry-run", "candidate": []},
        {"mode": "dry-run", "candidate": candidate(tools={"x": {"needs": ["unknown"]}})},
        {"mode": "dry-run", "candidate": candidate(tools={})},
        {"mode": "dry-run", "candidate": {"accredit": 1, "roles": {"reader": {"scopes": {"ledger": []}}}}},
        {"mode": "dry-run", "candidate": {"accredit": 1, "servers": {"other": {"resource": "https://x.example/mcp"}}}},
        {"mode": "observe", "more": 1},
    ],
)  # fmt: skip
async def test_a_mode_that_cannot_be_meant_is_refused_and_changes_nothing(admin: Admin, body: dict[str, Any]) -> None:
    await admin.ledger()
    await admin.ok("POST", "/roles", json={"slug": "reader", "scopes": {"ledger": ["ledger:read"]}})
    assert (await admin.refused("PUT", WHERE, json=body))[0] == 422
    assert await mode(admin) == "enforce"


async def test_a_built_in_server_has_no_candidate(admin: Admin) -> None:
    body = {"mode": "dry-run", "candidate": {"accredit": 1}}
    for slug in ("guard", "management"):
        assert (await admin.refused("PUT", f"/servers/{slug}/mode", json=body))[0] == 403


NAMES = ("archive", "everybody", "nowhere", "keeper", "nothing", "bea", "nobody", "both", "none")
RESOURCES = ("http://127.0.0.1:9001/mcp", "http://127.0.0.1:9005/mcp")


@pytest.mark.parametrize(
    ("there", "nowhere"),
    [
        ({"agents": {"bea": {"owner": "dana"}}}, {"agents": {"bea": {"owner": "nobody"}}}),
        ({"groups": {"everybody": {}}}, {"groups": {"nowhere": {}}}),
        ({"groups": {"g": {"members": ["bea"]}}}, {"groups": {"g": {"members": ["nobody"]}}}),
        ({"agents": {"a": {"owner": "x", "roles": ["both"]}}}, {"agents": {"a": {"owner": "x", "roles": ["none"]}}}),
        ({"roles": {"keeper": {"scopes": {}}}}, {"roles": {"nothing": {"scopes": {}}}}),
        (*({"roles": {"r": {"scopes": {server: ["ledger:read"]}}}} for server in ("archive", "nowhere")),),
        (*({"servers": {"archive": {"resource": one}}} for one in RESOURCES),),
        (*({"servers": {"ledger": {"resource": one}}} for one in RESOURCES),),
    ],
    ids=["owner", "group", "member", "role", "role-empty", "role-server", "server", "own-resource"],
)  # fmt: skip
async def test_a_candidate_tells_a_server_administrator_nothing_of_what_is_anothers(
    staff: Staff, there: dict[str, Any], nowhere: dict[str, Any]
) -> None:
    async def put(sections: dict[str, Any]) -> str:
        body = {"mode": "dry-run", "candidate": {"accredit": 1, **sections}}
        answer = await staff.clients["ann"].put(WHERE, json=body, headers={"If-Match": "*"})
        assert answer.status_code == 422
        named = (name for name in NAMES if name in str(sections))
        return reduce(lambda text, name: text.replace(name, "?"), named, answer.text)

    assert await put(there) == await put(nowhere)


@pytest.mark.parametrize("scopes", [{}, {"scopes": {"new": ""}, "default_scopes": []}], ids=["tools", "scopes"])
async def test_a_server_administrator_tries_a_candidate_and_hears_of_no_role(
    staff: Staff, scopes: dict[str, Any]
) -> None:
    needs = ["new"] if scopes else ["ledger:purge"]
    wanted = candidate(tools={"list_invoices": {"needs": needs}}, **scopes)
    body = {"mode": "dry-run", "candidate": wanted}
    answer = await staff.clients["ann"].put(WHERE, json=body, headers={"If-Match": "*"})
    assert (answer.status_code, answer.json()["candidate"][0]["needs"]) == (200, needs)
    assert not {"both", "reader"} & set(answer.text.split('"'))


async def test_a_mode_is_set_in_the_state_that_was_read(admin: Admin) -> None:
    await admin.ledger()
    stale = {"If-Match": '"' + "0" * 32 + '"'}
    assert (await admin.refused("PUT", WHERE, json={"mode": "observe"}, headers=stale))[0] == 412
    assert (await admin.refused("PUT", WHERE, json={"mode": "observe"}, headers={}))[0] == 428
    assert await admin.refused("PUT", "/servers/nowhere/mode", json={"mode": "observe"}) == (404, "not_found")
    assert (await admin.refused("PUT", "/servers/guard/mode", json={"mode": "observe"}))[0] == 403


async def test_files_set_and_show_whether_a_server_observes(admin: Admin) -> None:
    await admin.ledger()
    document = candidate(mode="observe")
    plan = await admin.ok("POST", "/plan", json={"document": document})
    (step,) = plan["steps"]
    assert step["changes"] == [{"path": ["mode"], "before": "enforce", "after": "observe"}]
    await admin.ok("POST", "/apply", json={"document": document, "fingerprint": plan["fingerprint"]})
    assert await mode(admin) == "observe"
    exported = await admin.ok("GET", "/export")
    assert exported["servers"]["ledger"]["mode"] == "observe"
    assert (await admin.ok("POST", "/plan", json={"document": exported}))["steps"] == []


async def test_a_dry_run_goes_on_while_files_change_what_is_enforced(admin: Admin) -> None:
    await admin.ledger()
    await admin.ok("PUT", WHERE, json={"mode": "dry-run", "candidate": TOOLS})
    exported = await admin.ok("GET", "/export")
    assert exported["servers"]["ledger"]["mode"] == "enforce"
    exported["servers"]["ledger"]["name"] = "Changed"
    plan = await admin.ok("POST", "/plan", json={"document": exported})
    await admin.ok("POST", "/apply", json={"document": exported, "fingerprint": plan["fingerprint"]})
    shown = await admin.ok("GET", "/servers/ledger")
    assert (shown["name"], shown["mode"], len(shown["candidate"])) == ("Changed", "dry-run", 1)


async def test_a_question_about_a_server_that_observes_is_answered_as_its_guards_would(admin: Admin) -> None:
    await admin.ledger()
    await admin.ok("PUT", "/servers/ledger/tools/write", json={"needs": ["ledger:purge"]})
    await admin.ok("POST", "/roles", json={"slug": "reader", "scopes": {"ledger": ["ledger:read"]}})
    await admin.ok("POST", "/agents", json={"slug": "bot", "owner": "dana", "roles": ["reader"]})
    await admin.ok("PUT", WHERE, json={"mode": "observe"})
    found = {
        tool: await admin.ok("GET", "/servers/ledger/explain", params={"client": "bot", "tool": tool})
        for tool in ("list_invoices", "write", "purge_ledger", "unmapped")
    }
    assert {tool: (one["allowed"], one["observed"]) for tool, one in found.items()} == {
        "list_invoices": (True, False), "write": (True, True), "purge_ledger": (False, False),
        "unmapped": (False, False),
    }  # fmt: skip
    assert found["write"]["mode"] == "observe"
    assert found["write"]["changes"]
