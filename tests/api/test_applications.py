"""Applications over the management API: registered up-front, edited as they were read, and gone for good."""

import asyncio
from typing import Any

import pytest

from tests.support.admin import Admin, tokens
from tests.support.house import House, parts

PORTAL: dict[str, Any] = {
    "slug": "portal", "owner": "dana", "purpose": "Shows invoices", "redirect_uris": ["https://portal.example/cb"],
    "roles": ["reader"],
}  # fmt: skip
PUBLIC: dict[str, Any] = {"slug": "phone", "owner": "dana", "type": "public", "redirect_uris": ["com.example.app:/cb"]}
KEY = {
    "kty": "EC", "crv": "P-256", "x": "WKn-ZIGevcwGIyyrzFoZNBdaq9_TsqzGl96oc0CWuis",
    "y": "y77t-RvAHRKTsSGdIYUfweuOvwrvDD-Q3Hv5J0fSKbE",
}  # fmt: skip


async def furnished(admin: Admin) -> None:
    await admin.ledger()
    for name, word in (("reader", "ledger:read"), ("purger", "ledger:purge")):
        await admin.ok("POST", "/roles", json={"slug": name, "scopes": {"ledger": [word]}})


async def registered(admin: Admin, **more: Any) -> Any:
    await furnished(admin)
    return await admin.ok("POST", "/applications", json=PORTAL | more)


async def test_a_confidential_application_gets_its_roles_and_a_secret_that_works(admin: Admin) -> None:
    made = await registered(admin, roles={"reader": {"ends_in": 3600}})
    assert made["client_id"].startswith("app_")
    assert made["type"] == "confidential"
    answer = await tokens(admin)(made["client_id"], made["secret"])
    claims = parts(answer.json()["access_token"])[1]
    assert (claims["sub"], claims["client_id"], claims["sub_profile"]) == (made["id"], made["id"], "application")
    assert claims["scope"] == "ledger:read"
    assert "act" not in claims
    shown = await admin.ok("GET", "/applications/portal")
    assert shown == {key: value for key, value in made.items() if key != "secret"}
    listed = (await admin.ok("GET", "/applications"))["items"]
    assert listed == [{key: value for key, value in shown.items() if key not in ("credentials", "roles")}]
    admin.clock.advance(3601)
    assert (await tokens(admin)(made["client_id"], made["secret"])).json()["error"] == "invalid_scope"


async def test_a_public_application_has_no_secret_and_can_be_given_none(admin: Admin) -> None:
    made = await admin.ok("POST", "/applications", json=PUBLIC)
    assert (made["secret"], made["credentials"]) == (None, [])
    for body in ({}, {"jwk": KEY}):
        assert await admin.refused("POST", "/applications/phone/credentials", json=body) == (409, "conflict")
    refused = await tokens(admin)(made["client_id"], "")
    assert refused.json()["error"] in ("invalid_client", "invalid_request")
    gone = await admin.refused("PATCH", "/applications/phone", json={"redirect_uris": []})
    assert gone == (422, "invalid")


async def test_two_credentials_work_side_by_side_and_a_third_is_refused(admin: Admin) -> None:
    first = await registered(admin)
    second = await admin.ok("POST", "/applications/portal/credentials")
    assert await admin.refused("POST", "/applications/portal/credentials", json={"jwk": KEY}) == (409, "conflict")
    where = f"/applications/portal/credentials/{first['credentials'][0]['id']}"
    assert (await admin.ok("POST", f"{where}/retire", json={"retires_in": 60}))["state"] == "retiring"
    ask = tokens(admin)
    for secret in (first["secret"], second["secret"]):
        assert (await ask(first["client_id"], secret)).status_code == 200
    await admin.ok("DELETE", where)
    assert (await ask(first["client_id"], first["secret"])).status_code == 401
    assert (await ask(first["client_id"], second["secret"])).status_code == 200
    assert (await admin.ok("POST", "/applications/portal/credentials", json={"jwk": KEY}))["secret"] is None
    everything = [(await admin.http.get(one)).text for one in ("/applications/portal", "/applications", "/audit")]
    assert not any(made["secret"].split("_", 2)[2] in text for made in (first, second) for text in everything)


@pytest.mark.parametrize(
    "body",
    [
        {"slug": "portal"},
        {"slug": "portal", "owner": ""},
        {"slug": "Portal", "owner": "dana"},
        {"slug": "portal", "owner": "dana", "type": "native"},
        {"slug": "portal", "owner": "dana", "type": "public"},
        {"slug": "portal", "owner": "dana", "sponsor": "kim"},
        {"slug": "portal", "owner": "dana", "secret": "mine"},
        {"slug": "portal", "owner": "dana", "state": "active"},
        {"slug": "portal", "owner": "dana", "expires_at": "2001-01-01T00:00:00Z"},
        {"slug": "portal", "owner": "dana", "redirect_uris": "https://portal.example/cb"},
        {"slug": "portal", "owner": "dana", "redirect_uris": [f"https://portal.example/{n}" for n in range(21)]},
        {"slug": "portal", "owner": "dana", "redirect_uris": ["https://portal.example/" + "x" * 500]},
        {"slug": "portal", "owner": "dana", "redirect_uris": ["https://portal.example/cb", "http://portal.example/cb"]},
        [],
    ],
    ids=range(14),
)
async def test_an_application_that_is_not_sound_is_refused(admin: Admin, body: object) -> None:
    assert await admin.refused("POST", "/applications", json=body) == (422, "invalid")
    assert (await admin.ok("GET", "/applications"))["items"] == []


