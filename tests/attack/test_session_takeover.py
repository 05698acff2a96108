"""session_takeover: sessions, events and open questions of one principal are nobody else's (MCP best practices)."""

import json
from collections.abc import AsyncIterator, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest
from mcp.server.elicitation import AcceptedElicitation
from mcp.server.mcpserver import Context
from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from mcp.types import JSONRPCMessage
from pydantic import BaseModel

from accredit_sdk.snapshot import TargetEntry
from tests.support.authority import FakeAccredit
from tests.support.guarded_site import Site, guarded_site
from tests.support.http import http_client
from tests.support.ledgers import READ, TARGETS, Ledger
from tests.support.raw import OLD, Stream, headers_for, request_of, session, streaming
from tests.support.until import eventually

OWNER: Final = {"sub": "usr_owner", "client_id": "app_owner"}
THIEVES: Final = (
    {"sub": "usr_thief", "client_id": "app_thief"},
    {"sub": "usr_owner", "client_id": "app_thief"},
    {"sub": "usr_thief", "client_id": "app_owner"},
    {"sub": "app_owner", "client_id": "usr_owner"},
    {"sub": "usr_ownerapp", "client_id": "_owner"},
)
CALL: Final = request_of("tools/call", 7, OLD, name="read", arguments={})
MESSAGES: Final[dict[str, tuple[str, Any]]] = {
    "call": ("POST", CALL),
    "ping": ("POST", request_of("ping", 8, OLD)),
    "initialize": ("POST", request_of("initialize", 9, OLD, protocolVersion=OLD, capabilities={}, clientInfo={})),
    "notification": ("POST", {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}),
    "response": ("POST", {"jsonrpc": "2.0", "id": 1, "result": {"action": "accept", "content": {"yes": True}}}),
    "error": ("POST", {"jsonrpc": "2.0", "id": 1, "error": {"code": -1, "message": "no"}}),
    "stream": ("GET", None),
    "end": ("DELETE", None),
}


class Answer(BaseModel):
    """What a person is asked for."""

    yes: bool


