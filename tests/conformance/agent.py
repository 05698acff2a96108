"""The agent that the suite judges: the official client with `AgentAuth`, and nothing else. The suite starts it.

The last argument is the server's URL; the environment says which scenario, which revision, and with what credential.
"""

import asyncio
import json
import os
import sys
from typing import Any, Final

import httpx2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from accredit_sdk import AgentAuth
from accredit_sdk.jws import Algorithm, SigningKey

_ERA: Final = {"2026-07-28": "2026-07-28", "2025-11-25": "legacy"}
_NOBODY: Final = {"client_id": "agent", "client_secret": "shown to no issuer that is not the right one"}


def identity(context: dict[str, Any]) -> AgentAuth:
    """Return the identity that the suite gives; any issuer will do, since it names none."""
    pem = context.get("private_key_pem")
    if pem is None:
        known = {**_NOBODY, **context}
        return AgentAuth(client_id=known["client_id"], secret=known["client_secret"], danger_any_issuer=True)
    private = load_pem_private_key(pem.encode(), None)
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise TypeError("the suite's key is for ES256")
    key = SigningKey("suite", Algorithm.ES256, private)
    return AgentAuth(client_id=context["client_id"], key=key, danger_any_issuer=True)


async def run(url: str, era: str, context: dict[str, Any]) -> None:
    """Connect, list the tools, and call the one that the suite may have."""
    async with (
        httpx2.AsyncClient(auth=identity(context), timeout=30) as http,
        Client(streamable_http_client(url, http_client=http), mode=era) as client,
    ):
        names = [tool.name for tool in (await client.list_tools()).tools]
        if "add_numbers" in names:
            await client.call_tool("add_numbers", {"a": 5, "b": 3})


if __name__ == "__main__":
    told = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT", "{}"))
    asyncio.run(run(sys.argv[-1], _ERA[os.environ["MCP_CONFORMANCE_PROTOCOL_VERSION"]], told))
