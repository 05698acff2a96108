"""`make conformance`: the judges that no one here wrote. None of them applies yet, and this says so and fails.

It stays red until a judge has really run: a target that reports nothing as success would be worse than none.
"""

import re
import shutil
import subprocess
import sys
from typing import Final

NODE: Final = 22

JUDGES: Final = (
    ("@modelcontextprotocol/conformance authorization", "needs /authorize, sign-in and consent"),
    ("@modelcontextprotocol/conformance client", "needs accredit_sdk.agent"),
    (
        "@modelcontextprotocol/conformance server",
        "needs a proxy that adds a token, and the gateway for its second half",
    ),
    ("MCP Inspector, mcp-remote, the SDKs' own OAuth clients", "need /authorize and registration"),
    ("schemathesis on the management API", "needs its public listener, protected by Accredit itself"),
)


def main() -> int:
    """Say what is judged today; return 0 only when every judge that applies has passed."""
    node = _node()
    if node < NODE:
        found = f"found {node}" if node else "none found"
        print(f"conformance: Node {NODE} or newer is needed for the judges from npm ({found}).")
        print("             The npm package node@22 brings it; put node_modules/node/bin first in PATH.")
    print("conformance: nothing is judged yet.")
    for judge, lack in JUDGES:
        print(f"  not run  {judge}: {lack}")
    return 2


def _node() -> int:
    """Return the major version of the Node on PATH; 0 if there is none."""
    program = shutil.which("node")
    if program is None:
        return 0
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.", said)
    return int(found.group(1)) if found else 0


if __name__ == "__main__":
    sys.exit(main())
