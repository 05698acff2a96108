"""The guard in front of real servers, with the official client on the other side: whatever they speak, it decides."""

import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.types import TextContent, TextResourceContents

from tests.support.authority import AGENT, FakeAccredit
from tests.support.clients import Era, Wire, connected, refusal, text
from tests.support.guarded_site import Site, guarded_site
from tests.support.ledgers import PURGE, READ, TARGETS, WRITE, Ledger, Sdk
from tests.support.until import eventually

SDKS: tuple[Sdk, ...] = ("official", "fastmcp")
ERAS: tuple[Era, ...] = ("2026-07-28", "2025-11-25")


@pytest.fixture(
    scope="module",
    params=product(SDKS, ("json", "sse"), ("stateless", "sessions")),
    ids="-".join,
)
async def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """A server of one SDK, which answers in one form, with or without sessions."""
    sdk, form, sessions = request.param
    folder: Path = tmp_path_factory.mktemp("guard")
    settings = {"json": form == "json", "stateless": sessions == "stateless"}
    async with guarded_site(folder, Ledger(sdk), FakeAccredit(targets=TARGETS), **settings) as found:
        yield found


@pytest.fixture(params=ERAS)
def era(request: pytest.FixtureRequest) -> Era:
    """A revision of the protocol."""
    return request.param  # type: ignore[no-any-return]


def agent(site: Site, era: Era, scope: str = READ) -> AbstractAsyncContextManager[tuple[Client, Wire]]:
    """Connect as the agent, with these scopes."""
    site.ledger.started.clear()
    return connected(site.url, site.accredit.token(scope), era)


async def test_an_allowed_tool_runs(site: Site, era: Era) -> None:
    async with agent(site, era) as (client, _):
        assert client.protocol_version == era
        assert await text(client.call_tool("read")) == "tool read ran"
    assert site.ledger.started == ["tool read"]


async def test_a_tool_without_its_scope_is_refused_and_the_connection_goes_on(site: Site, era: Era) -> None:
    async with agent(site, era) as (client, wire):
        code, data = await refusal(client.call_tool("post"))
        assert (code, wire.last.status) == (403, 403)
        assert (data["required_scopes"], data["missing_scopes"]) == ([READ, WRITE], [WRITE])
        challenge = wire.last.headers["www-authenticate"]
        assert 'error="insufficient_scope"' in challenge
        assert f'scope="{READ} {WRITE}"' in challenge
        assert site.ledger.started == []
        assert await text(client.call_tool("read")) == "tool read ran"

    async def recorded() -> bool:
        found = {one.get("decision"): one for one in site.accredit.records()}
        mine = found.get(data["decision_id"], {})
        return (mine.get("outcome"), mine.get("target"), mine.get("missing")) == ("deny", "post", [WRITE])

    await eventually(recorded)


async def test_prompts_and_resources_without_their_scope_are_refused(site: Site, era: Era) -> None:
    async with agent(site, era) as (client, wire):
        for call in (
            client.get_prompt("plan"),
            client.get_prompt("audit"),
            client.read_resource("ledger://plan"),
            client.read_resource("ledger://audit"),
            client.read_resource("ledger://plans/7"),
            client.read_resource("ledger://audits/7"),
        ):
            code, data = await refusal(call)
            assert (code, wire.last.status, data["missing_scopes"]) == (403, 403, [WRITE])
    assert site.ledger.started == []


async def test_prompts_resources_and_templates_with_their_scope_are_served(site: Site, era: Era) -> None:
    async with agent(site, era) as (client, _):
        message = (await client.get_prompt("summary")).messages[0]
        assert isinstance(message.content, TextContent)
        assert message.content.text == "prompt summary ran"
        for uri, said in (("ledger://book", "resource book ran"), ("ledger://accounts/7", "resource accounts 7 ran")):
            (part,) = (await client.read_resource(uri)).contents
            assert isinstance(part, TextResourceContents)
            assert part.text == said
    assert site.ledger.started == ["prompt summary", "resource book", "resource accounts 7"]


async def listed(client: Client) -> dict[str, set[str]]:
    """Return every name that the client is shown."""
    return {
        "tools": {tool.name for tool in (await client.list_tools()).tools},
        "prompts": {prompt.name for prompt in (await client.list_prompts()).prompts},
        "resources": {str(one.uri) for one in (await client.list_resources()).resources},
        "templates": {one.uri_template for one in (await client.list_resource_templates()).resource_templates},
    }


