"""Accredit goes away and comes back: the guard lives on what it knows, while it may, and says 503 after that."""

import json
from pathlib import Path

import httpx2
import pytest
from mcp import Client, MCPError

from tests.support.authority import FakeAccredit
from tests.support.clients import Era, Wire, connected, refusal, text
from tests.support.guarded_site import Site, guarded_site
from tests.support.http import http_client
from tests.support.ledgers import PURGE, READ, TARGETS, Ledger
from tests.support.until import eventually

ERAS: tuple[Era, ...] = ("2026-07-28", "2025-11-25")
KNOWN = (503,)
BLIND = (503, -32603)
"""A guard that is blind reads no message, so its answer bears no id, and the client finds it hard to read."""
METADATA = "/.well-known/oauth-protected-resource/mcp"


@pytest.fixture
def accredit() -> FakeAccredit:
    """An Accredit that can be away, and whose clock stands still."""
    return FakeAccredit(targets=TARGETS)


def lasting(accredit: FakeAccredit) -> str:
    """Return a token that lives for an hour."""
    return accredit.token(f"{READ} {PURGE}", exp=accredit.seconds() + 3600)


async def unavailable(client: Client, wire: Wire, tool: str, *codes: int) -> None:
    """Call a tool, and be told to come back later."""
    code, _ = await refusal(client.call_tool(tool))
    assert (code in codes, wire.last.status) == (True, 503)
    error = json.loads(wire.last.body)["error"]
    assert error["code"] == 503
    assert int(wire.last.headers["retry-after"]) == error["data"]["retry_after"] > 0
    assert "www-authenticate" not in wire.last.headers


async def works(client: Client, tool: str) -> bool:
    """Tell whether a tool runs; the only other answer is 503."""
    try:
        return await text(client.call_tool(tool)) == f"tool {tool} ran"
    except MCPError as error:
        if error.error.code not in BLIND:
            raise
        return False


@pytest.mark.parametrize("era", ERAS)
async def test_calls_go_on_destructive_ones_end_first_and_all_are_back_by_themselves(
    tmp_path: Path, accredit: FakeAccredit, era: Era
) -> None:
    async with (
        guarded_site(tmp_path, Ledger("official"), accredit, json=True, stateless=True) as site,
        connected(site.url, lasting(accredit), era) as (client, wire),
    ):
        await text(client.call_tool("purge"))
        accredit.away = True
        accredit.clock.advance(29)
        assert await text(client.call_tool("read")) == "tool read ran"
        assert await text(client.call_tool("purge")) == "tool purge ran"
        accredit.clock.advance(3)
        assert await text(client.call_tool("read")) == "tool read ran"
        await unavailable(client, wire, "purge", *KNOWN)
        accredit.clock.advance(266)
        assert await text(client.call_tool("read")) == "tool read ran"
        await unavailable(client, wire, "purge", *KNOWN)
        accredit.clock.advance(4)
        site.ledger.started.clear()
        for tool in ("read", "purge", "post", "nowhere"):
            await unavailable(client, wire, tool, *BLIND)
        assert site.ledger.started == []
        accredit.away = False
        await eventually(lambda: works(client, "purge"))
        assert await text(client.call_tool("read")) == "tool read ran"
        assert 401 not in [one.status for one in wire.heard]


async def test_whoever_comes_with_no_token_or_a_bad_one_meanwhile_is_not_sent_to_sign_in(
    tmp_path: Path, accredit: FakeAccredit
) -> None:
    async with guarded_site(tmp_path, Ledger("official"), accredit) as site, http_client() as http:
        accredit.away = True
        for token in (None, "nonsense", accredit.token(aud="https://other.example/mcp")):
            assert (await knock(http, site.url, token)).status_code == 401
        accredit.clock.advance(301)
        for token in (None, "nonsense", accredit.token(aud="https://other.example/mcp"), accredit.token()):
            answer = await knock(http, site.url, token)
            assert (answer.status_code, answer.headers.get("www-authenticate")) == (503, None)
            assert int(answer.headers["retry-after"]) > 0


async def knock(http: httpx2.AsyncClient, url: str, token: str | None) -> httpx2.Response:
    """Send the smallest request of the 2025-11-25 revision."""
    headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-11-25"}
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    return await http.post(url, json={"jsonrpc": "2.0", "id": 1, "method": "ping"}, headers=headers)


async def test_a_guard_that_starts_meanwhile_shows_its_metadata_and_begins_when_accredit_is_back(
    tmp_path: Path, accredit: FakeAccredit
) -> None:
    port = await ran_before(tmp_path, accredit)
    (tmp_path / "snapshot.jwt").unlink()
    async with guarded_site(tmp_path, Ledger("official"), accredit, port=port) as site:
        await begins_late(site, accredit)


async def test_a_guard_with_an_unused_code_enrols_when_accredit_is_back(tmp_path: Path, accredit: FakeAccredit) -> None:
    accredit.away = True
    async with guarded_site(tmp_path, Ledger("official"), accredit, code="one-time-code") as site:
        await begins_late(site, accredit)
    assert accredit.codes == {}


@pytest.mark.parametrize("spoilt", [False, True], ids=["snapshot", "forged-snapshot"])
async def test_a_guard_that_starts_meanwhile_goes_on_from_its_snapshot_while_that_is_young(
    tmp_path: Path, accredit: FakeAccredit, spoilt: bool
) -> None:
    port = await ran_before(tmp_path, accredit)
    if spoilt:
        kept = tmp_path / "snapshot.jwt"
        kept.write_bytes(FakeAccredit(resource=accredit.resource, targets=TARGETS).snapshot())
    accredit.clock.advance(20)
    async with (
        guarded_site(tmp_path, Ledger("official"), accredit, port=port) as site,
        connected(site.url, lasting(accredit)) as (client, wire),
    ):
        if spoilt:
            await unavailable(client, wire, "read", *BLIND)
            return
        assert await text(client.call_tool("purge")) == "tool purge ran"
        accredit.clock.advance(15)
        await unavailable(client, wire, "purge", *KNOWN)
        assert await text(client.call_tool("read")) == "tool read ran"
        accredit.clock.advance(270)
        await unavailable(client, wire, "read", *BLIND)
        accredit.away = False
        await eventually(lambda: works(client, "purge"))


async def ran_before(folder: Path, accredit: FakeAccredit) -> int:
    """Let a guard run once in `folder`, then let Accredit go away; return the port that the guard had."""
    async with (
        guarded_site(folder, Ledger("official"), accredit) as site,
        connected(site.url, accredit.token()) as (client, _),
    ):
        assert await text(client.call_tool("read")) == "tool read ran"
    accredit.away = True
    return site.port


async def begins_late(site: Site, accredit: FakeAccredit) -> None:
    """See a guard without Accredit show its metadata and serve no call, and work as soon as Accredit is there."""
    async with http_client() as http:
        document = (await http.get(site.url.replace("/mcp", METADATA))).json()
        assert (document["resource"], document["authorization_servers"]) == (site.url, [accredit.issuer])
        for token in (None, accredit.token()):
            answer = await knock(http, site.url, token)
            assert (answer.status_code, answer.headers["retry-after"].isdigit()) == (503, True)
        accredit.away = False

        async def open_again() -> bool:
            status = (await knock(http, site.url, None)).status_code
            assert status in (401, 503)
            return status == 401

        await eventually(open_again)
    async with connected(site.url, accredit.token()) as (client, _):
        assert await text(client.call_tool("read")) == "tool read ran"
