"""Questions over the management API: what would be decided, what would help, and who may hear it."""

from typing import Any

import pytest

from tests.support.admin import Admin, tokens
from tests.support.management import Staff

WHERE = "/servers/ledger/explain"
NEVER = "no-such-client"


async def asked(admin: Admin, tool: str = "list_invoices", client: str = "bot", **more: Any) -> Any:
    return await admin.ok("GET", WHERE, params={"client": client, "tool": tool, **more})


def failing(found: Any) -> dict[str, Any]:
    return {item["factor"]: item for item in found["factors"] if not item["holds"]}


async def bot(admin: Admin, *roles: str, **more: Any) -> Any:
    return await admin.ok("POST", "/agents", json={"slug": "bot", "owner": "dana", "roles": roles} | more)


async def furnished(admin: Admin) -> Any:
    await admin.ledger()
    await admin.ok("POST", "/roles", json={"slug": "reader", "scopes": {"ledger": ["ledger:read"]}})
    return await bot(admin, "reader")


async def test_a_client_that_may_is_told_so_with_every_factor(admin: Admin) -> None:
    await furnished(admin)
    found = await asked(admin)
    assert (found["allowed"], found["needs"], found["changes"]) == (True, ["ledger:read"], [])
    assert [item["factor"] for item in found["factors"]] == [
        "client", "software", "credential", "server", "tool", "server_scopes", "client_roles",
    ]  # fmt: skip
    assert found["roles"] == [{"role": "reader", "scopes": ["ledger:read"], "ends_at": None, "counts": True}]


async def test_the_smallest_change_that_is_told_really_helps(admin: Admin) -> None:
    made = await furnished(admin)
    found = await asked(admin, "purge_ledger")
    assert found["allowed"] is False
    assert failing(found).keys() == {"client_roles"}
    assert failing(found)["client_roles"]["scopes"] == ["ledger:purge"]
    change = found["changes"][0]
    assert (change["way"], change["scopes"], change["opens"]) == ("create", ["ledger:purge"], 0)
    refused = await tokens(admin)(made["client_id"], made["secret"], "ledger:purge")
    await admin.ok("POST", "/roles", json={"slug": "purger", "scopes": {"ledger": change["scopes"]}})
    assert [item["role"] for item in (await asked(admin, "purge_ledger"))["changes"]] == ["purger", None]
    await admin.ok("PUT", "/roles/purger/assignments/bot")
    issued = await tokens(admin)(made["client_id"], made["secret"], "ledger:purge")
    assert (refused.status_code, issued.status_code) == (400, 200)
    assert (await asked(admin, "purge_ledger"))["allowed"] is True


async def test_every_obstacle_is_told_at_once_with_what_removes_it(admin: Admin) -> None:
    await furnished(admin)
    shown = await admin.ok("GET", "/agents/bot")
    await admin.ok("DELETE", f"/agents/bot/credentials/{shown['credentials'][0]['id']}")
    await admin.ok("POST", "/agents/bot/suspend")
    await admin.ok("POST", "/servers/ledger/suspend")
    await admin.ok("PUT", "/administrators/bot", json={"servers": ["ledger"]})
    found = failing(await asked(admin, "nothing"))
    assert {name: item["remedy"].split(" ")[1:3] for name, item in found.items()} == {
        "client": ["agent", "resume"],
        "credential": ["agent", "credential"],
        "server": ["server", "resume"],
        "tool": ["server", "tool"],
    }
    assert "(bot)" in found["server"]["who"]
    assert "(bot)" not in found["client"]["who"]


async def test_what_ended_or_will_end_is_told_for_the_time_that_was_asked_about(admin: Admin) -> None:
    await furnished(admin)
    await admin.ok("PUT", "/roles/reader/assignments/bot", json={"ends_in": 3600})
    (share,) = (await asked(admin))["roles"]
    assert (await asked(admin))["allowed"] is True
    later = await asked(admin, at=share["ends_at"])
    assert later["allowed"] is False
    assert later["roles"] == [share | {"counts": False}]
    assert later["changes"][0]["way"] == "extend"
    assert "reader ended at" in failing(later)["client_roles"]["why"]
    await bot_with_an_end(admin)
    assert failing(await asked(admin, client="brief", at="2999-01-01T00:00:00Z"))["client"]["remedy"]
    await admin.ok("PUT", "/roles/reader/assignments/bot", json={"ends_at": "2999-01-01T00:00:00.5Z"})
    assert failing(await asked(admin, at="2999-01-01T00:00:00.2Z")).keys() == {"token"}