async def test_a_bad_redirect_uri_is_named_by_its_place_and_not_repeated(admin: Admin) -> None:
    body = PUBLIC | {"redirect_uris": ["https://portal.example/cb", "https://me:pw@portal.example/cb"]}
    answer = await admin.http.post("/applications", json=body)
    assert answer.status_code == 422
    assert "redirect_uris.1:" in answer.json()["detail"]
    assert "me:pw" not in answer.text


@pytest.mark.parametrize(
    ("body", "different"),
    [
        ({"owner": "kim", "purpose": "", "name": "Portal"}, {"owner": "kim", "purpose": "", "name": "Portal"}),
        ({"redirect_uris": ["http://127.0.0.1/cb", "https://b.example/"]},
         {"redirect_uris": ["http://127.0.0.1/cb", "https://b.example/"]}),
        ({"redirect_uris": []}, {"redirect_uris": []}),
        ({"expires_at": "2999-01-01T00:00:00Z"}, {"expires_at": "2999-01-01T00:00:00.000000Z"}),
        ({}, {}),
    ],
    ids=["said", "redirects", "no-redirect", "expiry", "nothing"],
)  # fmt: skip
async def test_what_is_said_of_an_application_changes_and_everything_else_stays(
    admin: Admin, body: dict[str, Any], different: dict[str, Any]
) -> None:
    await registered(admin)
    before = await admin.ok("GET", "/applications/portal")
    assert await admin.ok("PATCH", "/applications/portal", json=body) == before | different
    assert await admin.ok("GET", "/applications/portal") == before | different


@pytest.mark.parametrize(
    "body", [{"type": "public"}, {"slug": "x"}, {"owner": ""}, {"redirect_uris": ["javascript:alert(1)"]}], ids=range(4)
)
async def test_an_edit_of_an_application_that_cannot_be_meant_changes_nothing(admin: Admin, body: object) -> None:
    await registered(admin)
    before = await admin.ok("GET", "/applications/portal")
    assert await admin.refused("PATCH", "/applications/portal", json=body) == (422, "invalid")
    assert await admin.ok("GET", "/applications/portal") == before


async def test_a_change_of_an_application_names_the_state_that_it_was_decided_on(admin: Admin) -> None:
    await registered(admin)
    seen = {"If-Match": (await admin.http.get("/applications/portal")).headers["etag"]}
    for method, more in (("PATCH", {"json": {"owner": "kim"}}), ("DELETE", {})):
        assert await admin.refused(method, "/applications/portal", headers={}, **more) == (428, "precondition_required")
    answers = await asyncio.gather(
        *(admin.http.patch("/applications/portal", json={"owner": f"o{n}"}, headers=seen) for n in range(10))
    )
    assert [answer.status_code for answer in answers if answer.is_success] == [200]
    assert await admin.refused("DELETE", "/applications/portal", headers=seen) == (412, "stale")


async def test_a_removed_application_is_gone_and_its_name_is_free_and_the_agent_of_that_name_stays(
    admin: Admin,
) -> None:
    made = await registered(admin)
    agent = await admin.ok("POST", "/agents", json={"slug": "portal", "owner": "dana", "roles": ["reader"]})
    assert await admin.refused("POST", "/applications", json=PORTAL) == (409, "conflict")
    await admin.ok("DELETE", "/applications/portal")
    assert await admin.refused("GET", "/applications/portal") == (404, "not_found")
    ask = tokens(admin)
    assert (await ask(made["client_id"], made["secret"])).status_code == 401
    assert (await ask(agent["client_id"], agent["secret"])).status_code == 200
    assert (await admin.ok("POST", "/applications", json=PORTAL))["id"] != made["id"]


async def test_applications_come_in_pages_and_are_counted(admin: Admin) -> None:
    for name in ("c", "a", "b"):
        await admin.ok("POST", "/applications", json={"slug": name, "owner": "dana"})
    first = await admin.ok("GET", "/applications", params={"limit": 2})
    assert [item["slug"] for item in first["items"]] == ["a", "b"]
    second = await admin.ok("GET", "/applications", params={"limit": 2, "cursor": first["next"]})
    assert ([item["slug"] for item in second["items"]], second["next"]) == (["c"], None)
    assert (await admin.ok("GET", "/status"))["counts"]["applications"] == 3


# ------------------------------------------------------------------ at the tool
async def application_of(victim: House) -> Any:
    made = await victim.admin.ok("POST", "/applications", json={"slug": "portal", "owner": "dana", "roles": ["reader"]})
    return made["client_id"], made["secret"]


@pytest.mark.parametrize(
    ("method", "where", "answer"),
    [
        ("POST", "/applications/portal/suspend", (400, "invalid_grant")),
        ("DELETE", "/applications/portal", (401, "invalid_client")),
    ],
    ids=["suspended", "removed"],
)
async def test_an_application_that_ends_is_out_at_the_tool_and_nobody_else_is(
    victim: House, method: str, where: str, answer: tuple[int, str]
) -> None:
    agents = await victim.token()
    theirs, (victim.client_id, victim.secret) = (victim.client_id, victim.secret), await application_of(victim)
    token = await victim.token()
    assert (await victim.reach(token)).status == 200
    victim.site.inner.calls.clear()
    await victim.admin.ok(method, where)
    await victim.site.catch_up()
    await victim.stopped(token)
    refused = await victim.ask()
    assert (refused.status_code, refused.json()["error"]) == answer
    victim.client_id, victim.secret = theirs
    assert (await victim.reach(agents)).status == 200


async def test_explain_names_the_owner_of_the_application(victim: House) -> None:
    victim.client_id, victim.secret = await application_of(victim)
    refused = await victim.reach(await victim.token(), "purge_ledger")
    await victim.site.ship()
    found = await victim.admin.ok("GET", f"/decisions/{refused.json()['error']['data']['decision_id']}")
    assert any("owner dana" in link["note"] and link["name"] == "portal" for link in found["chain"])
