"""How the author of Ledger tests who may call what: the official client, the real guard, no network.

Run it with `python -m pytest examples/test_ledger.py`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from ledger import ledger
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

from accredit_sdk import Target
from accredit_sdk.testing import AGENT, StandIn, started

URL = "http://127.0.0.1:8701/mcp"
TOOLS = [Target.tool("list_invoices", "ledger:invoices:read"), Target.tool("pay_invoice", "ledger:invoices:pay")]

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def ledger_for(accredit: StandIn, folder: Path, scope: str) -> AsyncIterator[Client]:
    """Start Ledger behind its guard and connect a client that holds `scope`."""
    guarded = accredit.guard(ledger.streamable_http_app(), folder)
    bearer = {"Authorization": f"Bearer {accredit.token(scope)}"}
    async with (
        started(guarded),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(guarded), headers=bearer) as http,
        Client(streamable_http_client(URL, http_client=http), mode="2026-07-28") as client,
    ):
        yield client


async def test_a_reader_lists_invoices_and_pays_none(tmp_path: Path) -> None:
    """A role of one scope reaches one tool, and the guard says what was missing."""
    accredit = StandIn(URL, TOOLS)
    async with ledger_for(accredit, tmp_path, "ledger:invoices:read") as client:
        assert "INV-1" in str((await client.call_tool("list_invoices", {})).content)
        with pytest.raises(MCPError) as refused:
            await client.call_tool("pay_invoice", {"number": "INV-1"})
        assert refused.value.error.data["missing_scopes"] == ["ledger:invoices:pay"]
    assert accredit.decisions()[-1]["reason"] == "insufficient_scope"


async def test_a_suspended_agent_is_out_at_once(tmp_path: Path) -> None:
    """The token would live for five minutes; the very next call is refused."""
    accredit = StandIn(URL, TOOLS)
    async with ledger_for(accredit, tmp_path, "ledger:invoices") as client:
        await client.call_tool("list_invoices", {})
        accredit.suspend(AGENT)
        with pytest.raises(MCPError):
            await client.call_tool("list_invoices", {})
    assert accredit.decisions()[-1]["reason"] == "suspended"
