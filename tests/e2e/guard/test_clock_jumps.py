"""The clock of a node, or of a guard, is set while both are at work: nothing dead lives again, and all mends itself."""

from pathlib import Path

import httpx2
import pytest

from accredit.testing.serving import MovingClock, Served, serve
from accredit_sdk import Guard
from tests.e2e.guard.test_node_away import administer, furnish, is_now, status, token_of
from tests.support.ledgers import Ledger
from tests.support.served import listening, served
from tests.support.until import eventually

HOUR = 3600


async def misses_its_clock(node: Served) -> bool:
    """Tell whether the node says that its clock was set."""
    transport = httpx2.AsyncHTTPTransport(uds=str(node.socket))
    async with httpx2.AsyncClient(transport=transport) as http:
        told = (await http.get("http://accredit/readyz")).json()
    return "clock" in [one["name"] for one in told["checks"] if not one["ok"]]


@pytest.mark.parametrize("whose", ["node", "guard"])
async def test_a_clock_that_is_set_back_hides_no_revocation(tmp_path: Path, whose: str) -> None:
    clocks = {"node": MovingClock(), "guard": MovingClock()}
    reserved, issuer = listening()
    reserved.close()
    listener, origin = listening()
    url = f"{origin}/mcp"
    app = Ledger("official").app(json=False, stateless=False)
    with serve(tmp_path / "data", clocks["node"], issuer=issuer, port=int(issuer.rpartition(":")[2])) as node:
        agent, code = await furnish(node, url)
        token = await token_of(node, agent, url)
        more = {"code": code, "poll_interval": 0.1, "clock": clocks["guard"].now}
        guard = Guard(app, issuer=issuer, resource=url, folder=tmp_path / "guard", **more)
        with served(guard, listener, lifespan="on"):
            await eventually(is_now(url, token, 200))
            clocks[whose].advance(-HOUR)
            if whose == "node":
                assert await misses_its_clock(node)
            await administer(node, "POST", "/agents/bot/suspend")
            await eventually(is_now(url, token, 401 if whose == "node" else 503))
            assert await status(url, token, "purge") in (401, 503)
            clocks[whose].advance(HOUR)
            await eventually(is_now(url, token, 401), 30)
            await administer(node, "POST", "/agents/bot/resume")
            fresh = await token_of(node, agent, url)
            await eventually(is_now(url, fresh, 200), 30)
