"""Archive: a second small MCP server, behind a guard of its own. An agent needs no second identity for it.

Make the guard's identity once with `accredit guard enrol archive` and `python -m accredit_sdk.guard enrol …`.
"""

import argparse
import logging

import uvicorn
from mcp.server.mcpserver import MCPServer
from mcp.types import ToolAnnotations

from accredit_sdk import Guard

archive = MCPServer("Archive")
receipts = {"INV-1": "paid by bank transfer", "INV-2": "not paid yet"}


@archive.tool(annotations=ToolAnnotations(readOnlyHint=True))
def find_receipt(number: str) -> str:
    """Say what the archive knows of an invoice."""
    return f"{number}: {receipts.get(number, 'nothing is known')}"


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--issuer", default="http://127.0.0.1:8700")
    arguments.add_argument("--folder", default="archive-guard")
    arguments.add_argument("--port", type=int, default=8702)
    given = arguments.parse_args()
    logging.basicConfig(level=logging.INFO)
    resource = f"http://127.0.0.1:{given.port}/mcp"
    guarded = Guard(archive.streamable_http_app(), issuer=given.issuer, resource=resource, folder=given.folder)
    uvicorn.run(guarded, port=given.port, log_level="warning")
