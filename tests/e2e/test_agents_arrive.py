"""`AgentAuth` in the clients that people use, over sockets: a real node, a real guard, and no line about tokens."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import fastmcp
import httpx2
import pytest
from fastmcp.client.transports import StreamableHttpTransport
from mcp import MCPError

from accredit.testing.serving import MovingClock, Served, serve
from accredit_sdk import AgentAuth, Guard, keys
from accredit_sdk.agent import AgentError
from accredit_sdk.jws import Algorithm
from tests.support.clients import Era, connected, refusal, text
from tests.support.ledgers import PURGE, READ, WRITE, Ledger
from tests.support.served import listening, served
from tests.support.until import eventually

ERAS: Final[tuple[Era, ...]] = ("2026-07-28", "2025-11-25")
TOOLS: Final = {"read": [READ], "reckon": [READ], "post": [READ, WRITE], "purge": [PURGE]}


@dataclass
class Place:
    """A node, a guarded server, and an agent that may read and write there."""

    node: Served
    clock: MovingClock
    url: str
    ledger: Ledger
    agent: dict[str, Any]

    def auth(self, **more: Any) -> AgentAuth:
        """Return the agent's identity as its program would make it."""
        given = {"client_id": self.agent["client_id"], "secret": self.agent["secret"]}
        return AgentAuth(issuer=self.node.issuer, clock=lambda: self.clock.now() / 1_000_000, **(given | more))

    async def ok(self, method: str, where: str, **more: Any) -> Any:
        """Ask the management API for something that must succeed."""
        transport = httpx2.AsyncHTTPTransport(uds=str(self.node.socket))
        async with httpx2.AsyncClient(transport=transport, base_url="http://accredit/api/v1") as http:
            answer = await http.request(method, where, **more)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """Everything, started."""
    reserved, issuer = listening()
    reserved.close()
    listener, origin = listening()
    clock, ledger = MovingClock(), Ledger("official")
    with ExitStack() as stack:
        port = int(issuer.rpartition(":")[2])
        node = stack.enter_context(serve(tmp_path / "data", clock, issuer=issuer, port=port))
        found = Place(node, clock, f"{origin}/mcp", ledger, {})
        scopes = [{"word": word} for word in (READ, WRITE, PURGE)]
        tools = [{"name": name, "needs": needs} for name, needs in TOOLS.items()]
        server = {"slug": "ledger", "resource": found.url, "scopes": scopes, "tools": tools, "default_scopes": [READ]}
        await found.ok("POST", "/servers", json=server)
        await found.ok("POST", "/roles", json={"slug": "clerk", "scopes": {"ledger": [READ, WRITE]}})
        found.agent = await found.ok("POST", "/agents", json={"slug": "bot", "owner": "dana", "roles": ["clerk"]})
        code = (await found.ok("POST", "/servers/ledger/enrolments", json={}))["code"]
        settings: dict[str, Any] = {"code": code, "poll_interval": 0.1, "clock": clock.now}
        app = ledger.app(json=False, stateless=False)
        guard = Guard(app, issuer=issuer, resource=found.url, folder=tmp_path / "guard", **settings)
        stack.enter_context(served(guard, listener, lifespan="on"))

        async def decides() -> bool:
            async with httpx2.AsyncClient() as http:
                return (await http.get(found.url)).status_code == 401

        await eventually(decides)
        yield found


@pytest.mark.parametrize("era", ERAS)
async def test_the_official_client_gets_in_steps_up_and_stays_in(place: Place, era: Era) -> None:
    async with connected(place.url, None, era, auth=place.auth()) as (client, wire):
        assert client.protocol_version == era
        assert await text(client.call_tool("read")) == "tool read ran"
        assert await text(client.call_tool("reckon")) == "tool reckon ran"
        assert await text(client.call_tool("post")) == "tool post ran"
        code, data = await refusal(client.call_tool("purge"))
        assert (code, data["missing_scopes"]) == (403, [PURGE])
        place.clock.advance(280)
        assert await text(client.call_tool("post")) == "tool post ran"
        place.clock.advance(1000)
        await eventually_reads(client)
    assert [one.status for one in wire.heard].count(401) <= 2
    assert place.ledger.started.count("tool purge") == 0


async def eventually_reads(client: Any) -> None:
    """Call until the guard, whose clock has jumped with ours, has heard from the node again."""

    async def ran() -> bool:
        try:
            return await text(client.call_tool("read")) == "tool read ran"
        except MCPError:
            return False

    await eventually(ran)


@pytest.mark.parametrize("mode", ["2026-07-28", "legacy"])
async def test_the_client_of_fastmcp_gets_in_and_steps_up(place: Place, mode: str) -> None:
    transport = StreamableHttpTransport(place.url, auth=place.auth())
    async with fastmcp.Client(transport, mode=mode) as client:
        for tool in ("read", "reckon", "post"):
            assert await text(client.call_tool(tool)) == f"tool {tool} ran"
    assert place.ledger.started == ["tool read", "tool reckon", "tool post"]


@pytest.mark.parametrize("era", ERAS)
async def test_a_key_gets_in_as_a_secret_does(place: Place, era: Era) -> None:
    key = keys.generate(Algorithm.EDDSA)
    await place.ok("POST", "/agents/bot/credentials", json={"jwk": keys.public_jwk(key.verifying())})
    async with connected(place.url, None, era, auth=place.auth(secret=None, key=key)) as (client, _):
        assert await text(client.call_tool("read")) == "tool read ran"


@pytest.mark.parametrize("era", ERAS)
async def test_a_suspended_agent_is_told_and_does_not_wait_for_ever(place: Place, era: Era) -> None:
    with pytest.raises(BaseExceptionGroup) as caught:  # noqa: PT012  (the client says it where it is closed)
        async with connected(place.url, None, era, auth=place.auth()) as (client, _):
            assert await text(client.call_tool("read")) == "tool read ran"
            await place.ok("POST", "/agents/bot/suspend")

            async def ended() -> bool:
                try:
                    await client.call_tool("read")
                except MCPError as error:
                    # A call that was under way is ended by the guard; the next one hears it from the agent's issuer.
                    return error.error.code != 401
                return False

            await eventually(ended)
    assert AgentError in {type(one) for one in leaves(caught.value)}


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield what a group of groups holds."""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from leaves(one)
    else:
        yield error
