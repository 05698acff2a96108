"""stolen_signing_key: what an attacker signs with a key of ours is dead everywhere once the key is withdrawn."""

import base64
import json
from typing import Any

from accredit.identity.signing_key import KeyUse
from accredit_sdk import jws
from tests.support.house import House


def forged(victim: House, key: jws.SigningKey, token: str, **changes: Any) -> str:
    """Return a token like `token`, with changes, signed with the stolen key."""
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return jws.sign(key, "at+jwt", json.dumps(claims | changes).encode())


async def withdraw(victim: House, key: jws.SigningKey) -> None:
    await victim.admin.ok("POST", f"/keys/{key.kid}/withdraw")
    await victim.site.catch_up()


async def test_a_forged_token_dies_at_the_tool_and_an_honest_client_goes_on(victim: House) -> None:
    stolen, honest = victim.own_key(KeyUse.ACCESS), await victim.token()
    evil = forged(victim, stolen, honest, scope="ledger:read ledger:purge", jti="tok_evil")
    assert (await victim.reach(evil)).status == 200, "the attack must work before the key is withdrawn"
    victim.site.inner.calls.clear()
    await withdraw(victim, stolen)
    await victim.stopped(evil)
    await victim.stopped(honest)
    assert (await victim.reach(await victim.token())).status == 200


async def test_a_key_that_was_rotated_away_can_still_be_withdrawn(victim: House) -> None:
    stolen, honest = victim.own_key(KeyUse.ACCESS), await victim.token()
    await victim.admin.ok("POST", "/keys/access/rotate")
    await victim.site.catch_up()
    assert (await victim.reach(forged(victim, stolen, honest, jti="tok_evil"))).status == 200
    victim.site.inner.calls.clear()
    await withdraw(victim, stolen)
    await victim.stopped(forged(victim, stolen, honest, jti="tok_late"))


async def test_a_withdrawn_key_opens_no_door_of_the_management_api(victim: House) -> None:
    stolen = victim.own_key(KeyUse.ACCESS)
    await victim.admin.ok("PUT", "/administrators/bot", json={"administrator": True})
    mine = await victim.token("admin audit server", "http://127.0.0.1:8700/api")
    evil = {"authorization": "Bearer " + forged(victim, stolen, mine, jti="tok_evil")}
    assert (await victim.public.get("/api/v1/keys", headers=evil)).status_code == 200
    await withdraw(victim, stolen)
    assert (await victim.public.get("/api/v1/keys", headers=evil)).status_code == 401


async def test_keys_are_rotated_under_traffic_and_no_good_token_is_refused(victim: House) -> None:
    tokens, refused, served = [], 0, 0
    for _ in range(6):
        tokens += [await victim.token() for _ in range(5)]
        for use in ("access", "signal"):
            await victim.admin.ok("POST", f"/keys/{use}/rotate")
            tokens.append(await victim.token())
            for token in tokens:
                answer = await victim.reach(token)
                refused, served = refused + (answer.status != 200), served + (answer.status == 200)
        await victim.site.catch_up()
    assert (refused, served) == (0, served)
    assert served > 200
