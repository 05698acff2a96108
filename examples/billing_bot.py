"""billing-bot: an agent that calls one tool with the official client. `AgentAuth` is all that it knows of tokens.

Make its identity with `accredit agent add billing-bot --owner … --secret-file billing-bot.secret --json > FILE`, then:
`python examples/billing_bot.py FILE list_invoices`, or `… FILE pay_invoice number=INV-1`.
"""

import argparse
import asyncio
import json
from pathlib import Path

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

from accredit_sdk import AgentAuth
from accredit_sdk.agent import load_key


async def call(server: str, auth: AgentAuth, tool: str, arguments: dict[str, str]) -> str:
    """Call a tool; return what it said, or what it was refused for."""
    async with (
        httpx2.AsyncClient(auth=auth) as http,
        Client(streamable_http_client(server, http_client=http), mode="2026-07-28") as client,
    ):
        try:
            result = await client.call_tool(tool, arguments)
        except MCPError as refused:
            decision = (refused.error.data or {}).get("decision_id")
            return refused.error.message + (f"; decision {decision}" if decision else "")
        return " ".join(" ".join(getattr(part, "text", "").split()) for part in result.content)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--issuer", default="http://127.0.0.1:8700")
    arguments.add_argument("--server", default="http://127.0.0.1:8701/mcp")
    arguments.add_argument("--key", type=Path, help="its private key, instead of the secret")
    arguments.add_argument("identity", type=Path)
    arguments.add_argument("tool")
    arguments.add_argument("argument", nargs="*", help="name=value")
    given = arguments.parse_args()
    known = json.loads(given.identity.read_text())
    secret = None if given.key else Path(known["secret_file"]).read_text().strip()
    key = load_key(given.key) if given.key else None
    auth = AgentAuth(issuer=given.issuer, client_id=known["client_id"], secret=secret, key=key)
    pairs = dict(text.split("=", 1) for text in given.argument)
    print(asyncio.run(call(given.server, auth, given.tool, pairs)))
