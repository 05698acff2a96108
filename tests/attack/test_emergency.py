"""emergency brake: what is denied to everybody is denied, whatever role, token or spelling somebody comes with."""

import asyncio
from typing import Any

import pytest

from tests.support.house import RESOURCE, House
from tests.support.until import eventually


async def denied(victim: House, **body: Any) -> None:
    await victim.admin.ok("POST", "/servers/ledger/denials", json=body)
    await eventually(lambda: victim.site.guard._gate.knowledge.seq == victim.admin.node.directory.cursor)  # type: ignore[union-attr]


async def lifted(victim: House, **body: Any) -> None:
    await victim.admin.ok("POST", "/servers/ledger/denials/lift", json=body)
    await eventually(lambda: victim.site.guard._gate.knowledge.seq == victim.admin.node.directory.cursor)  # type: ignore[union-attr]


async def test_a_denied_tool_is_refused_with_old_and_new_tokens_and_the_others_go_on(victim: House) -> None:
    token = await victim.token()
    assert (await victim.reach(token)).status == 200
    await denied(victim, name="list_invoices", reason="Leaks")
    for held in (token, await victim.token()):
        answer = await victim.reach(held)
        assert (answer.status, answer.json()["error"]["code"]) == (403, 403)
        assert answer.json()["error"]["data"]["grantable"] is False
        assert "scope=" not in answer.challenge, "a client that asks for scopes would go round in circles"
        assert "Leaks" not in answer.body.decode()
    person = await victim.person(answer.json()["error"]["data"]["decision_id"])
    assert person["reason"] == "denied"
    assert (await victim.reach(token, "purge_ledger")).json()["error"]["data"]["missing_scopes"] == ["ledger:purge"]
    await lifted(victim, name="list_invoices")
    assert (await victim.reach(token)).status == 200


async def test_of_a_denied_server_nothing_is_open(victim: House) -> None:
    token = await victim.token()
    await denied(victim)
    assert (await victim.reach(token)).status == 403
    other = await victim.token(resource="https://tools.example/other")
    assert other, "a token for another server is nobody's business here"
    await lifted(victim)
    assert (await victim.reach(token)).status == 200


async def test_a_guard_that_starts_anew_knows_what_is_denied(victim: House) -> None:
    await denied(victim, name="list_invoices")
    await victim.admin.ok("PUT", "/servers/ledger/tools/list_invoices", json={"needs": ["ledger:read"]})
    await victim.site.guard._stop()
    await victim.site.guard._start()
    assert (await victim.reach(await victim.token())).status == 403


@pytest.mark.parametrize("slug", ["guard", "management"])
async def test_the_built_in_servers_cannot_be_denied_by_anybody(victim: House, slug: str) -> None:
    assert (await victim.admin.refused("POST", f"/servers/{slug}/denials", json={}))[0] == 403


async def test_what_is_not_denied_cannot_be_lifted_and_both_are_recorded(victim: House) -> None:
    assert await victim.admin.refused("POST", "/servers/ledger/denials/lift", json={}) == (404, "not_found")
    assert await victim.admin.refused("POST", "/servers/nobody/denials", json={}) == (404, "not_found")
    await denied(victim, name="list_invoices", reason="Leaks")
    (shown,) = (await victim.admin.ok("GET", "/servers/ledger"))["denied"]
    assert (shown["kind"], shown["name"], shown["reason"]) == ("tool", "list_invoices", "Leaks")
    await lifted(victim, name="list_invoices")
    found = await victim.admin.ok("GET", "/audit", params={"kind": "administered", "limit": 2})
    assert [item["person"]["action"] for item in found["items"]] == ["emergency.lift", "emergency.deny"]
    assert "Leaks" in found["items"][1]["person"]["summary"]
    assert (await victim.admin.ok("GET", "/servers/ledger"))["resource"] == RESOURCE


async def test_a_suspension_is_not_kept_waiting_by_whatever_else_changes_the_agent(victim: House) -> None:
    await victim.admin.ok("POST", "/roles", json={"slug": "other", "scopes": {"ledger": ["ledger:read"]}})
    for _ in range(5):
        others = [
            victim.admin.http.post("/agents/bot/credentials/rotate", json={"retires_in": 60}),
            victim.admin.http.put("/roles/other/assignments/bot"),
            victim.admin.http.patch("/agents/bot", json={"purpose": "busy"}, headers={"if-match": "*"}),
            victim.admin.http.delete("/roles/other/assignments/bot"),
        ]
        *_, suspended = await asyncio.gather(*others, victim.admin.http.post("/agents/bot/suspend"))
        assert suspended.status_code == 200, suspended.text
        assert (await victim.admin.ok("GET", "/agents/bot"))["state"] == "suspended"
        await victim.admin.ok("POST", "/agents/bot/resume")