async def test_lists_hold_what_one_may_use_and_what_is_shown_to_everybody(site: Site, era: Era) -> None:
    async with agent(site, era) as (client, _):
        assert await listed(client) == {
            "tools": {"read", "whoami", "reckon", "post", "purge"},
            "prompts": {"summary", "plan"},
            "resources": {"ledger://book", "ledger://plan"},
            "templates": {"ledger://accounts/{number}", "ledger://plans/{number}"},
        }


async def test_lists_hold_everything_that_is_mapped_for_somebody_who_may_use_it(site: Site, era: Era) -> None:
    async with agent(site, era, f"{READ} {WRITE} {PURGE}") as (client, _):
        assert await listed(client) == {
            "tools": {"read", "whoami", "reckon", "post", "purge", "audit", "vault"},
            "prompts": {"summary", "plan", "audit", "vault"},
            "resources": {f"ledger://{name}" for name in ("book", "plan", "audit", "vault")},
            "templates": {f"ledger://{name}/{{number}}" for name in ("accounts", "plans", "audits", "vaults")},
        }
        assert await text(client.call_tool("vault")) == "tool vault ran"


async def test_an_unknown_an_unmapped_and_a_concealed_name_are_one_and_the_same(site: Site, era: Era) -> None:
    async with agent(site, era) as (client, wire):
        for names, ask in (
            (("nowhere", "stray", "vault"), client.call_tool),
            (("nowhere", "stray", "vault"), client.get_prompt),
            (("ledger://nowhere", "ledger://stray", "ledger://vault"), client.read_resource),
            (("ledger://nowhere/7", "ledger://strays/7", "ledger://vaults/7"), client.read_resource),
        ):
            answers = set()
            for name in names:
                code, data = await refusal(ask(name))  # type: ignore[operator]
                named = {"uri": name} if "://" in name and era == "2026-07-28" else {}
                assert (code, data) == (-32602, named)
                answers.add((without_own_words(wire.last.body, name), tuple(sorted(wire.last.headers))))
                assert wire.last.status == (400 if era == "2026-07-28" else 200)
            assert len(answers) == 1
        assert await text(client.call_tool("read")) == "tool read ran"
    assert site.ledger.started == ["tool read"]


def without_own_words(body: bytes, name: str) -> bytes:
    """Return the body of an answer without what only repeats the question: its id, and the URI that was asked for."""
    found: dict[str, Any] = json.loads(body)
    own = f'"id":{json.dumps(found["id"])}'.encode()
    assert body.count(own) == 1
    return body.replace(own, b'"id":0').replace(json.dumps(name).encode(), b'""')


async def test_a_tool_can_ask_who_calls(site: Site, era: Era) -> None:
    async with agent(site, era) as (client, _):
        known, own = json.loads(await text(client.call_tool("whoami")))
    assert known == own == [AGENT, AGENT, [READ]]


async def test_a_client_that_asks_first_what_is_spoken_ends_up_in_the_newest_revision(site: Site) -> None:
    async with connected(site.url, site.accredit.token(READ), "auto") as (client, _):
        assert client.protocol_version == "2026-07-28"
        assert client.server_info.name == "Ledger"
        assert await text(client.call_tool("read")) == "tool read ran"


async def test_each_call_of_a_tool_is_told_its_own_caller(site: Site, era: Era) -> None:
    other = site.accredit.token(f"{READ} {PURGE}", sub="usr_somebody", client_id="app_other")
    async with agent(site, era) as (client, _), connected(site.url, other, era) as (second, _):
        for _ in range(2):
            assert json.loads(await text(client.call_tool("whoami")))[0][:2] == [AGENT, AGENT]
            assert json.loads(await text(second.call_tool("whoami")))[0] == [
                "usr_somebody",
                "app_other",
                [PURGE, READ],
            ]


async def test_a_tool_that_tells_its_progress_is_heard(site: Site, era: Era, request: pytest.FixtureRequest) -> None:
    heard: list[float] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        heard.append(done)

    async with agent(site, era) as (client, _):
        assert await text(client.call_tool("reckon", progress_callback=progress)) == "tool reckon ran"
    assert heard == ([1, 2] if "sse" in request.node.callspec.id else [])
