"""RFC 7009: clients give tokens back, and only their own."""

import httpx2
import pytest

from tests.support.house import House


async def given_back(deployed: House, token: str, secret: str | None = None, **more: str) -> httpx2.Response:
    auth = (deployed.client_id, secret or deployed.secret)
    return await deployed.public.post("/revoke", data={"token": token, **more}, auth=auth)


async def works(deployed: House, token: str) -> bool:
    await deployed.site.catch_up()
    return (await deployed.reach(token)).status == 200


@pytest.mark.requirement("RFC7009-2.1-authenticate")
async def test_without_its_credentials_nobody_revokes(deployed: House) -> None:
    token = await deployed.token()
    answer = await given_back(deployed, token, deployed.secret[:-3] + "abc")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert await works(deployed, token)


@pytest.mark.requirement("RFC7009-2.1-own")
async def test_the_token_of_another_client_lives_on(deployed: House) -> None:
    token = await deployed.token()
    made = await deployed.admin.ok("POST", "/agents", json={"slug": "other", "owner": "dana"})
    auth = (made["client_id"], made["secret"])
    answer = await deployed.public.post("/revoke", data={"token": token}, auth=auth)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert await works(deployed, token)


@pytest.mark.requirement("RFC7009-2.1-hint")
@pytest.mark.requirement("RFC7009-2.2-at-once")
@pytest.mark.parametrize("hint", [{}, {"token_type_hint": "access_token"}, {"token_type_hint": "refresh_token"}])
async def test_whatever_the_hint_the_token_is_dead(deployed: House, hint: dict[str, str]) -> None:
    token = await deployed.token()
    assert (await given_back(deployed, token, **hint)).status_code == 200
    assert not await works(deployed, token)


@pytest.mark.requirement("RFC7009-2.2-ok")
async def test_a_token_that_is_none_or_dead_already_is_no_error(deployed: House) -> None:
    token = await deployed.token()
    answers = [await given_back(deployed, text) for text in (token, token, "nonsense")]
    assert [answer.status_code for answer in answers] == [200] * 3


async def test_the_metadata_says_where(deployed: House) -> None:
    found = (await deployed.public.get("/.well-known/oauth-authorization-server")).json()
    assert found["revocation_endpoint"] == f"{found['issuer']}/revoke"
    for member in ("auth_methods_supported", "auth_signing_alg_values_supported"):
        assert found[f"revocation_endpoint_{member}"] == found[f"token_endpoint_{member}"]
