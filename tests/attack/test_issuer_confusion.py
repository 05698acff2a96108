"""issuer_confusion: the issuer is compared byte by byte, and a missing one is no issuer."""

import json

import pytest

from accredit.identity.signing_key import KeyUse
from accredit_sdk import jws, keys
from tests.support.house import ISSUER, House, parts

ISSUERS = [
    ISSUER + "/",
    ISSUER + "//",
    ISSUER + "/guard",
    ISSUER.upper(),
    ISSUER.replace("http:", "https:"),
    "http://127.0.0.1",
    "http://localhost:8700",
    "http://127.0.0.1:8700@evil.example",
    "http://127.0.0.1:87000",
    "https://evil.example",
    ISSUER + "\0",
    " " + ISSUER,
    "",
    None,
    0,
    [ISSUER],
    {"iss": ISSUER},
]


async def test_a_token_of_any_other_issuer_is_refused_even_with_our_key(victim: House) -> None:
    _, claims, _ = parts(await victim.token())
    key = victim.own_key(KeyUse.ACCESS)
    for issuer in ISSUERS:
        await victim.stopped(jws.sign(key, "at+jwt", json.dumps(claims | {"iss": issuer}).encode()))
    without = {name: value for name, value in claims.items() if name != "iss"}
    await victim.stopped(jws.sign(key, "at+jwt", json.dumps(without).encode()), "missing_claim")


@pytest.mark.parametrize("issuer", ISSUERS)
async def test_an_assertion_is_issued_by_the_client_itself(victim: House, issuer: object) -> None:
    answer = await victim.assert_with(victim.assertion(iss=issuer))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_a_server_that_calls_itself_like_ours_has_other_keys(victim: House) -> None:
    _, claims, _ = parts(await victim.token())
    stranger = keys.generate(jws.Algorithm.ES256)
    await victim.stopped(jws.sign(stranger, "at+jwt", json.dumps(claims).encode()), "unknown_key")


async def test_iss_named_twice_is_refused_or_read_once_as_ours(victim: House) -> None:
    _, claims, _ = parts(await victim.token())
    text = json.dumps(claims)
    for twice in (
        text.replace('{"iss"', f'{{"iss":"{ISSUER}","iss"').replace(f': "{ISSUER}"', ': "https://evil.example"'),
        text[:-1] + ',"iss":"https://evil.example"}',
    ):
        await victim.stopped(jws.sign(victim.own_key(KeyUse.ACCESS), "at+jwt", twice.encode()))


async def test_no_header_moves_the_issuer(victim: House) -> None:
    lies = {"host": "evil.example", "x-forwarded-host": "evil.example", "x-forwarded-proto": "https",
            "forwarded": "host=evil.example;proto=https", "x-forwarded-prefix": "/evil"}  # fmt: skip
    form = {"grant_type": "client_credentials", "resource": "https://tools.example/mcp"}
    answer = await victim.post(form, (victim.client_id, victim.secret), headers=lies)
    assert parts(answer.json()["access_token"])[1]["iss"] == ISSUER
    document = await victim.public.get("/.well-known/oauth-authorization-server", headers=lies)
    assert document.json()["issuer"] == ISSUER
    assert "evil" not in document.text
