"""ETags: what was read is what is changed, or nothing is."""

from typing import Any

import pytest

from tests.support.admin import Admin
from tests.support.management import Staff

CHANGES: list[tuple[str, str, Any]] = [
    ("PUT", "/servers/ledger/scopes/ledger:read", {"description": "Changed"}),
    ("PUT", "/servers/ledger/tools/list_invoices", {"needs": ["ledger:purge"]}),
    ("DELETE", "/servers/ledger/tools/list_invoices", None),
    ("PUT", "/servers/ledger/defaults", {"scopes": []}),
    ("PUT", "/servers/ledger/first-use", {"scopes": ["ledger:read"]}),
    ("PUT", "/servers/ledger/may-ask", {"may_ask": ["roots"]}),
    ("PUT", "/servers/ledger/mode", {"mode": "observe"}),
    ("PUT", "/administrators/bot", {"servers": ["ledger"]}),
    ("PUT", "/roles/reader/scopes/ledger", {"scopes": ["ledger:purge"]}),
]


async def furnished(admin: Admin) -> None:
    await admin.ledger()
    await admin.ok("POST", "/roles", json={"slug": "reader", "scopes": {"ledger": ["ledger:read"]}})
    await admin.ok("POST", "/agents", json={"slug": "bot", "owner": "dana"})


async def tag(admin: Admin, where: str) -> str:
    answer = await admin.http.get(where)
    assert answer.status_code == 200
    return str(answer.headers["etag"])


def of(where: str) -> str:
    """Return the address of what `where` is a part of."""
    return "/".join(where.split("/")[:3])


@pytest.mark.parametrize(("method", "where", "body"), CHANGES)
async def test_a_change_names_the_state_that_it_was_decided_on(
    admin: Admin, method: str, where: str, body: Any
) -> None:
    await furnished(admin)
    before, shown = await tag(admin, of(where)), await admin.ok("GET", of(where))
    assert await admin.refused(method, where, json=body, headers={}) == (428, "precondition_required")
    stale = (f'"{"0" * 32}"', f"W/{before}", before.strip('"'), f"{before}, x", "", '"*"', f'"{before[1:-1].upper()}"')
    for given in stale:
        assert await admin.refused(method, where, json=body, headers={"If-Match": given}) == (412, "stale"), given
    assert await admin.ok("GET", of(where)) == shown
    answer = await admin.http.request(method, where, json=body, headers={"If-Match": f'"other", {before}'})
    assert answer.status_code == 200
    assert answer.headers["etag"] == await tag(admin, of(where)) != before
    assert await admin.refused(method, where, json=body, headers={"If-Match": before}) == (412, "stale")


async def test_of_two_who_read_the_same_one_changes_it(admin: Admin) -> None:
    await furnished(admin)
    match = {"If-Match": await tag(admin, "/servers/ledger")}
    await admin.ok("PUT", "/servers/ledger/defaults", json={"scopes": ["ledger:purge"]}, headers=match)
    late = await admin.refused("PUT", "/servers/ledger/defaults", json={"scopes": []}, headers=match)
    assert late == (412, "stale")
    assert (await admin.ok("GET", "/servers/ledger"))["default_scopes"] == ["ledger:purge"]


async def test_the_tag_of_an_agent_changes_with_all_that_is_shown_of_it(admin: Admin) -> None:
    await furnished(admin)
    seen = [await tag(admin, "/agents/bot")]
    for method, where in (
        ("PUT", "/roles/reader/assignments/bot"),
        ("POST", "/agents/bot/credentials"),
        ("POST", "/agents/bot/suspend"),
        ("PUT", "/roles/reader/scopes/ledger"),
    ):
        await admin.ok(method, where, json={"scopes": []} if "scopes" in where else {})
        seen.append(await tag(admin, "/agents/bot"))
    assert len(set(seen)) == len(seen)
    assert await tag(admin, "/agents/bot") == seen[-1]


async def test_what_must_be_done_at_once_asks_for_no_tag_and_honours_one(admin: Admin) -> None:
    await furnished(admin)
    for noun in ("/agents/bot", "/servers/ledger"):
        stale = {"If-Match": '"0"'}
        assert await admin.refused("POST", f"{noun}/suspend", headers=stale) == (412, "stale")
        assert (await admin.ok("POST", f"{noun}/suspend"))["state"] == "suspended"
        good = {"If-Match": await tag(admin, noun)}
        assert (await admin.ok("POST", f"{noun}/resume", headers=good))["state"] == "active"


async def test_the_tag_is_about_what_this_caller_sees(staff: Staff) -> None:
    ann, root = staff.clients["ann"], staff.clients["root"]
    before = [(await client.get("/roles/both")).headers["etag"] for client in (ann, root)]
    await staff.admin.ok("PUT", "/roles/both/scopes/archive", json={"scopes": ["ledger:purge"]})
    after = [(await client.get("/roles/both")).headers["etag"] for client in (ann, root)]
    assert before[1] != after[1]
