"""`AgentAuth` against a real node and a real guard: from the first 401 to a call, with no other line of code."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from accredit_sdk import AgentAuth, ConfigurationError, keys
from accredit_sdk.agent import AgentError
from accredit_sdk.jws import Algorithm
from tests.support.agents import ISSUER, World, world
from tests.support.guarded import call, headers_of


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as found:
        yield found


async def asked(client: httpx2.AsyncClient, name: str = "read", host: str = "tools.example") -> httpx2.Response:
    message: Any = call(name)
    return await client.post(f"https://{host}/mcp", json=message, headers={**headers_of(message, None), "host": host})


async def test_an_agent_gets_in_with_its_secret_and_no_other_line(here: World) -> None:
    async with here.client(here.auth()) as client:
        answer = await asked(client)
    assert answer.status_code == 200
    assert here.tokens == 1


async def test_one_token_serves_many_requests_and_one_flight_many_waiting(here: World) -> None:
    async with here.client(here.auth()) as client:
        answers = await asyncio.gather(*(asked(client) for _ in range(20)))
        answers.append(await asked(client))
    assert {answer.status_code for answer in answers} == {200}
    assert here.tokens == 1


async def test_a_token_is_renewed_before_it_ends(here: World) -> None:
    async with here.client(here.auth()) as client:
        await asked(client)
        here.clock.advance(280)
        assert (await asked(client)).status_code == 200
    assert here.tokens == 2


async def test_a_missing_scope_is_asked_for_once_and_what_cannot_be_had_stays_refused(here: World) -> None:
    async with here.client(here.auth()) as client:
        assert (await asked(client)).status_code == 200
        assert (await asked(client, "post")).status_code == 200
        assert (await asked(client, "purge")).status_code == 403
        assert (await asked(client)).status_code == 200


async def test_a_credential_goes_to_the_agents_own_issuer_only(here: World) -> None:
    async with here.client(here.auth(issuer="https://other.example")) as client:
        with pytest.raises(AgentError):
            await asked(client)
    assert here.tokens == 0


async def test_one_identity_reaches_two_servers_and_no_token_is_good_at_the_other(here: World) -> None:
    async with here.client(here.auth()) as client:
        for host in ("tools.example", "books.example"):
            assert (await asked(client, host=host)).status_code == 200
    assert here.tokens == 2
    tools, books = (here.seen[host][-1] for host in ("tools.example", "books.example"))
    assert tools != books
    async with here.client(None) as client:
        client.headers["authorization"] = tools or ""
        assert (await asked(client, host="books.example")).status_code == 401


async def test_an_agent_gets_in_with_a_key_that_it_made_itself(here: World) -> None:
    key = keys.generate(Algorithm.ES256)
    await here.ok("POST", "/agents/bot/credentials", json={"jwk": keys.public_jwk(key.verifying())})
    async with here.client(here.auth(secret=None, key=key)) as client:
        assert (await asked(client)).status_code == 200
    async with here.client(here.auth(secret=None, key=keys.generate(Algorithm.ES256))) as client:
        with pytest.raises(AgentError) as caught:
            await asked(client)
    assert caught.value.code == "invalid_client"


async def test_a_token_goes_to_no_other_origin(here: World) -> None:
    async with here.client(here.auth()) as client:
        await asked(client)
        await client.post("https://elsewhere.example/mcp", json={})
    assert here.elsewhere == [None]


async def test_a_suspended_agent_is_told_why(here: World) -> None:
    async with here.client(here.auth()) as client:
        assert (await asked(client)).status_code == 200
        await here.suspend()
        with pytest.raises(AgentError) as caught:
            await asked(client)
    assert caught.value.code == "invalid_grant"


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"client_id": "", "issuer": ISSUER, "secret": "s"},
        {"client_id": "a", "secret": "s"},
        {"client_id": "a", "issuer": ISSUER},
        {"client_id": "a", "issuer": "http://id.example", "secret": "s"},
        {"client_id": "a", "issuer": ISSUER, "secret": "s", "scope": "a  b"},
    ],
)
def test_a_wrong_set_up_is_told_at_once(given: dict[str, Any]) -> None:
    with pytest.raises((ConfigurationError, TypeError)):
        AgentAuth(**given)


@pytest.mark.parametrize("how", ["unassigned", "smaller"])
async def test_a_smaller_role_is_felt_by_tokens_that_are_out(here: World, how: str) -> None:
    async with here.client(here.auth(scope="read post")) as client:
        assert (await asked(client, "post")).status_code == 200
        before = here.tokens
        if how == "smaller":
            await here.ok("PUT", "/roles/clerk/scopes/tools", json={"scopes": ["read"]})
        else:
            await here.ok("DELETE", "/roles/clerk/assignments/bot")
        await here.catch_up()
    async with here.client(None) as client:
        client.headers["authorization"] = here.seen["tools.example"][-1] or ""
        assert (await asked(client, "post")).status_code == 403
        assert (await asked(client)).status_code == (200 if how == "smaller" else 403)
        client.headers["authorization"] = ""
    assert here.tokens == before
