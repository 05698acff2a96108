"""revocation_abuse: nobody ends the tokens of another, and what was ended is dead at every door at once."""

import asyncio
from typing import Any

import httpx2
import pytest

from accredit.service.revocation import REVOCATIONS_PER_MINUTE
from accredit.service.throttle import FAILURES_PER_MINUTE
from accredit_sdk import assertion
from tests.support.house import House
from tests.support.management import OFFICES


async def revoke(victim: House, client: dict[str, Any], token: str, **more: str) -> httpx2.Response:
    form = {"token": token, **more}
    return await victim.public.post("/revoke", data=form, auth=(client["client_id"], client["secret"]))


async def another(victim: House, slug: str = "mallory") -> dict[str, Any]:
    return await victim.admin.ok("POST", "/agents", json={"slug": slug, "owner": "m", "roles": []})


async def test_a_token_that_its_client_gave_back_is_dead_at_the_tool_and_no_other_is(victim: House) -> None:
    bot = {"client_id": victim.client_id, "secret": victim.secret}
    token, other = await victim.token(), await victim.token()
    answer = await revoke(victim, bot, token)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    await victim.site.catch_up()
    assert (await victim.reach(token)).status == 401
    assert (await victim.reach(other)).status == 200
    (event,) = (await victim.admin.ok("GET", "/audit", params={"kind": "token_revoked"}))["items"]
    assert event["person"]["client_id"] == victim.client_id
    assert (await revoke(victim, bot, token)).status_code == 200


async def test_another_client_revokes_nothing_whatever_hint_it_gives(victim: House) -> None:
    token, mallory = await victim.token(), await another(victim)
    for hint in ({}, {"token_type_hint": "refresh_token"}, {"token_type_hint": "access_token"}):
        answer = await revoke(victim, mallory, token, **hint)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    await victim.site.catch_up()
    assert (await victim.reach(token)).status == 200
    (event, *_) = (await victim.admin.ok("GET", "/audit", params={"kind": "revocation_refused"}))["items"]
    assert event["person"]["client_id"] == mallory["client_id"]


async def test_what_is_no_token_of_ours_is_answered_alike_for_everybody(victim: House) -> None:
    mallory = await another(victim)
    token = await victim.token()
    head, body, _ = token.split(".")
    answers = [await revoke(victim, mallory, text) for text in ("x", "a.b.c", f"{head}.{body}.AAAA", "rt_1.2.3", ".")]
    victim.admin.clock.advance(600)
    answers.append(await revoke(victim, mallory, token))
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, b"{}")}


async def test_who_does_not_prove_who_it_is_ends_nothing_and_is_throttled(victim: House) -> None:
    token = await victim.token()
    wrong = {"client_id": victim.client_id, "secret": victim.secret[:-3] + "abc"}
    answers = [await revoke(victim, wrong, token) for _ in range(12)]
    assert answers[0].status_code == 401
    assert answers[0].headers["www-authenticate"].startswith("Basic")
    assert answers[-1].status_code == 429
    await victim.site.catch_up()
    assert (await victim.reach(token)).status == 200
    bare = await victim.public.post("/revoke", data={"token": token})
    assert bare.status_code == 401


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("application/json", b'{"token":"x"}'),
        ("application/x-www-form-urlencoded", b"token=x&token=x"),
        ("application/x-www-form-urlencoded", b"token=%zz"),
        ("application/x-www-form-urlencoded", b"token"),
        ("application/x-www-form-urlencoded", b"token=" + b"x" * 70_000),
    ],
    ids=["json", "twice", "escape", "no-value", "huge"],
)
async def test_a_sloppy_request_is_refused(victim: House, kind: str, content: bytes) -> None:
    auth = (victim.client_id, victim.secret)
    answer = await victim.public.post("/revoke", content=content, headers={"content-type": kind}, auth=auth)
    assert answer.status_code in (400, 413)
    assert (await victim.public.get("/revoke")).status_code == 405
    assert (await victim.public.post("/revoke?token=x", data={"token": "x"}, auth=auth)).status_code == 400


