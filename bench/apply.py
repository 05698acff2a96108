"""What a large file costs: `accredit apply` of 1,000 servers and 10,000 agents on a fresh node with SQLite.

`whole` is what a person waits for who types the command: reading the file, the plan, and one transaction. `token_wait`
is the longest that a token request waited meanwhile, of an agent that asks again as soon as it was answered.
"""

import json
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx2

from bench import nodes
from bench.figure import Figure, Measure, Pair, Plan, Round
from bench.running import BUILD, Unavailable
from bench.verdict import Bar

SERVERS: Final = 1_000
AGENTS: Final = 10_000

_RESOURCE: Final = "http://127.0.0.1:9/asked"
_FURNITURE: Final = (
    ("server", "add", _RESOURCE, "--name", "asked", "--scope", "asked:read", "--default", "asked:read"),
    ("role", "add", "asker", "--scope", "asked=asked:read"),
)


@contextmanager
def opened(plan: Plan) -> Iterator[Round]:
    """Yield a round: a fresh node on the core for servers, and whoever asks it on the other one."""

    def run(number: int) -> Mapping[str, Pair]:
        found = measure(plan.server_core)
        plan.say(f"  {number + 1:2}  " + ", ".join(f"{name} {seconds:.2f} s" for name, (seconds, _) in found.items()))
        return found

    yield run


def measure(core: int) -> dict[str, Pair]:
    """Return the seconds of one apply, and of the longest wait for a token meanwhile; the node runs on `core`."""
    data = BUILD / "bench" / "apply"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True, mode=0o700)
    file = data.parent / "apply.json"
    file.write_text(json.dumps(document(SERVERS, AGENTS)))
    with nodes.running(core, data) as node:
        for words in _FURNITURE:
            _said(data, *words)
        asker = json.loads(_said(data, "agent", "add", "asker", "--owner", "bench", "--role", "asker"))
        with _asking(node.issuer, (asker["client_id"], asker["secret"])) as waits:
            started = time.perf_counter()
            done = json.loads(_said(data, "apply", str(file)))
            whole = time.perf_counter() - started
        if done["counts"]["add"] != SERVERS + AGENTS + 1:
            raise Unavailable(f"the file added {done['counts']['add']} nouns")
    return {"apply.whole": (whole, None), "apply.token_wait": (max(waits), None)}


def document(servers: int, agents: int) -> dict[str, Any]:
    """Return a file with so many servers of two tools each, a role over all of them, and agents that hold it."""
    named = {
        f"server-{number:05}": {
            "resource": f"https://server-{number:05}.example/mcp",
            "scopes": {"read": "Read", "write": "Write"},
            "tools": {"look": {"needs": ["read"], "read_only": True}, "change": {"needs": ["write"]}},
        }
        for number in range(servers)
    }
    holders = {f"agent-{number:05}": {"owner": "bench", "roles": {"reader": {}}} for number in range(agents)}
    return {
        "accredit": 1,
        "servers": named,
        "roles": {"reader": {"scopes": {slug: ["read"] for slug in named}}},
        "agents": holders,
    }


def _said(data: Path, *words: str) -> str:
    command = [nodes.ACCREDIT, "--data", str(data), "--json", "--yes", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"accredit {words[0]} ended with {done.returncode}: {done.stderr[-300:]}")
    return done.stdout


@contextmanager
def _asking(issuer: str, secret: tuple[str, str]) -> Iterator[list[float]]:
    """Ask for tokens, one after the other, until the block ends; yield the seconds that each one took."""
    waits: list[float] = []
    refused: list[str] = []
    over = threading.Event()

    def ask() -> None:
        form = {"grant_type": "client_credentials", "resource": _RESOURCE}
        with httpx2.Client(auth=secret, timeout=300, trust_env=False) as http:
            while not over.is_set():
                started = time.perf_counter()
                answer = http.post(f"{issuer}/token", data=form)
                waits.append(time.perf_counter() - started)
                if not answer.is_success:
                    refused.append(f"{answer.status_code}: {answer.text[:200]}")
                over.wait(0.005)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield waits
    finally:
        over.set()
        thread.join()
    if refused or not waits:
        raise Unavailable(f"{len(refused)} token requests were refused, the first with {refused[:1]}")


FIGURE: Final = Figure(
    "apply", (Measure("apply.whole", "s", Bar(30)), Measure("apply.token_wait", "s", Bar(1))), opened, dict
)
