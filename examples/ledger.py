"""Ledger: a small MCP server that trusts everybody. It knows nothing of Accredit.

Run it alone with `python examples/ledger.py`; see `guarded_ledger.py` for the one line that makes it safe.
"""

import logging

import uvicorn
from mcp.server.mcpserver import MCPServer
from mcp.types import ToolAnnotations

log = logging.getLogger("ledger")
ledger = MCPServer("Ledger")
invoices = {"INV-1": 120, "INV-2": 4800}


@ledger.tool(annotations=ToolAnnotations(readOnlyHint=True))
def list_invoices() -> dict[str, int]:
    """List every open invoice with its amount in euros."""
    log.info("handler list_invoices started")
    return dict(invoices)


@ledger.tool()
def create_invoice(number: str, amount: int) -> str:
    """Write a new invoice."""
    log.info("handler create_invoice started")
    invoices[number] = amount
    return f"{number} over {amount} euros created"


@ledger.tool()
def pay_invoice(number: str) -> str:
    """Pay an open invoice."""
    log.info("handler pay_invoice started")
    return f"{number}: {invoices.pop(number)} euros paid"


@ledger.tool(annotations=ToolAnnotations(destructiveHint=True))
def purge_ledger() -> str:
    """Delete every invoice."""
    log.info("handler purge_ledger started")
    invoices.clear()
    return "the ledger is empty"


app = ledger.streamable_http_app()

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    uvicorn.run(app, port=8701)
