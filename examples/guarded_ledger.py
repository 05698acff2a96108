"""Ledger behind Accredit: the server is imported unchanged, and one line puts the guard in front of it.

The folder holds the guard's identity; make it once with
`accredit guard enrol ledger` and `python -m accredit_sdk.guard enrol --issuer URL --folder FOLDER`.
"""

import argparse
import logging

import uvicorn
from ledger import app

from accredit_sdk import Guard

if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--issuer", default="http://127.0.0.1:8700")
    arguments.add_argument("--folder", default="ledger-guard")
    arguments.add_argument("--port", type=int, default=8701)
    given = arguments.parse_args()
    logging.basicConfig(level=logging.INFO)
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # the guard often talks to Accredit
    guarded = Guard(app, issuer=given.issuer, resource=f"http://127.0.0.1:{given.port}/mcp", folder=given.folder)
    uvicorn.run(guarded, port=given.port, log_level="warning")