async def bot_with_an_end(admin: Admin) -> None:
    body = {"slug": "brief", "owner": "dana", "expires_in": 60, "roles": ["reader"]}
    await admin.ok("POST", "/agents", json=body)


async def test_a_client_can_be_named_by_its_id(admin: Admin) -> None:
    made = await furnished(admin)
    assert (await asked(admin, client=made["client_id"]))["client"] == "bot"


async def test_who_is_not_known_is_no_question(admin: Admin) -> None:
    await furnished(admin)
    where = {"client": NEVER, "tool": "x"}
    assert await admin.refused("GET", WHERE, params=where) == (404, "not_found")
    assert await admin.refused("GET", "/servers/nowhere/explain", params=where) == (404, "not_found")


@pytest.mark.parametrize(
    "query",
    [
        {}, {"client": "bot"}, {"tool": "x"}, {"client": "", "tool": "x"}, {"client": "a\nb", "tool": "x"},
        {"client": "x" * 257, "tool": "x"}, {"client": "bot", "tool": "x", "kind": "thing"},
        {"client": "bot", "tool": "x", "at": "soon"}, {"client": "bot", "tool": "x", "mode": "observe"},
    ],
)  # fmt: skip
async def test_a_question_that_cannot_be_meant_is_refused(admin: Admin, query: dict[str, str]) -> None:
    await furnished(admin)
    assert await admin.refused("GET", WHERE, params=query) == (422, "invalid")


async def test_a_resource_is_asked_about_by_its_address(admin: Admin) -> None:
    await furnished(admin)
    body = {"needs": ["ledger:read"], "kind": "resource"}
    await admin.ok("PUT", "/servers/ledger/tools/ledger://book/{year}", json=body)
    found = await asked(admin, "ledger://book/2026", kind="resource")
    assert found["allowed"] is True
    assert (await asked(admin, "ledger://other/2026", kind="resource"))["allowed"] is False


async def test_a_server_administrator_hears_alike_of_a_client_that_is_not_theirs_and_of_none(staff: Staff) -> None:
    admin, ann = staff.admin, staff.clients["ann"]
    await admin.ok("POST", "/agents", json={"slug": "foreign", "owner": "x", "roles": ["keeper"]})
    await admin.ok("POST", "/agents/foreign/suspend")
    found = []
    for name in ("foreign", NEVER):
        question = {"client": name, "tool": "list_invoices", "at": "2030-01-01T00:00:00Z"}
        answer = await ann.get(WHERE, params=question)
        assert answer.status_code == 200
        found.append(answer.text.replace(name, "?"))
    assert found[0] == found[1]
    assert "keeper" not in found[0]


async def test_a_server_administrator_hears_of_no_role_and_no_person_beyond_their_server(staff: Staff) -> None:
    ann = staff.clients["ann"]
    await staff.admin.ok("POST", "/roles", json={"slug": "grand", "scopes": {
        "ledger": ["ledger:purge"], "archive": ["ledger:purge"]}})  # fmt: skip
    question = {"client": "bot", "tool": "purge_ledger"}
    hers = (await ann.get(WHERE, params=question)).json()
    theirs = (await staff.clients["eye"].get(WHERE, params=question)).json()
    assert "grand" in str(theirs["changes"])
    assert "root" in str(theirs["factors"])
    assert "grand" not in str(hers)
    assert "root" not in str(hers)
    assert [item["role"] for item in hers["roles"]] == ["both"]
    for name in ("archive", "nowhere"):
        assert (await ann.get(f"/servers/{name}/explain", params=question)).status_code == 403
