"""What a program may do with one `AgentAuth`: many tasks, cancellation, streams, a clock that jumps, a bad day."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from accredit_sdk.agent import AgentError, fetch
from tests.support.strangers import ISSUER, SERVER, Net
from tests.support.until import eventually

TOKEN = ISSUER + "/token"
OTHER = "https://books.example/mcp"


@pytest.fixture
def net() -> Net:
    """A network."""
    return Net()


def away(net: Net, *where: str) -> None:
    """Let nobody answer there."""

    def nobody(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("nobody listens", request=request)

    net.script |= dict.fromkeys(where, nobody)


class Gate(httpx2.AsyncBaseTransport):
    """Lets requests to one URL wait until it is opened, beside a network that goes on."""

    def __init__(self, net: Net, url: str) -> None:
        self.net = net
        self.url = url
        self.waiting = 0
        self.open = asyncio.Event()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if str(request.url) == self.url:
            self.waiting += 1
            try:
                await self.open.wait()
            finally:
                self.waiting -= 1
        return await self.net.handle_async_request(request)

    def clients(self, **more: Any) -> httpx2.AsyncClient:
        """Return a client whose `auth` asks through the gate, too."""
        auth = self.net.auth(client=lambda: httpx2.AsyncClient(transport=self), **more)
        return httpx2.AsyncClient(transport=self, auth=auth)

    async def held(self, number: int = 1) -> None:
        """Wait until so many stand before the gate."""

        async def there() -> bool:
            return self.waiting == number

        await eventually(there)


async def ask(client: httpx2.AsyncClient, url: str = SERVER) -> int:
    return (await client.post(url, json={})).status_code


@pytest.mark.parametrize("status", [None, 500, 503, 429, 302])
async def test_a_token_that_lives_is_used_while_the_authorization_server_is_away(net: Net, status: int | None) -> None:
    async with net.client(net.auth()) as client:
        assert await ask(client) == 200
        if status is None:
            away(net, TOKEN)
        else:
            net.script[TOKEN] = lambda _: httpx2.Response(status)
        net.now += 271
        assert [await ask(client) for _ in range(10)] == [200] * 10
        tried = [one for one in net.asked if str(one.url) == TOKEN]
        assert len(tried) == 2, "a failed renewal rests for a while"
        net.now += 10
        del net.script[TOKEN]
        assert await ask(client) == 200
        assert net.issued == 2
        assert net.asked[-1].headers["authorization"] == "Bearer token-2"


async def test_a_token_that_is_dead_is_not_used_and_the_agent_comes_back_by_itself(net: Net) -> None:
    async with net.client(net.auth()) as client:
        assert await ask(client) == 200
        away(net, TOKEN)
        net.now += 301
        with pytest.raises(AgentError):
            await ask(client)
        assert net.asked[-1].url.host == "id.example"
        del net.script[TOKEN]
        assert await ask(client) == 200


async def test_an_authorization_server_that_moved_is_found_again(net: Net) -> None:
    async with net.client(net.auth()) as client:
        assert await ask(client) == 200
        away(net, TOKEN)
        net.issuer["token_endpoint"] = ISSUER + "/moved"
        net.script[ISSUER + "/moved"] = lambda _: net.issue()
        net.now += 301
        with pytest.raises(AgentError):
            await ask(client)
        assert await ask(client) == 200


async def test_renewal_of_one_task_lets_the_others_go_on_with_the_old_token(net: Net) -> None:
    gate = Gate(net, TOKEN)
    gate.open.set()
    async with gate.clients() as client:
        assert await ask(client) == 200
        gate.open.clear()
        net.now += 280
        renewing = asyncio.create_task(ask(client))
        await gate.held()
        assert [await ask(client) for _ in range(3)] == [200] * 3
        gate.open.set()
        assert await renewing == 200
    assert net.issued == 2


async def test_who_waits_for_a_token_survives_the_cancellation_of_the_one_that_asks(net: Net) -> None:
    gate = Gate(net, TOKEN)
    async with gate.clients() as client:
        first = asyncio.create_task(ask(client))
        await gate.held()
        others = [asyncio.create_task(ask(client)) for _ in range(5)]
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        gate.open.set()
        assert await asyncio.gather(*others) == [200] * 5
    assert net.issued == 1


async def test_all_who_wait_for_a_failure_fail_with_it_and_the_server_is_asked_once(net: Net) -> None:
    gate = Gate(net, TOKEN)
    net.script[TOKEN] = lambda _: httpx2.Response(401, json={"error": "invalid_client"})
    async with gate.clients() as client:
        tasks = [asyncio.create_task(ask(client)) for _ in range(10)]
        await gate.held()
        for _ in range(100):
            await asyncio.sleep(0)
        gate.open.set()
        found = await asyncio.gather(*tasks, return_exceptions=True)
    assert {getattr(one, "code", None) for one in found} == {"invalid_client"}
    assert len([one for one in net.asked if str(one.url) == TOKEN]) == 1


async def test_a_server_that_keeps_the_agent_waiting_keeps_it_from_no_other(net: Net) -> None:
    gate = Gate(net, "https://books.example/.well-known/oauth-protected-resource/mcp")
    net.script[OTHER] = lambda _: httpx2.Response(401, headers={"www-authenticate": "Bearer"})
    async with gate.clients() as client:
        stuck = asyncio.create_task(ask(client, OTHER))
        await gate.held()
        assert await ask(client) == 200
        stuck.cancel()


async def test_a_server_that_keeps_the_agent_waiting_for_ever_is_given_up(
    net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "_DEADLINE", 0.01)
    gate = Gate(net, "https://tools.example/.well-known/oauth-protected-resource/mcp")
    async with gate.clients() as client:
        with pytest.raises(AgentError):
            await ask(client)


@pytest.mark.parametrize("jump", [-100_000, 100_000])
async def test_a_clock_that_jumps_costs_a_token_and_no_call(net: Net, jump: int) -> None:
    async with net.client(net.auth()) as client:
        assert await ask(client) == 200
        net.now += jump
        assert [await ask(client) for _ in range(3)] == [200] * 3
    assert net.issued == 2


@pytest.mark.parametrize(("lifetime", "tokens"), [(-5, 1), (0, 1), (1, 1), (20, 1), (10**30, 1), (True, 1)])
async def test_whatever_a_token_is_said_to_live_it_is_not_fetched_for_every_call(
    net: Net, lifetime: int, tokens: int
) -> None:
    net.lifetime = lifetime
    async with net.client(net.auth()) as client:
        assert [await ask(client) for _ in range(5)] == [200] * 5
        assert net.issued == tokens
        net.now += 100_000
        assert await ask(client) == 200
        assert net.issued == tokens + 1


async def test_a_body_that_is_a_stream_is_sent_again_as_it_was(net: Net) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b'{"a":'
        yield b"1}"

    async with net.client(net.auth()) as client:
        first = await client.post(SERVER, content=body())
        net.good.clear()
        second = await client.post(SERVER, content=body())
    assert [(one.status_code, one.content) for one in (first, second)] == [(200, b'{"a":1}')] * 2
    assert net.issued == 2


async def test_a_stream_goes_on_while_its_token_is_refused_elsewhere_and_renewed(net: Net) -> None:
    more = asyncio.Event()

    async def events() -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"
        await more.wait()
        yield b"data: 2\n\n"

    async with net.client(net.auth()) as client:
        await ask(client)
        net.script[SERVER] = lambda request: (
            httpx2.Response(200, content=events()) if request.method == "GET" else net.serve(request)
        )
        async with client.stream("GET", SERVER) as stream:
            heard = stream.aiter_bytes()
            assert await anext(heard) == b"data: 1\n\n"
            net.good.clear()
            assert await ask(client) == 200
            more.set()
            assert await anext(heard) == b"data: 2\n\n"
    assert net.issued == 2


async def test_a_stream_that_is_refused_at_its_head_begins_with_a_new_token(net: Net) -> None:
    async with net.client(net.auth()) as client:
        await ask(client)
        net.good.clear()
        async with client.stream("GET", SERVER) as stream:
            assert stream.status_code == 200
            await stream.aread()
    assert net.issued == 2


async def test_scopes_that_many_tasks_miss_at_once_are_all_had_in_the_end(net: Net) -> None:
    held: dict[str, set[str]] = {}

    def issue(request: httpx2.Request) -> httpx2.Response:
        net.issue()
        form = dict(part.split("=", 1) for part in request.content.decode().split("&"))
        held[f"token-{net.issued}"] = set(form.get("scope", "").split("+"))
        return httpx2.Response(200, json={"access_token": f"token-{net.issued}", "token_type": "bearer"})

    def serve(request: httpx2.Request) -> httpx2.Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        needs = request.headers["x-needs"]
        if token not in held:
            return httpx2.Response(401, headers={"www-authenticate": "Bearer"})
        header = {"www-authenticate": f'Bearer error="insufficient_scope", scope="{needs}"'}
        return httpx2.Response(200 if needs in held[token] else 403, headers=header)

    net.script |= {TOKEN: issue, SERVER: serve}
    async with net.client(net.auth()) as client:
        calls = [client.post(SERVER, json={}, headers={"x-needs": f"s{number}"}) for number in range(10)]
        assert [answer.status_code for answer in await asyncio.gather(*calls)] == [200] * 10


async def test_the_credential_is_sent_as_the_authorization_server_takes_it(net: Net) -> None:
    for methods, place in ((["client_secret_post"], b"client_secret="), (["client_secret_basic"], b"")):
        net.issuer["token_endpoint_auth_methods_supported"] = methods
        async with net.client(net.auth()) as client:
            assert await ask(client) == 200
        (asked,) = [one for one in net.asked if str(one.url) == TOKEN][-1:]
        assert (b"client_secret=" in asked.content) is bool(place)
        assert ("authorization" in asked.headers) is not bool(place)


def test_towards_this_machine_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://proxy.example:1")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:1")
    made = fetch.client()
    for url in ("http://127.0.0.1:8700/token", "http://localhost:8700/token", "http://[::1]:8700/token"):
        assert made._transport_for_url(httpx2.URL(url)) is made._transport
    assert made._transport_for_url(httpx2.URL("https://id.example/")) is not made._transport


def test_a_synchronous_client_is_told_that_it_cannot(net: Net) -> None:
    with pytest.raises(RuntimeError), httpx2.Client(auth=net.auth()) as client:
        client.get(SERVER)
