"""A guarded server as a process of its own: `python -m tests.support.guarded_process SETTINGS`, which are JSON.

`issuer`, `resource`, `folder` and `code` are those of the guard, and so is what else there is; `longest` is the longest
file in bytes that it may write.
"""

import json
import resource as limits
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import uvicorn

from accredit_sdk import Guard
from tests.support.ledgers import Ledger
from tests.support.process import ROOT, Up, environment
from tests.support.until import until


def furnished(server: Up, resource: str) -> dict[str, Any]:
    """Make a server with a tool of each kind and an agent that may use both; return the agent."""
    tools = [
        {"name": "read", "needs": ["r"], "read_only": True},
        {"name": "purge", "needs": ["r"], "destructive": True},
    ]
    scopes = [{"word": "r"}]
    server.made("/servers", slug="ledger", resource=resource, scopes=scopes, tools=tools, default_scopes=["r"])
    server.made("/roles", slug="clerk", scopes={"ledger": ["r"]})
    found: dict[str, Any] = server.made("/agents", slug="bot", owner="dana", roles=["clerk"])
    return found


@contextmanager
def guarded(resource: str, folder: Path, **settings: Any) -> Iterator[httpx2.Client]:
    """Run one until the block ends; yield a client."""
    given = json.dumps({"resource": resource, "folder": str(folder), **settings})
    with folder.with_name(f"{folder.name}.log").open("ab") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.guarded_process", given],
            cwd=ROOT, env=environment(), stdout=said, stderr=said,
        )  # fmt: skip
    try:
        with httpx2.Client(trust_env=False, timeout=30) as http:
            until(lambda: _reaches(http, resource), 60)
            yield http
    finally:
        process.terminate()
        process.wait(20)


def call(http: httpx2.Client, url: str, token: str, tool: str) -> httpx2.Response:
    """Call a tool, as a client of the 2025-11-25 revision without a session."""
    headers = {
        "authorization": f"Bearer {token}",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2025-11-25",
    }
    params = {"name": tool, "arguments": {}}
    return http.post(url, headers=headers, json={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})


def _reaches(http: httpx2.Client, url: str) -> bool:
    try:
        return http.get(url).status_code == 401
    except httpx2.TransportError:
        return False


def _serve(resource: str, longest: int | None = None, **settings: Any) -> None:
    if longest is not None:
        limits.setrlimit(limits.RLIMIT_FSIZE, (longest, longest))
    app = Ledger("official").app(json=True, stateless=True)
    port = int(resource.rpartition(":")[2].partition("/")[0])
    uvicorn.run(Guard(app, resource=resource, **settings), port=port, log_level="error")


if __name__ == "__main__":
    _serve(**json.loads(sys.argv[1]))
