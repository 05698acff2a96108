"""A guarded MCP server of the official SDK: `python -m tests.soak.server ISSUER RESOURCE FOLDER CODE PORT`."""

import sys

import uvicorn

from accredit_sdk import Guard
from tests.support.ledgers import Ledger

if __name__ == "__main__":
    issuer, resource, folder, code, port = sys.argv[1:]
    app = Ledger("official").app(json=True, stateless=True)
    guard = Guard(app, issuer=issuer, resource=resource, folder=folder, code=code)
    uvicorn.run(guard, port=int(port), log_level="error")
