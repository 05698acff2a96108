"""The official client signs in by the guard's 401, and asks for more by its 403, all by itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.authority import FakeAccredit
from tests.support.authorization import CIMD, PERSON, AuthorizationServer, person_with_browser
from tests.support.clients import Era, connected, refusal, text
from tests.support.guarded_site import Site, guarded_site
from tests.support.ledgers import PURGE, READ, TARGETS, WRITE, Ledger
from tests.support.served import listening, served


@asynccontextmanager
async def signing_in(folder: Path, *ceiling: str, cimd: bool = True) -> AsyncIterator[tuple[Site, AuthorizationServer]]:
    """Serve a guarded ledger, and the authorization server that its metadata names."""
    listener, issuer = listening()
    accredit = FakeAccredit(issuer=issuer, targets=TARGETS)
    server = AuthorizationServer(accredit, frozenset(ceiling), cimd)
    with served(server.app(), listener):
        async with guarded_site(folder, Ledger("official"), accredit) as site:
            yield site, server


@pytest.mark.parametrize("era", ["2026-07-28", "2025-11-25"])
@pytest.mark.parametrize("cimd", [True, False], ids=["cimd", "dcr"])
async def test_a_client_signs_in_and_steps_up_by_the_challenges_alone(tmp_path: Path, era: Era, cimd: bool) -> None:
    async with (
        signing_in(tmp_path, READ, WRITE, PURGE, cimd=cimd) as (site, server),
        connected(site.url, None, era, auth=person_with_browser(site.url)) as (client, wire),
    ):
        assert await text(client.call_tool("read")) == "tool read ran"
        assert server.asked == [{READ}]
        assert await text(client.call_tool("post")) == "tool post ran"
        assert server.asked == [{READ}, {READ, WRITE}]
        assert await text(client.call_tool("purge")) == "tool purge ran"
        assert server.asked == [{READ}, {READ, WRITE}, {READ, WRITE, PURGE}]
        for tool in ("read", "post", "purge"):
            assert await text(client.call_tool(tool)) == f"tool {tool} ran"
        who = await text(client.call_tool("whoami"))
        assert PERSON in who
        assert (CIMD in who) is cimd
    assert len(server.asked) == 3
    assert [one.status for one in wire.heard if one.status == 401] == [401]
    assert site.ledger.started == [
        f"tool {name}" for name in ("read", "post", "purge", "read", "post", "purge", "whoami")
    ]


@pytest.mark.parametrize("era", ["2026-07-28", "2025-11-25"])
async def test_a_scope_that_is_never_granted_costs_one_sign_in_for_each_call_and_no_loop(
    tmp_path: Path, era: Era
) -> None:
    async with (
        signing_in(tmp_path, READ, WRITE) as (site, server),
        connected(site.url, None, era, auth=person_with_browser(site.url)) as (client, _),
    ):
        for tool in ("read", "post"):
            assert await text(client.call_tool(tool)) == f"tool {tool} ran"
        asked = len(server.asked)
        code, data = await refusal(client.call_tool("purge"))
        assert (code, data["missing_scopes"]) == (403, [PURGE])
        assert server.asked[asked:] == [{READ, WRITE, PURGE}]
        for tool in ("read", "post"):
            assert await text(client.call_tool(tool)) == f"tool {tool} ran"
        assert len(server.asked) == asked + 1
    assert "tool purge" not in site.ledger.started
