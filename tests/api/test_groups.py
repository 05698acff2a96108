"""Groups over the management API: whoever is in one has its roles, for as long as both last."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from accredit import app, config
from accredit.identity.group import MOST
from tests.support.admin import Admin, administration, tokens
from tests.support.house import House


@pytest.fixture
async def both(tmp_path: Path, engine_url: str) -> AsyncIterator[Admin]:
    """A fresh node on each engine."""
    database = engine_url if engine_url.startswith("postgresql") else None
    if database is not None:
        await app.migrate_database(config.load(data=tmp_path / "data", database=database))
    async with administration(tmp_path / "data", database) as found:
        yield found


async def furnished(admin: Admin) -> tuple[str, str]:
    """Make two roles, the group `staff` with the first of them, and an agent that holds nothing."""
    await admin.ledger()
    for name, word in (("reader", "ledger:read"), ("purger", "ledger:purge")):
        await admin.ok("POST", "/roles", json={"slug": name, "scopes": {"ledger": [word]}})
    await admin.ok("POST", "/groups", json={"slug": "staff", "name": "Staff"})
    await admin.ok("PUT", "/roles/reader/assignments/group:staff")
    made = await admin.ok("POST", "/agents", json={"slug": "bot", "owner": "dana"})
    return made["client_id"], made["secret"]


async def scopes(admin: Admin, client: tuple[str, str]) -> list[str]:
    answer = (await tokens(admin)(*client, "ledger:read ledger:purge")).json()
    return sorted(answer.get("scope", "").split())


async def test_whoever_is_in_a_group_has_its_roles_and_its_own(both: Admin) -> None:
    bot = await furnished(both)
    assert await scopes(both, bot) == []
    assert await both.ok("PUT", "/groups/staff/members/bot") == {"group": "staff", "member": "bot"}
    assert await scopes(both, bot) == ["ledger:read"]
    await both.ok("PUT", "/roles/purger/assignments/bot")
    assert await scopes(both, bot) == ["ledger:purge", "ledger:read"]
    held = [(item["slug"], item["through"]) for item in (await both.ok("GET", "/agents/bot"))["roles"]]
    assert held == [("purger", None), ("reader", "staff")]
    await both.ok("DELETE", "/groups/staff/members/bot")
    assert await scopes(both, bot) == ["ledger:purge"]
    assert await both.refused("DELETE", "/groups/staff/members/bot") == (404, "not_found")


async def test_an_application_and_an_agent_of_one_name_are_two_members(both: Admin) -> None:
    bot = await furnished(both)
    made = await both.ok("POST", "/applications", json={"slug": "bot", "owner": "dana"})
    for member in ("app:bot", "agent:bot"):
        await both.ok("PUT", f"/groups/staff/members/{member}")
    assert (await both.ok("GET", "/groups/staff"))["members"] == ["bot", "app:bot"]
    assert await scopes(both, (made["client_id"], made["secret"])) == ["ledger:read"]
    await both.ok("DELETE", "/groups/staff/members/bot")
    assert (await both.ok("GET", "/groups/staff"))["members"] == ["app:bot"]
    assert await scopes(both, bot) == []
    await both.ok("DELETE", "/applications/bot")
    await both.ok("POST", "/applications", json={"slug": "bot", "owner": "kim"})
    assert (await both.ok("GET", "/groups/staff"))["members"] == []
    assert (await both.ok("GET", "/applications/bot"))["roles"] == []


async def test_what_a_group_holds_ends_when_it_was_said(both: Admin) -> None:
    bot = await furnished(both)
    await both.ok("PUT", "/groups/staff/members/bot")
    given = await both.ok("PUT", "/roles/reader/assignments/group:staff", json={"ends_in": 120})
    assert given["holder"] == "group:staff"
    assert (await tokens(both)(*bot)).json()["expires_in"] <= 120
    both.clock.advance(121)
    assert await scopes(both, bot) == []


async def test_a_group_that_goes_takes_its_roles_along_and_its_name_is_free(both: Admin) -> None:
    bot = await furnished(both)
    await both.ok("PUT", "/groups/staff/members/bot")
    await both.ok("DELETE", "/groups/staff")
    assert await scopes(both, bot) == []
    assert await both.refused("GET", "/groups/staff") == (404, "not_found")
    await both.ok("POST", "/groups", json={"slug": "staff"})
    fresh = await both.ok("GET", "/groups/staff")
    assert (fresh["members"], fresh["roles"]) == ([], [])


async def test_a_role_that_changes_changes_for_the_members_of_the_groups_that_hold_it(both: Admin) -> None:
    bot = await furnished(both)
    await both.ok("PUT", "/groups/staff/members/bot")
    await both.ok("PUT", "/roles/reader/scopes/ledger", json={"scopes": ["ledger:purge"]})
    assert await scopes(both, bot) == ["ledger:purge"]
    await both.ok("DELETE", "/roles/reader/assignments/group:staff")
    assert await scopes(both, bot) == []
    assert await both.refused("DELETE", "/roles/reader/assignments/group:staff") == (404, "not_found")


async def test_many_members_at_once_all_come_in_or_are_told_that_they_crossed(both: Admin) -> None:
    await furnished(both)
    names = [f"bot-{n}" for n in range(10)]
    for name in names:
        await both.ok("POST", "/agents", json={"slug": name, "owner": "dana"})
    before = (await both.ok("GET", "/groups/staff"))["version"]
    answers = await asyncio.gather(*(both.http.put(f"/groups/staff/members/{name}") for name in names))
    came = [name for name, answer in zip(names, answers, strict=True) if answer.is_success]
    assert came
    assert {answer.status_code for answer in answers} <= {200, 412}
    found = await both.ok("GET", "/groups/staff")
    assert found["members"] == came
    assert found["version"] == before + len(came)


async def test_a_member_does_not_come_into_a_group_that_goes(both: Admin) -> None:
    bot = await furnished(both)
    match = {"If-Match": (await both.http.get("/groups/staff")).headers["etag"]}
    removed, added = await asyncio.gather(
        both.http.delete("/groups/staff", headers=match), both.http.put("/groups/staff/members/bot")
    )
    assert (removed.status_code, added.status_code) in [(204, 404), (204, 412), (412, 200)]
    assert (await scopes(both, bot) == ["ledger:read"]) is added.is_success


async def test_a_group_is_removed_in_the_state_that_was_read(admin: Admin) -> None:
    await furnished(admin)
    seen = {"If-Match": (await admin.http.get("/groups/staff")).headers["etag"]}
    assert await admin.refused("DELETE", "/groups/staff", headers={}) == (428, "precondition_required")
    await admin.ok("PUT", "/groups/staff/members/bot")
    assert await admin.refused("DELETE", "/groups/staff", headers=seen) == (412, "stale")


@pytest.mark.parametrize(
    ("method", "where", "expected"),
    [
        ("PUT", "/groups/nobody/members/bot", (404, "not_found")),
        ("PUT", "/groups/staff/members/nobody", (404, "not_found")),
        ("PUT", "/groups/staff/members/app:bot", (404, "not_found")),
        ("PUT", "/groups/staff/members/group:staff", (422, "invalid")),
        ("PUT", "/groups/staff/members/user:ann", (422, "invalid")),
        ("PUT", "/groups/staff/members/Bot", (422, "invalid")),
        ("PUT", "/groups/staff/members/app:", (422, "invalid")),
        ("PUT", "/roles/reader/assignments/group:nobody", (404, "not_found")),
        ("PUT", "/roles/nobody/assignments/group:staff", (404, "not_found")),
        ("PUT", "/roles/accredit-administrator/assignments/group:staff", (404, "not_found")),
        ("PUT", "/roles/reader/assignments/app:nobody", (404, "not_found")),
        ("DELETE", "/roles/purger/assignments/group:staff", (404, "not_found")),
    ],
)
async def test_what_cannot_be_meant_changes_nothing(
    admin: Admin, method: str, where: str, expected: tuple[int, str]
) -> None:
    await furnished(admin)
    before = await admin.ok("GET", "/groups/staff")
    assert await admin.refused(method, where) == expected
    assert await admin.ok("GET", "/groups/staff") == before


@pytest.mark.parametrize(
    "body", [{}, {"slug": "Staff"}, {"slug": "a", "roles": []}, {"slug": "a", "members": ["b"]}, []]
)
async def test_a_group_that_is_not_sound_is_refused(admin: Admin, body: object) -> None:
    assert await admin.refused("POST", "/groups", json=body) == (422, "invalid")
    assert (await admin.ok("GET", "/groups"))["items"] == []


async def test_groups_come_in_pages_and_a_name_is_taken_once(admin: Admin) -> None:
    for name in ("c", "a", "b"):
        await admin.ok("POST", "/groups", json={"slug": name})
    assert await admin.refused("POST", "/groups", json={"slug": "a"}) == (409, "conflict")
    first = await admin.ok("GET", "/groups", params={"limit": 2})
    assert [item["slug"] for item in first["items"]] == ["a", "b"]
    second = await admin.ok("GET", "/groups", params={"limit": 2, "cursor": first["next"]})
    assert ([item["slug"] for item in second["items"]], second["next"]) == (["c"], None)


async def test_a_client_is_in_so_many_groups_and_no_more(admin: Admin) -> None:
    await admin.ok("POST", "/agents", json={"slug": "bot", "owner": "dana"})
    for n in range(MOST + 1):
        await admin.ok("POST", "/groups", json={"slug": f"g-{n}"})
    for n in range(MOST):
        await admin.ok("PUT", f"/groups/g-{n}/members/bot")
    assert await admin.refused("PUT", f"/groups/g-{MOST}/members/bot") == (409, "conflict")
    assert await admin.ok("PUT", "/groups/g-0/members/bot")


async def test_every_change_of_a_group_is_in_the_log(admin: Admin) -> None:
    await furnished(admin)
    await admin.ok("PUT", "/groups/staff/members/bot")
    await admin.ok("PUT", "/groups/staff/members/bot")
    await admin.ok("DELETE", "/groups/staff/members/bot")
    await admin.ok("DELETE", "/roles/reader/assignments/group:staff")
    await admin.ok("DELETE", "/groups/staff")
    told = [item["person"] for item in (await admin.ok("GET", "/audit", params={"kind": "administered"}))["items"]]
    assert [(one["action"], one["summary"]) for one in told[:4]] == [
        ("group.remove", "staff"),
        ("role.unassign", "reader from the group staff"),
        ("group.member", "bot out of staff"),
        ("group.member", "bot into staff"),
    ]


# ------------------------------------------------------------------ at the tool
async def member(victim: House) -> Any:
    """Let the agent have its only role through a group, and return a token that rests on it."""
    admin = victim.admin
    await admin.ok("POST", "/groups", json={"slug": "staff"})
    await admin.ok("PUT", "/roles/reader/assignments/group:staff")
    await admin.ok("PUT", "/groups/staff/members/bot")
    await admin.ok("DELETE", "/roles/reader/assignments/bot")
    await victim.site.catch_up()
    token = await victim.token()
    assert (await victim.reach(token)).status == 200
    return token


@pytest.mark.parametrize(
    ("method", "where", "body"),
    [
        ("DELETE", "/groups/staff/members/bot", None),
        ("DELETE", "/roles/reader/assignments/group:staff", None),
        ("DELETE", "/groups/staff", None),
        ("PUT", "/roles/reader/scopes/ledger", {"scopes": ["ledger:purge"]}),
        ("PUT", "/roles/reader/assignments/group:staff", {"ends_in": 30}),
    ],
    ids=["let-out", "unassigned", "removed", "role-changed", "end-nearer"],
)
async def test_what_was_had_through_a_group_alone_is_gone_from_the_tokens_that_are_out(
    victim: House, method: str, where: str, body: Any
) -> None:
    token = await member(victim)
    victim.site.inner.calls.clear()
    await victim.admin.ok(method, where, json=body)
    await victim.site.catch_up()
    assert (await victim.reach(token)).status == 403
    assert victim.site.inner.calls == []


@pytest.mark.parametrize(
    ("method", "where", "body"),
    [
        ("DELETE", "/groups/staff/members/bot", None),
        ("DELETE", "/roles/reader/assignments/group:staff", None),
        ("DELETE", "/groups/staff", None),
        ("PUT", "/roles/reader/scopes/ledger", {"scopes": ["ledger:purge"]}),
    ],
    ids=["let-out", "unassigned", "removed", "role-changed"],
)
@pytest.mark.parametrize("first", [True, False])
async def test_what_is_lost_in_two_ways_at_once_is_lost_at_the_tool(
    victim: House, method: str, where: str, body: Any, first: bool
) -> None:
    token = await member(victim)
    await victim.admin.ok("PUT", "/roles/reader/assignments/bot")
    one = victim.admin.http.delete("/roles/reader/assignments/bot")
    other = victim.admin.http.request(method, where, json=body, headers={"if-match": "*"})
    answers = await asyncio.gather(*((one, other) if first else (other, one)))
    assert any(answer.is_success for answer in answers)
    assert {answer.status_code for answer in answers if not answer.is_success} <= {412}
    await victim.site.catch_up()
    agent = await victim.admin.ok("GET", "/agents/bot")
    keeps = any("ledger:read" in role["scopes"].get("ledger", []) for role in agent["roles"])
    assert (await victim.reach(token)).status == (200 if keeps else 403)


async def test_what_is_held_in_another_way_as_well_is_not_taken(victim: House) -> None:
    token = await member(victim)
    await victim.admin.ok("PUT", "/roles/reader/assignments/bot")
    await victim.admin.ok("DELETE", "/groups/staff/members/bot")
    await victim.site.catch_up()
    assert (await victim.reach(token)).status == 200
    await victim.admin.ok("PUT", "/groups/staff/members/bot")
    await victim.admin.ok("DELETE", "/roles/reader/assignments/bot")
    await victim.site.catch_up()
    assert (await victim.reach(token)).status == 200
