"""RFC 7662: a guard asks what a token is worth, and hears of its own server alone."""

import json
from typing import Any

import httpx2
import pytest

from accredit.identity.server import GUARD_SCOPES, Scope
from accredit.service import deployment
from tests.support.admin import administration
from tests.support.house import ISSUER, RESOURCE, House
from tests.support.listening import listener

DEAD = {"active": False}


async def ask(deployed: House, token: str, bearer: str | None = None, **more: Any) -> httpx2.Response:
    guard = await deployed.guard_token() if bearer is None else bearer
    headers = {"authorization": f"Bearer {guard}"} if guard else {}
    return await deployed.public.post("/introspect", data={"token": token}, headers=headers, **more)


async def worth(deployed: House, token: str) -> Any:
    answer = await ask(deployed, token)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


@pytest.mark.requirement("RFC7662-2.2-active")
async def test_a_living_token_is_described(deployed: House) -> None:
    token = await deployed.token()
    found = await worth(deployed, token)
    assert (found["active"], found["token_type"], found["scope"]) == (True, "Bearer", "ledger:read")
    assert (found["client_id"], found["aud"], found["iss"]) == (deployed.client_id, RESOURCE, ISSUER)
    assert {"sub", "exp", "iat", "jti"} <= found.keys()
    assert not {"rev", "ver", "grant_id"} & found.keys()


@pytest.mark.requirement("RFC7662-2.1-authorized")
@pytest.mark.parametrize("bearer", ["", "nonsense"])
async def test_whoever_is_no_guard_learns_nothing(deployed: House, bearer: str) -> None:
    token = await deployed.token()
    answers = [await ask(deployed, text, bearer) for text in (token, "nonsense")]
    assert {answer.status_code for answer in answers} == {401}
    assert answers[0].content == answers[1].content
    assert answers[0].headers["www-authenticate"].startswith("Bearer")
    assert (await ask(deployed, token, token)).status_code == 401, "the token of an agent is no guard's"


@pytest.mark.requirement("RFC7662-2.1-post")
async def test_a_token_travels_in_a_form_alone(deployed: House) -> None:
    headers = {"authorization": f"Bearer {await deployed.guard_token()}"}
    token = await deployed.token()
    assert (await deployed.public.get("/introspect", params={"token": token}, headers=headers)).status_code == 405
    for more in (
        {"params": {"token": token}, "data": {"token": token}},
        {"json": {"token": token}},
        {"data": {}},
        {"content": f"token={token}&token={token}", "headers": headers | {"content-type": FORM}},
    ):
        answer = await deployed.public.post("/introspect", **({"headers": headers} | more))
        assert answer.status_code == 400, more


FORM = "application/x-www-form-urlencoded"


@pytest.mark.requirement("RFC7662-2.2-inactive")
async def test_of_what_is_no_living_token_for_this_server_nothing_is_said(deployed: House) -> None:
    token = await deployed.token()
    head, body, signature = token.split(".")
    other = await deployed.token(resource="https://tools.example/other")
    forged = (f"{head}.{body}.{signature[::-1]}", "nonsense", "a.b.c", await deployed.guard_token(), other)
    assert [await worth(deployed, text) for text in forged] == [DEAD] * len(forged)


@pytest.mark.requirement("RFC7662-2.2-inactive")
async def test_the_guard_of_another_server_learns_nothing_of_a_token_for_this_one(deployed: House) -> None:
    token = await deployed.token()
    async with listener(deployed.admin, "stranger", "other") as guard:
        form, bearer = {"token": token}, {"authorization": f"Bearer {await guard.token()}"}
        answer = await deployed.public.post("/introspect", data=form, headers=bearer)
    assert (answer.status_code, answer.json()) == (200, DEAD)


@pytest.mark.requirement("RFC7662-4-checks")
@pytest.mark.parametrize("end", ["suspended", "revoked", "given back", "server", "expired", "removed"])
async def test_what_ends_a_token_is_seen_by_the_very_next_question(deployed: House, end: str) -> None:
    token, admin = await deployed.token(), deployed.admin
    slug = (await admin.ok("GET", "/agents"))["items"][0]["slug"]
    assert (await worth(deployed, token))["active"]
    match end:
        case "suspended":
            await admin.ok("POST", f"/agents/{slug}/suspend")
        case "revoked":
            await admin.ok("POST", f"/agents/{slug}/revoke")
        case "given back":
            auth = (deployed.client_id, deployed.secret)
            assert (await deployed.public.post("/revoke", data={"token": token}, auth=auth)).status_code == 200
        case "server":
            await admin.ok("POST", "/servers/ledger/suspend")
        case "expired":
            admin.clock.advance(300)
        case "removed":
            await admin.ok("DELETE", f"/agents/{slug}")
    assert await worth(deployed, token) == DEAD


async def test_a_token_from_a_node_whose_clock_is_ahead_is_alive(deployed: House) -> None:
    token = await deployed.token()
    guard = await deployed.guard_token()
    deployed.admin.clock.advance(-5)
    assert (await ask(deployed, token, guard)).json()["active"]


@pytest.mark.requirement("RFC7662-4-checks")
async def test_what_a_token_lost_is_not_in_its_scope_any_more(deployed: House) -> None:
    more = {"scopes": ["ledger:purge", "ledger:read"]}
    await deployed.admin.ok("PUT", "/roles/reader/scopes/ledger", json=more)
    token = await deployed.token("ledger:read ledger:purge")
    assert (await worth(deployed, token))["scope"] == "ledger:purge ledger:read"
    await deployed.admin.ok("PUT", "/roles/reader/scopes/ledger", json={"scopes": ["ledger:purge"]})
    assert (await worth(deployed, token))["scope"] == "ledger:purge"


async def test_the_metadata_says_where_and_how(deployed: House) -> None:
    found = (await deployed.public.get("/.well-known/oauth-authorization-server")).json()
    assert found["introspection_endpoint"] == f"{ISSUER}/introspect"
    assert found["introspection_endpoint_auth_methods_supported"] == ["Bearer"]


async def test_a_deployment_from_before_learns_that_guards_may_ask(tmp_path: Any, monkeypatch: Any) -> None:
    before = GUARD_SCOPES - {"introspect"}
    with monkeypatch.context() as old:
        old.setattr(deployment, "_GUARD_SCOPES", tuple(Scope(word) for word in sorted(before)))
        old.setattr(deployment, "GUARD_SCOPES", before)
        async with administration(tmp_path / "data") as admin:
            assert admin.node.directory.server("guard").words() == before
    for _ in range(2):
        async with administration(tmp_path / "data") as admin:
            assert admin.node.directory.server("guard").words() == GUARD_SCOPES
            events = (await admin.ok("GET", "/audit", params={"kind": "administered", "limit": 200}))["items"]
            assert json.dumps(events).count("server.renew") == 1