class Events(EventStore):
    """Keeps every event, so that streams can be taken up again."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, JSONRPCMessage | None]] = []

    async def store_event(self, stream_id: str, message: JSONRPCMessage | None) -> str:
        self.kept.append((stream_id, message))
        return str(len(self.kept))

    async def replay_events_after(self, last_event_id: str, send_callback: EventCallback) -> str | None:
        stream, _ = self.kept[int(last_event_id) - 1]
        for number, (other, message) in enumerate(self.kept, 1):
            if other == stream and number > int(last_event_id) and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream


@dataclass
class Asking(Ledger):
    """A ledger whose streams can be taken up again, with a tool that asks a person; it notes what reaches it."""

    reached: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()

        async def ask(ctx: Context) -> str:
            answer = await ctx.elicit("Really?", Answer)
            return f"tool ask heard {answer.data.yes if isinstance(answer, AcceptedElicitation) else answer.action}"

        self.server.tool("ask")(ask)

    def app(self, *, json: bool, stateless: bool) -> Any:
        inner = self.server.streamable_http_app(json_response=json, stateless_http=stateless, event_store=Events())

        async def watched(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                fields = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
                self.reached.append((scope["method"], fields))
            await inner(scope, receive, send)

        return watched


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """A guarded server with sessions."""
    accredit = FakeAccredit(targets=(*TARGETS, TargetEntry("tool", "ask", [READ])), may_ask=("elicitation",))
    async with guarded_site(tmp_path, Asking("official"), accredit) as found:
        yield found


async def send(site: Site, token: str, what: str, **headers: str) -> httpx2.Response:
    """Send one of MESSAGES; a stream is let go as soon as it is open."""
    verb, message = MESSAGES[what]
    content = b"" if message is None else json.dumps(message).encode()
    honest = {"content-type": "application/json", **headers_for(token, OLD, message, **headers)}
    fields = [(name.encode(), value.encode("latin-1")) for name, value in honest.items()]
    async with (
        http_client() as http,
        http.stream(verb, site.url, headers=fields, content=content) as answer,
    ):
        if answer.status_code != 200 or verb != "GET":
            await answer.aread()
        return answer


def reached(site: Site) -> list[tuple[str, dict[str, str]]]:
    """Return what has reached the server."""
    ledger = site.ledger
    assert isinstance(ledger, Asking)
    return ledger.reached


async def works(site: Site, token: str, session_id: str) -> None:
    """Assert that the owner goes on as if nothing had happened."""
    answer = await send(site, token, "call", mcp_session_id=session_id)
    assert (answer.status_code, "tool read ran" in answer.text) == (200, True)


@pytest.mark.parametrize("thief", THIEVES, ids=lambda thief: "-".join(thief.values()))
async def test_the_session_of_another_does_not_exist_and_the_owner_notices_nothing(
    site: Site, thief: dict[str, str]
) -> None:
    owner, other = site.accredit.token(**OWNER), site.accredit.token(**thief)
    session_id = await session(site.url, owner)
    before = len(reached(site))
    for what in MESSAGES:
        answer = await send(site, other, what, mcp_session_id=session_id)
        assert answer.status_code == 404, what
        assert "mcp-session-id" not in answer.headers
    assert len(reached(site)) == before
    await works(site, owner, session_id)
    await works(site, site.accredit.token(**OWNER, jti="another-token", scope=READ), session_id)

    def recorded() -> bool:
        found = [one for one in site.accredit.records() if one.get("reason") == "session"]
        return [one["subject"] for one in found] == [thief["sub"]] * len(MESSAGES)

    await eventually(recorded)


async def test_an_id_taken_apart_or_put_together_again_does_not_exist(site: Site) -> None:
    owner, other = site.accredit.token(**OWNER), site.accredit.token(**THIEVES[0])
    mine, theirs = await session(site.url, owner), await session(site.url, other)
    inner, mac = mine.rsplit(".", 1)
    their_inner, their_mac = theirs.rsplit(".", 1)
    _, event = await answered(site, owner, mine)
    before = len(reached(site))
    for forged in (
        inner,
        mac,
        f".{mac}",
        f"{inner}.",
        f"{inner}{mac}",
        f"{inner}.{their_mac}",
        f"{their_inner}.{mac}",
        f"{mine}.{mac}",
        f"{mine}.{their_mac}",
        f"{inner}.{inner}.{mac}",
        f"{inner.upper()}.{mac}",
        f"{inner}.{mac.swapcase()}",
        f"{inner}.{mac[:-1]}",
        f"{inner}.{mac}=",
        f"{inner}.{mac[:-1]}{'A' if mac[-1] != 'A' else 'B'}",
        f"{inner}.{'A' * len(mac)}",
        f"{inner}\u00e9.{mac}",
        f"{inner}.\u00e9{mac[1:]}",
        f"{mine}, {theirs}",
        event,
        theirs,
    ):
        for what in ("call", "stream", "end"):
            answer = await send(site, owner, what, mcp_session_id=forged)
            assert answer.status_code == 404, (forged, what)
    assert len(reached(site)) == before
    for token, session_id in ((owner, mine), (other, theirs)):
        await works(site, token, session_id)


async def answered(site: Site, token: str, session_id: str) -> tuple[int, str]:
    """Call a tool that streams; return the number of its messages, and the id of its first event."""
    message = request_of("tools/call", 5, OLD, name="reckon", arguments={}, _meta={"progressToken": 1})
    async with streaming(site.url, token, message, version=OLD, mcp_session_id=session_id) as stream:
        events = await stream.rest()
    return len([event for event in events if event.get("data")]), events[0]["id"]


async def test_the_events_of_another_cannot_be_replayed(site: Site) -> None:
    owner, other = site.accredit.token(**OWNER), site.accredit.token(**THIEVES[0])
    mine, theirs = await session(site.url, owner), await session(site.url, other)
    messages, event = await answered(site, owner, mine)
    before = len(reached(site))
    inner, mac = event.rsplit(".", 1)
    for token, session_id, last in (
        (other, theirs, event),
        (other, mine, event),
        (owner, theirs, event),
        (other, theirs, inner),
        (owner, mine, inner),
        (owner, mine, f"{int(inner) + 1}.{mac}"),
        (owner, mine, f"0{inner}.{mac}"),
        (owner, mine, mine),
    ):
        answer = await send(site, token, "stream", mcp_session_id=session_id, last_event_id=last)
        assert answer.status_code == 404, last
    assert len(reached(site)) == before
    async with streaming(site.url, owner, version=OLD, mcp_session_id=mine, last_event_id=event) as replay:
        found = [await message_of(replay) for _ in range(messages)]
    assert found[-1]["id"] == 5
    assert reached(site)[-1][1]["last-event-id"] == inner


async def test_a_replay_shows_no_more_than_the_first_showing(site: Site) -> None:
    owner = site.accredit.token(**OWNER)
    session_id = await session(site.url, owner)
    message = request_of("tools/list", 5, OLD)
    async with streaming(site.url, owner, message, version=OLD, mcp_session_id=session_id) as stream:
        events = await stream.rest()
    shown = {tool["name"] for tool in json.loads(events[-1]["data"])["result"]["tools"]}
    assert {"read", "post"} <= shown
    assert not {"audit", "vault", "stray"} & shown
    last = events[0]["id"]
    async with streaming(site.url, owner, version=OLD, mcp_session_id=session_id, last_event_id=last) as replay:
        again = await message_of(replay)
    assert {tool["name"] for tool in again["result"]["tools"]} == shown


async def message_of(stream: Stream) -> Any:
    """Return the next message of a stream."""
    assert stream.response.status_code == 200
    while True:
        event = await stream.next()
        assert event is not None, "the stream has ended"
        if event.get("data"):
            return json.loads(event["data"])


async def test_a_question_to_one_person_cannot_be_answered_by_another(site: Site) -> None:
    owner, other = site.accredit.token(**OWNER), site.accredit.token(**THIEVES[0])
    mine = await session(site.url, owner, elicitation={"form": {}})
    theirs = await session(site.url, other, elicitation={"form": {}})
    call = request_of("tools/call", 7, OLD, name="ask", arguments={})
    async with streaming(site.url, owner, call, version=OLD, mcp_session_id=mine) as stream:
        question = await message_of(stream)
        assert question["method"] == "elicitation/create"
        lie = {"jsonrpc": "2.0", "id": question["id"], "result": {"action": "accept", "content": {"yes": True}}}
        truth = {**lie, "result": {"action": "accept", "content": {"yes": False}}}
        async with http_client() as http:
            for token, headers, expected in (
                (other, {"mcp_session_id": mine}, 404),
                (other, {"mcp_session_id": theirs}, 202),
                (other, {}, 400),
                (owner, {}, 400),
                (None, {"mcp_session_id": mine}, 401),
            ):
                answer = await http.post(site.url, json=lie, headers=headers_for(token, OLD, **headers))
                assert answer.status_code == expected
            answer = await http.post(site.url, json=truth, headers=headers_for(owner, OLD, mcp_session_id=mine))
            assert answer.status_code == 202
        result = (await message_of(stream))["result"]
    assert result["content"][0]["text"] == "tool ask heard False"


async def test_a_session_does_not_outlive_the_right_of_its_owner(site: Site) -> None:
    owner = site.accredit.token(**OWNER, rev=["usr_owner"])
    session_id = await session(site.url, owner)
    site.accredit.signal("suspended", "usr_owner")

    async def refused() -> bool:
        return (await send(site, owner, "ping", mcp_session_id=session_id)).status_code == 401

    await eventually(refused)
    before = len(reached(site))
    for what in MESSAGES:
        assert (await send(site, owner, what, mcp_session_id=session_id)).status_code == 401
    assert len(reached(site)) == before
