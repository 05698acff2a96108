"""RFC 6750, 2 and 3.1: how a token is carried to a guarded server, and what a malformed request hears."""

import pytest

from tests.support.house import House

FORM = "application/x-www-form-urlencoded"


@pytest.mark.requirement("RFC6750-2-one-transport", "RFC6750-3.1-invalid-request")
async def test_a_token_that_comes_twice_makes_the_request_invalid(deployed: House) -> None:
    token = await deployed.token()
    twice = [(b"authorization", f"Bearer {token}".encode())]
    for more in ({"raw": twice}, {"query": b"access_token=" + token.encode()}, {"query": b"x=1&access_token=other"},
                 {"query": b"access%5Ftoken=x"}):  # fmt: skip
        answer = await deployed.reach(token, **more)
        assert answer.status == 400, more
        assert 'error="invalid_request"' in answer.challenge
        assert answer.json()["error"] == "invalid_request"
    assert deployed.site.inner.calls == []
    assert (await deployed.reach(token)).status == 200


@pytest.mark.requirement("RFC6750-2.3-not-in-query", "MCP-AUTH-token-not-in-query")
async def test_a_token_in_the_query_or_in_a_form_lets_nobody_in(deployed: House) -> None:
    token = await deployed.token()
    answer = await deployed.reach(None, query=b"access_token=" + token.encode())
    assert (answer.status, answer.json()["error"]) == (400, "invalid_request")
    for query in (b"token=", b"bearer_token=", b"authorization=Bearer%20", b"Access_Token="):
        assert (await deployed.reach(None, query=query + token.encode())).status == 401
    body = b"access_token=" + token.encode()
    assert (await deployed.reach(None, body=body, headers={"content-type": FORM})).status == 415
    assert deployed.site.inner.calls == []


@pytest.mark.requirement("RFC6750-3.1-invalid-request")
async def test_the_guard_api_takes_its_token_from_the_header_alone(deployed: House) -> None:
    token = await deployed.guard_token()
    answer = await deployed.public.get("/guard/v1/snapshot", params={"access_token": token})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
