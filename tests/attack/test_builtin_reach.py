"""builtin_reach: no role, no scope, no other token and no other client opens the management API or the guard API."""

import json
from typing import Any

import httpx2
import pytest

from accredit.identity.signing_key import KeyUse
from accredit_sdk import jws
from tests.support.house import ISSUER, RESOURCE, House, parts
from tests.support.management import MANAGEMENT

GUARD_API = ISSUER + "/guard"


async def at_the_door(victim: House, token: str, method: str = "GET", where: str = "/servers") -> httpx2.Response:
    return await victim.public.request(
        method, f"/api/v1{where}", headers={"authorization": f"Bearer {token}"}, follow_redirects=False
    )


@pytest.mark.parametrize("resource", [MANAGEMENT, GUARD_API, MANAGEMENT + "/", "HTTP://127.0.0.1:8700/api"])
async def test_an_agent_whom_nobody_named_gets_no_token_for_a_built_in_server(victim: House, resource: str) -> None:
    for scope in ("", "admin", "audit", "server", "policy", "ledger:read"):
        answer = await victim.ask(scope, resource)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_target")


async def test_a_guard_gets_no_token_for_the_management_api(victim: House) -> None:
    answer = await victim.assert_with(victim.assertion(), resource=MANAGEMENT)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_target")


async def test_the_token_of_another_audience_is_refused_at_the_door(victim: House) -> None:
    await victim.admin.ok("PUT", "/administrators/bot", json={"administrator": True})
    good = (await victim.ask("admin", MANAGEMENT)).json()["access_token"]
    assert (await at_the_door(victim, good)).status_code == 200
    for token in (await victim.token(), await victim.guard_token()):
        answer = await at_the_door(victim, token)
        assert (answer.status_code, 'error="invalid_token"' in answer.headers["www-authenticate"]) == (401, True)
    as_guard = await victim.public.get("/guard/v1/snapshot", headers={"authorization": f"Bearer {good}"})
    assert as_guard.status_code == 401
    await victim.stopped(good)


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": GUARD_API},
        {"aud": [MANAGEMENT]},
        {"aud": MANAGEMENT + "/"},
        {"aud": MANAGEMENT + "/v1"},
        {"aud": ISSUER},
        {"iss": ISSUER + "/"},
        {"client_id": "agt_" + "0" * 26},
        {"rev": []},
        {"scope": "everything"},
        {"exp": 1},
    ],
    ids=str,
)
async def test_not_even_a_token_that_accredit_signed_is_taken_for_another(victim: House, changes: Any) -> None:
    await victim.admin.ok("PUT", "/administrators/bot", json={"auditor": True})
    _, claims, _ = parts((await victim.ask("audit", MANAGEMENT)).json()["access_token"])
    assert (await at_the_door(victim, _signed(victim, claims))).status_code == 200
    assert (await at_the_door(victim, _signed(victim, claims | changes))).status_code == 401
    more_than_held = _signed(victim, claims | {"scope": "admin"})
    assert (await at_the_door(victim, more_than_held)).status_code == 401


def _signed(victim: House, claims: dict[str, Any]) -> str:
    return jws.sign(victim.own_key(KeyUse.ACCESS), "at+jwt", json.dumps(claims).encode())


async def test_no_ordinary_role_carries_a_scope_of_a_built_in_server(victim: House) -> None:
    for server, word in (("management", "admin"), ("management", "server"), ("guard", "policy")):
        body = {"slug": "sly", "scopes": {server: [word]}}
        assert (await victim.admin.refused("POST", "/roles", json=body))[0] == 403
        where = f"/roles/reader/scopes/{server}"
        assert (await victim.admin.refused("PUT", where, json={"scopes": [word]}))[0] == 403
        assert (await victim.admin.refused("PUT", f"/servers/{server}/scopes/more", json={}))[0] == 403


async def test_the_built_in_roles_are_reached_by_no_way_that_others_are(victim: House) -> None:
    await victim.admin.ok("PUT", "/administrators/bot", json={"servers": ["ledger"]})
    held = {role["slug"] for role in (await victim.admin.ok("GET", "/agents/bot"))["roles"]} - {"reader"}
    for name in ("accredit-administrator", "accredit-auditor", *held):
        assert (await victim.admin.refused("GET", f"/roles/{name}"))[0] == 404
        assert (await victim.admin.refused("PUT", f"/roles/{name}/assignments/bot"))[0] == 404
        assert (await victim.admin.refused("DELETE", f"/roles/{name}/assignments/bot"))[0] == 404
        assert (await victim.admin.refused("PUT", f"/roles/{name}/scopes/ledger", json={"scopes": []}))[0] == 404
        made = {"slug": "sly", "owner": "dana", "roles": [name]}
        assert (await victim.admin.refused("POST", "/agents", json=made))[0] == 404
        assert (await victim.admin.refused("POST", "/roles", json={"slug": name}))[0] == 422
    assert name not in str(await victim.admin.ok("GET", "/roles"))


@pytest.mark.parametrize(
    "resource",
    [
        MANAGEMENT, "HTTP://127.0.0.1:8700/api", GUARD_API, MANAGEMENT + "/", MANAGEMENT + "/v1", GUARD_API + "/v1/",
        "http://127.0.0.1:8700/%61pi/", "http://127.0.0.1:8700/gu%61rd",
    ],
)  # fmt: skip
async def test_nobody_registers_a_server_in_the_place_of_a_built_in_one(victim: House, resource: str) -> None:
    body = {"slug": "sly", "resource": resource, "scopes": [{"word": "admin"}]}
    assert await victim.admin.refused("POST", "/servers", json=body) == (409, "conflict")
    assert (await victim.admin.refused("POST", "/servers", json=body | {"slug": "management"}))[0] == 409
    document = {"accredit": 1, "servers": {"sly": {"resource": resource}}}
    assert await victim.admin.refused("POST", "/plan", json={"document": document}) == (422, "invalid")


async def test_a_token_in_the_address_opens_nothing(victim: House) -> None:
    await victim.admin.ok("PUT", "/administrators/bot", json={"auditor": True})
    token = (await victim.ask("audit", MANAGEMENT)).json()["access_token"]
    assert (await victim.public.get(f"/api/v1/servers?access_token={token}")).status_code == 401
    for header in ("", "Bearer", f"Basic {token}", f"bearer  {token}", f"Bearer {token}, Bearer {token}", token):
        answer = await victim.public.get("/api/v1/servers", headers={"authorization": header})
        assert answer.status_code == 401, header
    twice = [("authorization", f"Bearer {token}")] * 2
    assert (await victim.public.get("/api/v1/servers", headers=twice)).status_code == 401


async def test_a_stranger_is_refused_before_the_body_is_read(victim: House) -> None:
    answer = await victim.public.post("/api/v1/agents", content=b"x" * 10_000_000)
    assert answer.status_code == 401
    assert (await victim.ask(resource=RESOURCE)).status_code == 200
