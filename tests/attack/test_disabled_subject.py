"""disabled_subject: whoever is suspended, deleted or made smaller at Accredit is so at the tool, token or no token."""

from typing import Any

import pytest

from tests.support.guarded import call
from tests.support.house import OTHER, RESOURCE, House


async def heard(victim: House, method: str, where: str, **more: Any) -> None:
    """Let an administrator do something, and let the guard hear of it as it always would."""
    await victim.admin.ok(method, where, **more)
    await victim.site.catch_up()


async def test_a_suspended_agent_is_out_with_every_token_and_gets_no_new_one(victim: House) -> None:
    before = await victim.token()
    assert (await victim.reach(before)).status == 200
    victim.site.inner.calls.clear()
    await heard(victim, "POST", "/agents/bot/suspend")
    await victim.stopped(before)
    refused = await victim.ask()
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    await heard(victim, "POST", "/agents/bot/resume")
    assert (await victim.reach(await victim.token())).status == 200


@pytest.mark.parametrize("method", ["tools/list", "prompts/list", "resources/list", "server/discover"])
async def test_a_suspended_agent_may_not_even_look(victim: House, method: str) -> None:
    token = await victim.token()
    assert (await victim.site.send(call(method=method), token=token)).status == 200
    victim.site.inner.calls.clear()
    await heard(victim, "POST", "/agents/bot/suspend")
    assert (await victim.site.send(call(method=method), token=token)).status == 401
    assert victim.site.inner.calls == []


async def test_a_suspended_server_lets_nobody_in_and_another_one_is_not_touched(victim: House) -> None:
    token = await victim.token()
    await heard(victim, "POST", "/servers/ledger/suspend")
    await victim.stopped(token)
    refused = await victim.ask()
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_target")
    assert (await victim.ask(resource=OTHER)).status_code == 200
    await heard(victim, "POST", "/servers/ledger/resume")
    assert (await victim.reach(await victim.token())).status == 200


@pytest.mark.parametrize(
    ("method", "where", "body"),
    [
        ("DELETE", "/roles/reader/assignments/bot", None),
        ("PUT", "/roles/reader/scopes/ledger", {"scopes": []}),
    ],
    ids=["taken-away", "emptied"],
)
async def test_a_role_that_is_gone_gives_no_token_more_and_another_server_none_for_this_one(
    victim: House, method: str, where: str, body: Any
) -> None:
    await victim.token()
    await heard(victim, method, where, json=body)
    refused = await victim.ask()
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")
    if method == "PUT":
        other = (await victim.ask(resource=OTHER)).json()["access_token"]
        await victim.stopped(other)


async def test_a_suspended_agent_is_not_brought_back_by_a_new_role_or_a_new_secret(victim: House) -> None:
    token = await victim.token()
    await heard(victim, "POST", "/agents/bot/suspend")
    await heard(victim, "PUT", "/roles/reader/assignments/bot")
    made = await victim.admin.ok("POST", "/agents/bot/credentials", json={})
    form = {"grant_type": "client_credentials", "resource": RESOURCE, "scope": "ledger:read"}
    refused = await victim.post(form, (victim.client_id, made["secret"]))
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    await victim.stopped(token)


async def test_a_guard_that_starts_later_knows_who_is_suspended(victim: House) -> None:
    token = await victim.token()
    await victim.admin.ok("POST", "/agents/bot/suspend")
    guard = victim.site.guard
    await guard._stop()
    await guard._start()
    await victim.stopped(token)


@pytest.mark.parametrize("how", ["revoked", "rotated"])
async def test_a_cut_credential_takes_its_tokens_along_and_no_token_of_the_other_one(victim: House, how: str) -> None:
    old = (await victim.admin.ok("GET", "/agents/bot"))["credentials"][0]["id"]
    stolen = await victim.token()
    if how == "revoked":
        made = await victim.admin.ok("POST", "/agents/bot/credentials")
        await heard(victim, "DELETE", f"/agents/bot/credentials/{old}")
    else:
        made = await victim.admin.ok("POST", "/agents/bot/credentials/rotate", json={"now": True})
        await victim.site.catch_up()
    await victim.stopped(stolen)
    assert (await victim.ask()).status_code == 401
    form = {"grant_type": "client_credentials", "resource": RESOURCE, "scope": "ledger:read"}
    other = (await victim.post(form, (victim.client_id, made["secret"]))).json()["access_token"]
    assert (await victim.reach(other)).status == 200


async def test_the_second_credential_is_not_touched_by_the_end_of_the_first(victim: House) -> None:
    old = (await victim.admin.ok("GET", "/agents/bot"))["credentials"][0]["id"]
    made = await victim.admin.ok("POST", "/agents/bot/credentials")
    form = {"grant_type": "client_credentials", "resource": RESOURCE, "scope": "ledger:read"}
    before = (await victim.post(form, (victim.client_id, made["secret"]))).json()["access_token"]
    await heard(victim, "DELETE", f"/agents/bot/credentials/{old}")
    assert (await victim.reach(before)).status == 200


async def test_a_credential_at_its_deadline_gets_no_token_and_none_that_it_got_lives_longer(victim: House) -> None:
    await victim.admin.ok("POST", "/agents/bot/credentials/rotate", json={"retires_in": 60})
    token = await victim.token()
    assert (await victim.reach(token)).status == 200
    victim.site.inner.calls.clear()
    victim.admin.clock.advance(60 + 31)
    await victim.site.catch_up()
    await victim.stopped(token)
    assert (await victim.ask()).status_code == 401
