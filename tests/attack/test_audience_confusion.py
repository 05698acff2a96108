"""audience_confusion: a token is for one server, and only servers that the client may use are ever named in one."""

import json

import pytest

from accredit.identity.signing_key import KeyUse
from accredit_sdk import jws
from tests.support.house import ISSUER, OTHER, RESOURCE, House, parts

AUDIENCES = [
    OTHER,
    RESOURCE + "/",
    RESOURCE + "?",
    RESOURCE + "#",
    RESOURCE + "x",
    RESOURCE[:-1],
    "https://tools.example",
    "https://TOOLS.example/mcp",
    "https://tools.example:443/mcp",
    "https://tools.example/%6Dcp",
    "*",
    "",
    None,
    [],
    [RESOURCE],
    [RESOURCE, OTHER],
    [OTHER, RESOURCE],
    {"aud": RESOURCE},
    ISSUER,
]


async def test_only_the_own_resource_as_one_string_is_an_audience(victim: House) -> None:
    _, claims, _ = parts(await victim.token())
    key = victim.own_key(KeyUse.ACCESS)
    for audience in AUDIENCES:
        await victim.stopped(jws.sign(key, "at+jwt", json.dumps(claims | {"aud": audience}).encode()))
    without = {name: value for name, value in claims.items() if name != "aud"}
    await victim.stopped(jws.sign(key, "at+jwt", json.dumps(without).encode()), "missing_claim")


async def test_a_genuine_token_for_one_server_opens_no_other_with_the_same_scopes(victim: House) -> None:
    await victim.stopped(await victim.token(resource=OTHER), "audience")


@pytest.mark.parametrize(
    "resource",
    [
        "",
        "*",
        "ledger",
        RESOURCE + "/x",
        RESOURCE + "?x=1",
        RESOURCE + "#x",
        "https://tools.example/mcp/../other",
        "https://tools.example/mcp%2F..%2Fother",
        "https://tools.example@evil.example/mcp",
        "https://evil.example/mcp",
        "http://tools.example/mcp",
        "javascript:alert(1)",
        ISSUER + "/guard",
        ISSUER + "/api/v1",
        ISSUER,
        ISSUER + "/token",
        RESOURCE + " " + OTHER,
        "\u212attps://tools.example/mcp",
    ],
)
async def test_a_resource_that_the_client_cannot_ask_for_is_an_invalid_target(victim: House, resource: str) -> None:
    answer = await victim.ask(resource=resource)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_target")


async def test_two_resources_none_and_the_names_of_other_protocols_are_no_choice(victim: House) -> None:
    auth = (victim.client_id, victim.secret)
    for more in ({"resource": [RESOURCE, OTHER]}, {"resource": [RESOURCE, RESOURCE]}, {}, {"audience": RESOURCE}):
        answer = await victim.post({"grant_type": "client_credentials", "scope": "ledger:read"} | more, auth)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_target")
    form = {"grant_type": "client_credentials", "resource": RESOURCE, "audience": OTHER, "aud": OTHER}
    answer = await victim.post(form, auth)
    assert parts(answer.json()["access_token"])[1]["aud"] == RESOURCE


async def test_another_spelling_of_a_resource_gets_the_one_spelling_as_audience(victim: House) -> None:
    for spelling in ("HTTPS://Tools.Example:443/mcp", "https://tools.example/%6dcp"):
        assert (await victim.reach(await victim.token(resource=spelling))).status == 200


async def test_without_a_role_on_a_server_there_is_no_token_for_it_whatever_scope_is_asked(victim: House) -> None:
    await victim.admin.ledger("third", "https://third.example/mcp")
    for scope in ("ledger:read", "ledger", "", "guard", "policy"):
        answer = await victim.ask(scope, "https://third.example/mcp")
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


@pytest.mark.parametrize("resource", [RESOURCE, OTHER, ISSUER, ISSUER + "/api/v1"])
async def test_a_guard_gets_tokens_for_the_guard_api_alone(victim: House, resource: str) -> None:
    answer = await victim.assert_with(victim.assertion(), resource=resource)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_target")


@pytest.mark.parametrize(
    "audience",
    [None, "", ISSUER + "/", ISSUER + "/token", ISSUER + "/guard", [ISSUER], [ISSUER, "https://evil.example"],
     "https://evil.example", "*", RESOURCE],
)  # fmt: skip
async def test_an_assertion_is_for_the_issuer_as_one_string(victim: House, audience: object) -> None:
    answer = await victim.assert_with(victim.assertion(aud=audience))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
