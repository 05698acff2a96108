"""typ_confusion: what a JWT may be used for is decided by its `typ`, even when the right key has signed it."""

import json

import pytest

from accredit.identity.signing_key import KeyUse
from accredit_sdk import jws
from accredit_sdk.snapshot import CHANGES_TYPE, SNAPSHOT_TYPE
from tests.support.house import ISSUER, RESOURCE, House, parts

FOREIGN = ["JWT", "", "id_token+jwt", "logout+jwt", "oauth-id-jag+jwt", "dpop+jwt", "rt+jwt", "secevent+jwt",
           "client-authentication+jwt", "token-introspection+jwt", SNAPSHOT_TYPE, CHANGES_TYPE, "at", "at+jwt ",
           "at+jwt\0", "application/application/at+jwt", "text/at+jwt", "\u212at+jwt", "at+jwts"]  # fmt: skip


@pytest.mark.parametrize("typ", FOREIGN)
async def test_a_document_of_another_type_is_no_access_token_even_with_the_right_key_and_claims(
    victim: House, typ: str
) -> None:
    _, claims, _ = parts(await victim.token())
    key = victim.own_key(KeyUse.ACCESS)
    await victim.stopped(jws.sign(key, typ, json.dumps(claims).encode()), "type")
    assert (await victim.reach(jws.sign(key, "at+jwt", json.dumps(claims).encode()))).status == 200


@pytest.mark.parametrize("typ", ["at+jwt", "id_token+jwt", "oauth-id-jag+jwt", "dpop+jwt", "", SNAPSHOT_TYPE, "jwts"])
async def test_a_document_of_another_type_is_no_client_assertion(victim: House, typ: str) -> None:
    answer = await victim.assert_with(victim.assertion(typ=typ))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert (await victim.assert_with(victim.assertion(typ="client-authentication+jwt"))).status_code == 200


async def test_what_accredit_tells_guards_and_what_they_tell_it_opens_no_tool(victim: House) -> None:
    authorized = {"authorization": f"Bearer {await victim.guard_token()}"}
    snapshot = (await victim.public.get("/guard/v1/snapshot", headers=authorized)).text
    changes = (await victim.public.get("/guard/v1/changes?after=0", headers=authorized)).text
    assert parts(snapshot)[0]["typ"] == SNAPSHOT_TYPE
    for token in (snapshot, changes, victim.assertion()):
        await victim.stopped(token, "malformed" if len(token) > jws.LIMIT else "type")


async def test_no_access_token_is_a_client_assertion(victim: House) -> None:
    for token in (await victim.token(), await victim.guard_token()):
        assert (await victim.assert_with(token)).status_code == 401
        assert (await victim.assert_with(token, client_id=victim.guard.client_id)).status_code == 401


async def test_an_assertion_a_snapshot_or_the_token_of_an_agent_is_no_token_of_a_guard(victim: House) -> None:
    authorized = {"authorization": f"Bearer {await victim.guard_token()}"}
    snapshot = (await victim.public.get("/guard/v1/snapshot", headers=authorized)).text
    for token in (victim.assertion(), snapshot, await victim.token()):
        for method, path in (("GET", "snapshot"), ("GET", "changes?after=0"), ("POST", "records")):
            headers = {"authorization": f"Bearer {token}", "content-type": "application/x-ndjson"}
            answer = await victim.public.request(method, f"/guard/v1/{path}", headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


@pytest.mark.parametrize("use", [KeyUse.SIGNAL])
async def test_a_key_for_one_use_signs_nothing_for_another(victim: House, use: KeyUse) -> None:
    _, claims, _ = parts(await victim.token())
    await victim.stopped(jws.sign(victim.own_key(use), "at+jwt", json.dumps(claims).encode()), "unknown_key")
    published = (await victim.public.get("/jwks")).json()["keys"]
    assert victim.own_key(use).kid not in {key["kid"] for key in published}


async def test_an_access_key_signs_no_state_for_a_guard(victim: House) -> None:
    authorized = {"authorization": f"Bearer {await victim.guard_token()}"}
    token = (await victim.public.get("/guard/v1/snapshot", headers=authorized)).text
    payload = jws.parse(token).payload
    knowledge = victim.site.guard._gate.knowledge
    assert knowledge is not None
    from accredit_sdk.errors import InvalidToken
    from accredit_sdk.guard.knowledge import from_snapshot

    for forged in (
        jws.sign(victim.own_key(KeyUse.ACCESS), SNAPSHOT_TYPE, payload),
        jws.sign(victim.own_key(KeyUse.SIGNAL), CHANGES_TYPE, payload),
        jws.sign(victim.own_key(KeyUse.SIGNAL), "at+jwt", payload),
    ):
        with pytest.raises(InvalidToken):
            from_snapshot(forged.encode(), victim.guard, victim.admin.clock.now())
    assert from_snapshot(token.encode(), victim.guard, victim.admin.clock.now()).policy.resource == RESOURCE


async def test_the_own_token_of_a_guard_opens_no_tool(victim: House) -> None:
    token = await victim.guard_token()
    assert parts(token)[1]["aud"] == ISSUER + "/guard"
    await victim.stopped(token, "audience")