async def test_a_token_for_the_management_api_is_dead_there_once_it_was_given_back(victim: House) -> None:
    made = await another(victim)
    await victim.admin.ok("PUT", "/administrators/mallory", json=OFFICES["root"])
    resource = "http://127.0.0.1:8700/api"
    form = {"grant_type": "client_credentials", "resource": resource}
    auth = (made["client_id"], made["secret"])
    token = (await victim.public.post("/token", data=form, auth=auth)).json()["access_token"]
    bearer = {"authorization": f"Bearer {token}"}
    assert (await victim.public.get("/api/v1/servers", headers=bearer)).status_code == 200
    assert (await revoke(victim, made, token)).status_code == 200
    assert (await victim.public.get("/api/v1/servers", headers=bearer)).status_code == 401


async def test_a_guard_hears_no_more_with_a_token_that_it_gave_back(victim: House) -> None:
    token = await victim.guard_token()
    bearer = {"authorization": f"Bearer {token}"}
    assert (await victim.public.get("/guard/v1/snapshot", headers=bearer)).status_code == 200
    form = {"token": token, "client_assertion_type": assertion.PARAMETER, "client_assertion": victim.assertion()}
    assert (await victim.public.post("/revoke", data=form)).status_code == 200
    assert (await victim.public.get("/guard/v1/snapshot", headers=bearer)).status_code == 401
    assert (await victim.public.post("/revoke", data=form)).status_code == 401, "an assertion is good for one use"


async def test_all_tokens_of_an_agent_end_at_once_and_it_gets_new_ones(victim: House) -> None:
    old = [await victim.token() for _ in range(3)]
    agent = (await victim.admin.ok("GET", "/agents", params={"limit": 1}))["items"][0]["slug"]
    await victim.admin.ok("POST", f"/agents/{agent}/revoke")
    fresh = await victim.token()
    await victim.site.catch_up()
    assert [(await victim.reach(token)).status for token in old] == [401] * 3
    assert (await victim.reach(fresh)).status == 200


async def test_a_token_that_is_given_back_many_times_at_once_is_dead_and_every_answer_says_so(victim: House) -> None:
    bot = {"client_id": victim.client_id, "secret": victim.secret}
    token = await victim.token()
    answers = await asyncio.gather(*(revoke(victim, bot, token) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    await victim.site.catch_up()
    assert (await victim.reach(token)).status == 401


async def test_who_guesses_at_two_endpoints_has_no_more_guesses(victim: House) -> None:
    wrong = (victim.client_id, victim.secret[:-3] + "abc")
    form = {"grant_type": "client_credentials", "resource": "https://tools.example/mcp", "token": "x"}
    for number in range(FAILURES_PER_MINUTE):
        where = ("/token", "/revoke")[number % 2]
        assert (await victim.public.post(where, data=form, auth=wrong)).status_code == 401
    assert [
        (await victim.public.post(where, data=form, auth=wrong)).status_code for where in ("/token", "/revoke")
    ] == [
        429,
        429,
    ]


async def test_a_token_that_is_dead_already_tells_the_guards_nothing_again(victim: House) -> None:
    bot = {"client_id": victim.client_id, "secret": victim.secret}
    token = await victim.token()
    assert (await revoke(victim, bot, token)).status_code == 200
    before = victim.admin.node.directory.cursor
    for _ in range(5):
        assert (await revoke(victim, bot, token)).status_code == 200
    assert victim.admin.node.directory.cursor == before


async def test_a_client_floods_no_guard_with_the_tokens_that_it_gives_back(victim: House) -> None:
    bot, other = {"client_id": victim.client_id, "secret": victim.secret}, await another(victim)
    before = victim.admin.node.directory.cursor
    answers = [await revoke(victim, bot, await victim.token()) for _ in range(REVOCATIONS_PER_MINUTE + 5)]
    told = [answer.status_code for answer in answers]
    assert told == [200] * REVOCATIONS_PER_MINUTE + [429] * 5
    assert answers[-1].headers["retry-after"] == "60"
    assert victim.admin.node.directory.cursor == before + REVOCATIONS_PER_MINUTE
    assert (await revoke(victim, other, "x")).status_code == 200, "it is in nobody else's way"
