"""Whoever loses the right to call loses what is under way: the stream says so in a last message, and closes."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp import MCPError
from mcp.client.subscriptions import SubscriptionLost
from mcp.server.mcpserver import Context
from mcp.shared.subscriptions import ToolsListChanged

from accredit_sdk.snapshot import TargetEntry
from tests.support.authority import FakeAccredit
from tests.support.clients import Era, connected, refusal, text
from tests.support.guarded_site import Site, guarded_site
from tests.support.http import http_client
from tests.support.ledgers import READ, TARGETS, Ledger
from tests.support.raw import NEW, OLD, Stream, headers_for, request_of, session, streaming
from tests.support.until import eventually

ERAS: tuple[Era, ...] = ("2026-07-28", "2025-11-25")
MORE = (TargetEntry("tool", "wait", [READ]), TargetEntry("tool", "announce", [READ]))


class Waiting(Ledger):
    """A ledger with a tool that waits until `go`, and one that tells all who listen that the tools have changed."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.go = threading.Event()
        self.ended: list[str] = []

        async def wait(ctx: Context) -> str:
            self.started.append("tool wait")
            await ctx.report_progress(1, 2)
            try:
                await eventually(self.go.is_set, 60)
            finally:
                self.ended.append("done" if self.go.is_set() else "cancelled")
            return "tool wait ran"

        async def announce(ctx: Context) -> str:
            await ctx.notify_tools_changed()
            await ctx.session.send_tool_list_changed()
            return "tool announce ran"

        self.server.tool("wait")(wait)
        self.server.tool("announce")(announce)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """A server that streams, with sessions for the clients that have them."""
    ledger, accredit = Waiting("official"), FakeAccredit(targets=TARGETS + MORE)
    async with guarded_site(tmp_path, ledger, accredit) as found:
        yield found
        ledger.go.set()


def two(site: Site) -> tuple[str, str]:
    """Return tokens of two agents."""
    return tuple(site.accredit.token(sub=name, client_id=name, rev=[name]) for name in ("agt_a", "agt_b"))  # type: ignore[return-value]


def error_of(event: dict[str, str]) -> tuple[Any, int]:
    """Return id (None if there is none) and code of the JSON-RPC error that an event holds."""
    found = json.loads(event["data"])
    assert {"jsonrpc", "error"} <= set(found) <= {"jsonrpc", "id", "error"}
    return found.get("id"), found["error"]["code"]


@pytest.mark.parametrize("kind", ["suspended", "revoked"])
@pytest.mark.parametrize("version", [NEW, OLD])
async def test_a_call_that_streams_ends_with_an_error_and_the_call_of_another_goes_on(
    site: Site, version: str, kind: str
) -> None:
    ledger: Any = site.ledger
    mine, other = two(site)
    message = request_of("tools/call", "mine", version, name="wait", arguments={}, _meta={"progressToken": 1})
    headers = [{"mcp_session_id": await session(site.url, token)} if version == OLD else {} for token in (mine, other)]
    async with (
        streaming(site.url, mine, message, version=version, **headers[0]) as first,
        streaming(site.url, other, message, version=version, **headers[1]) as second,
    ):
        for stream in (first, second):
            event = await progress(stream)
            assert event["params"]["progress"] == 1
        site.accredit.signal(kind, "agt_a")
        last = await first.rest()
        assert [error_of(event) for event in last] == [("mine", 401)]
        if version == NEW:
            await eventually(lambda: ledger.ended == ["cancelled"])
        ledger.go.set()
        assert json.loads((await second.rest())[-1]["data"])["result"]["content"][0]["text"] == "tool wait ran"


async def progress(stream: Stream) -> Any:
    """Return the first message of a stream."""
    assert stream.response.status_code == 200
    while True:
        event = await stream.next()
        assert event is not None
        if event.get("data"):
            return json.loads(event["data"])


@pytest.mark.parametrize("era", ERAS)
async def test_the_official_client_hears_why_its_call_ended(site: Site, era: Era) -> None:
    mine, other = two(site)
    ledger: Any = site.ledger
    heard = asyncio.Event()

    async def told(done: float, total: float | None, message: str | None) -> None:
        heard.set()

    async with connected(site.url, mine, era) as (client, _), connected(site.url, other, era) as (second, _):
        async with asyncio.TaskGroup() as group:
            ends = group.create_task(refusal(client.call_tool("wait", progress_callback=told)))
            goes_on = group.create_task(text(second.call_tool("wait")))
            await heard.wait()
            await eventually(lambda: ledger.started.count("tool wait") == 2)
            site.accredit.signal("suspended", "agt_a")
            assert (await ends)[0] == 401
            ledger.go.set()
            assert await goes_on == "tool wait ran"
        assert await text(second.call_tool("read")) == "tool read ran"


