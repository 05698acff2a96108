"""The very same server behind a guard: `python -m tests.conformance.guarded --help`."""

import argparse
import logging

import uvicorn

from accredit_sdk import Guard
from tests.conformance.everything.server import HTTP, app


def main() -> None:
    """Serve it. `resource` is what clients call it: something in front of the guard listens there."""
    arguments = argparse.ArgumentParser(description=__doc__)
    for name in ("issuer", "resource", "folder"):
        arguments.add_argument(f"--{name}", required=True)
    arguments.add_argument("--port", type=int, required=True)
    given = arguments.parse_args()
    logging.basicConfig(level=logging.INFO)
    guarded = Guard(app(), issuer=given.issuer, resource=given.resource, folder=given.folder)
    uvicorn.run(guarded, port=given.port, **HTTP)


if __name__ == "__main__":
    main()
