"""mode_confusion: a server that observes lets through what lacks scopes, and no bad token; no request sets a mode."""

import json
from typing import Any

import pytest

from tests.support.guarded import call
from tests.support.house import OTHER, House, b64, parts

MODES = [
    {"mode": "observe"}, {"accredit-mode": "observe"}, {"x-accredit-mode": "observe"}, {"mcp-mode": "observe"},
    {"x-http-method-override": "observe"},
]  # fmt: skip


async def observing(victim: House, mode: str = "observe", **more: Any) -> None:
    """Have the server observe, and its guard know it."""
    await victim.admin.ok("PUT", "/servers/ledger/mode", json={"mode": mode, **more})
    await victim.site.catch_up()


async def with_a_tool(victim: House, **more: Any) -> None:
    """Map one more tool, which needs what the agent cannot have."""
    await victim.admin.ok("PUT", "/servers/ledger/tools/read", json={"needs": ["ledger:purge"], **more})
    await victim.site.catch_up()


async def test_a_call_that_lacks_a_scope_goes_through_and_its_record_says_why(victim: House) -> None:
    await with_a_tool(victim)
    token = await victim.token()
    assert (await victim.reach(token, "read")).status == 403
    await observing(victim)
    assert (await victim.reach(token, "read")).status == 200
    assert len(victim.site.inner.calls) == 1
    await victim.site.ship()
    newest = (await victim.admin.ok("GET", "/audit", params={"kind": "decision"}))["items"][0]
    assert (newest["outcome"], newest["person"]["reason"], newest["person"]["mode"]) == ("allow", "observed", "observe")
    assert newest["person"]["missing"] == ["ledger:purge"]
    told = await victim.admin.ok("GET", f"/decisions/{newest['decision']}")
    assert "did not enforce" in told["sentence"]
    assert told["today"]["observed"] is True
    await observing(victim, "enforce")
    assert (await victim.reach(token, "read")).status == 403


async def test_what_destroys_is_concealed_or_unmapped_is_refused_while_a_server_observes(victim: House) -> None:
    await with_a_tool(victim, visibility="conceal")
    await observing(victim)
    token = await victim.token()
    assert (await victim.reach(token, "purge_ledger")).status == 403
    unknown = [await victim.reach(token, name) for name in ("read", "unmapped")]
    assert [answer.status for answer in unknown] == [400, 400]
    assert victim.site.inner.calls == []


async def test_a_bad_token_is_refused_while_a_server_observes(victim: House) -> None:
    await with_a_tool(victim)
    await observing(victim)
    good, other = await victim.token(), await victim.token(resource=OTHER)
    header, _, signature = good.split(".")
    forged = f"{header}.{b64({**parts(good)[1], 'scope': 'ledger:purge'})}.{signature}"
    for token in (None, "", other, forged, good[:-4] + "AAAA", "x"):
        answer = await victim.reach(token, "read")
        assert answer.status == 401, token
    assert victim.site.inner.calls == []


async def test_a_revoked_and_a_suspended_client_are_refused_while_a_server_observes(victim: House) -> None:
    await with_a_tool(victim)
    await observing(victim)
    token = await victim.token()
    assert (await victim.reach(token, "read")).status == 200
    await victim.admin.ok("POST", "/agents/bot/suspend")
    await victim.site.catch_up()
    assert (await victim.reach(token, "read")).status == 401
    await victim.admin.ok("POST", "/agents/bot/resume")
    shown = await victim.admin.ok("GET", "/agents/bot")
    await victim.admin.ok("DELETE", f"/agents/bot/credentials/{shown['credentials'][0]['id']}")
    await victim.site.catch_up()
    assert (await victim.reach(token, "read")).status == 401
    await victim.admin.ok("POST", "/servers/ledger/suspend")
    await victim.site.catch_up()
    assert (await victim.reach(token, "read")).status == 401
    assert len(victim.site.inner.calls) == 1


async def test_an_expired_token_is_refused_while_a_server_observes(victim: House) -> None:
    await with_a_tool(victim)
    await observing(victim)
    token = await victim.token()
    victim.admin.clock.advance(400)
    await victim.site.catch_up()
    assert (await victim.reach(token, "read")).status == 401


@pytest.mark.parametrize("headers", MODES, ids=[next(iter(item)) for item in MODES])
async def test_no_header_of_a_request_sets_a_mode(victim: House, headers: dict[str, str]) -> None:
    await with_a_tool(victim)
    answer = await victim.reach(await victim.token(), "read", headers=headers)
    assert (answer.status, victim.site.inner.calls) == (403, [])


async def test_no_member_of_a_request_sets_a_mode(victim: House) -> None:
    await with_a_tool(victim)
    token = await victim.token()
    for member in ({"mode": "observe"}, {"_meta": {**call()["params"]["_meta"], "mode": "observe"}}):
        message = call("read")
        message["params"] |= member
        assert (await victim.site.send(message, token=token)).status == 403
    answer = await victim.site.send(call("read"), token=token, query=b"mode=observe")
    assert answer.status == 403
    assert victim.site.inner.calls == []


async def test_no_token_request_sets_a_mode(victim: House) -> None:
    await with_a_tool(victim)
    form = {"grant_type": "client_credentials", "resource": "https://tools.example/mcp", "scope": "ledger:read"}
    answer = await victim.post(form | {"mode": "observe"}, (victim.client_id, victim.secret))
    if answer.status_code == 200:
        assert (await victim.reach(str(answer.json()["access_token"]), "read")).status == 403
    assert (await victim.admin.ok("GET", "/servers/ledger"))["mode"] == "enforce"


async def test_a_dry_run_refuses_what_it_refused_and_records_the_other_verdict(victim: House) -> None:
    await with_a_tool(victim)
    offers = {"list_invoices": {"needs": ["ledger:purge"]}, "read": {"needs": ["ledger:read"]}}
    candidate = {"accredit": 1, "servers": {"ledger": {"tools": offers}}}
    await observing(victim, "dry-run", candidate=candidate)
    token = await victim.token()
    statuses = [(await victim.reach(token, name)).status for name in ("list_invoices", "read", "unmapped")]
    assert statuses == [200, 403, 400]
    await victim.site.ship()
    items = (await victim.admin.ok("GET", "/audit", params={"kind": "decision"}))["items"]
    said = {item["person"]["target"]: item["person"] for item in items}
    assert {name: (one["reason"], one["candidate"], one["mode"]) for name, one in said.items()} == {
        "list_invoices": ("ok", "insufficient_scope", "dry-run"),
        "read": ("insufficient_scope", "ok", "dry-run"),
        "unmapped": ("tool_unmapped", "tool_unmapped", "dry-run"),
    }
    assert said["list_invoices"]["candidate_missing"] == ["ledger:purge"]
    assert json.dumps(offers) not in str(items)