async def test_a_get_stream_ends_with_an_error_and_the_stream_of_another_goes_on(site: Site) -> None:
    mine, other = two(site)
    first_id, second_id = await session(site.url, mine), await session(site.url, other)
    async with (
        streaming(site.url, mine, version=OLD, mcp_session_id=first_id) as first,
        streaming(site.url, other, version=OLD, mcp_session_id=second_id) as second,
    ):
        assert (first.response.status_code, second.response.status_code) == (200, 200)
        site.accredit.signal("suspended", "agt_a")
        assert [error_of(event) for event in await first.rest()] == [(None, 401)]
        async with http_client() as http:
            message = request_of("tools/call", 2, OLD, name="announce", arguments={})
            headers = headers_for(other, OLD, mcp_session_id=second_id)
            assert (await http.post(site.url, json=message, headers=headers)).status_code == 200
        assert (await progress(second))["method"] == "notifications/tools/list_changed"
        site.accredit.signal("suspended", "agt_b")
        assert [error_of(event) for event in await second.rest()] == [(None, 401)]


async def test_listening_ends_with_an_error_and_another_still_hears(site: Site) -> None:
    mine, other = two(site)
    async with (
        connected(site.url, mine) as (client, _),
        connected(site.url, other) as (second, _),
        client.listen(tools_list_changed=True) as lost,
        second.listen(tools_list_changed=True) as kept,
    ):
        assert await text(second.call_tool("announce")) == "tool announce ran"
        assert isinstance(await anext(lost), ToolsListChanged)
        assert isinstance(await anext(kept), ToolsListChanged)
        site.accredit.signal("suspended", "agt_a")
        with pytest.raises((SubscriptionLost, MCPError)):
            await anext(lost)
        assert await text(second.call_tool("announce")) == "tool announce ran"
        assert isinstance(await anext(kept), ToolsListChanged)


async def test_a_listening_stream_ends_with_a_json_rpc_error_of_its_own_id(site: Site) -> None:
    mine, _ = two(site)
    message = request_of("subscriptions/listen", "listen-1", notifications={"toolsListChanged": True})
    async with streaming(site.url, mine, message) as stream:
        assert (await progress(stream))["method"] == "notifications/subscriptions/acknowledged"
        site.accredit.signal("revoked", "agt_a")
        assert [error_of(event) for event in await stream.rest()] == [("listen-1", 401)]


async def test_what_is_under_way_ends_when_nothing_could_be_heard_of_a_revocation(site: Site) -> None:
    mine, _ = two(site)
    message = request_of("tools/call", "mine", name="wait", arguments={}, _meta={"progressToken": 1})
    async with streaming(site.url, mine, message) as stream:
        await progress(stream)
        site.accredit.away = True
        site.accredit.clock.advance(301)
        assert [error_of(event) for event in await stream.rest()] == [("mine", 503)]


async def test_an_admitted_call_runs_on_when_its_token_expires(site: Site) -> None:
    mine, _ = two(site)
    ledger: Any = site.ledger
    message = request_of("tools/call", "mine", name="wait", arguments={}, _meta={"progressToken": 1})
    async with streaming(site.url, mine, message) as stream:
        await progress(stream)
        asked = len(site.accredit.asked)
        site.accredit.clock.advance(331)
        await eventually(lambda: len(site.accredit.asked) > asked + 2)
        ledger.go.set()
        assert "result" in json.loads((await stream.rest())[-1]["data"])


async def test_listening_ends_in_good_order_after_an_hour(site: Site) -> None:
    mine, _ = two(site)
    message = request_of("subscriptions/listen", "listen-1", notifications={"toolsListChanged": True})
    async with streaming(site.url, mine, message) as stream:
        await progress(stream)
        site.accredit.clock.advance(3601)
        (last,) = await stream.rest()
        found = json.loads(last["data"])
        assert (found["id"], found["result"]["resultType"]) == ("listen-1", "complete")
