"""A node is brought back to an older backup under a guard that is at work: what was decided in between is void."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from accredit.testing.serving import MovingClock, Served, serve
from accredit_sdk import Guard
from tests.e2e.guard.test_node_away import administer, furnish, is_now, status, token_of
from tests.support.http import http_client
from tests.support.ledgers import Ledger
from tests.support.process import run
from tests.support.served import listening, served
from tests.support.until import eventually

pytestmark = pytest.mark.slow

PAST_DOUBT = 31
"""Seconds after a restore in which an assertion could be one that was used before it, for all its `iat` says."""


def seq(guard: Guard) -> int:
    known = guard._gate.knowledge
    assert known is not None
    return known.seq


async def shipped(node: Served, reason: str) -> bool:
    """Tell whether the log has a decision of the guard with that reason."""
    page = await administer(node, "GET", "/audit?kind=decision&limit=100")
    return reason in {item["person"]["reason"] for item in page["items"] if item["person"]}


async def answered(node: Served, agent: dict[str, Any], resource: str) -> httpx2.Response:
    """Ask for a token as an agent."""
    form = {"grant_type": "client_credentials", "resource": resource}
    async with http_client() as http:
        return await http.post(f"{node.issuer}/token", data=form, auth=(agent["client_id"], agent["secret"]))


async def test_what_was_decided_after_the_backup_dies_with_the_restore_and_the_guard_follows_again(
    tmp_path: Path,
) -> None:
    clock = MovingClock()
    reserved, issuer = listening()
    reserved.close()
    given = {"issuer": issuer, "port": int(issuer.rpartition(":")[2])}
    settings = {"issuer": issuer}
    listener, origin = listening()
    url, folder, copy = f"{origin}/mcp", tmp_path / "accredit", tmp_path / "copy.db"
    with ExitStack() as first:
        node = first.enter_context(serve(folder, clock, **given))
        agent, code = await furnish(node, url)
        mole = await administer(node, "POST", "/agents", json={"slug": "mole", "owner": "dana", "roles": ["clerk"]})
        app = Ledger("official").app(json=False, stateless=False)
        more = {"code": code, "poll_interval": 0.1, "clock": clock.now}
        guard = Guard(app, issuer=issuer, resource=url, folder=tmp_path / "guard", **more)
        with served(guard, listener, lifespan="on"):
            old = await token_of(node, agent, url)
            await eventually(is_now(url, old, 200))
            done = run("backup", str(copy), folder=folder, **settings)
            assert done.status == 0, done.said
            for _ in range(10):
                await administer(node, "POST", "/agents/bot/suspend")
                await administer(node, "POST", "/agents/bot/resume")
            credential = mole["credentials"][0]["id"]
            await administer(node, "DELETE", f"/agents/mole/credentials/{credential}")
            assert (await answered(node, mole, url)).status_code == 401
            between = await token_of(node, agent, url)
            await eventually(is_now(url, between, 200))
            before = seq(guard)
            first.close()
            done = run("--yes", "--json", "restore", str(copy), folder=folder, **settings)
            assert done.status == 0, done.said
            told = json.loads(done.out)
            assert told["revived"] == [f"credential {credential} of mole"]
            assert any(one["guard"] is None for one in told["lost"])
            clock.advance(PAST_DOUBT)
            with serve(folder, clock, **given) as node:
                await eventually(is_now(url, between, 401))
                assert await status(url, old) == 401
                assert seq(guard) > before, "the snapshot was read anew, although the node had fewer signals"
                fresh = await token_of(node, agent, url)
                assert await status(url, fresh) == 200
                assert (await answered(node, mole, url)).status_code == 200, "as the restore said"
                await administer(node, "POST", "/agents/bot/suspend")
                await eventually(is_now(url, fresh, 401))
                await eventually(lambda: shipped(node, "suspended"), 20)
                assert (await administer(node, "GET", "/audit/verify"))["ok"]
                page = await administer(node, "GET", "/audit?kind=administered&limit=100")
                assert "deployment.restore" in json.dumps(page)
