"""What we cost before anything happens: an import, a guard inside of somebody's server, a server that waits.

Each is a process of its own. `import_time` is the CPU time of `import accredit_sdk` alone, `import_memory` what
resident memory grows by with it, over an interpreter that has loaded nothing else. `guard_memory` is how much more an
MCP SDK server has that has answered calls behind a guard than the same server without one; the test double that plays
Accredit is counted as the guard's. `idle_server_memory` is the resident memory of `accredit up` on SQLite once it
answers. MB are 10⁶ bytes.
"""

import shutil
import statistics
import subprocess
import sys
from typing import Final

import httpx2

from bench import nodes
from bench.figure import Pair
from bench.processes import cores, resident_memory
from bench.running import BUILD, ROOT, Unavailable

PROCESSES: Final = 1
"""Of each kind in one round; more of them are for a look without rounds."""

_IMPORT: Final = """
import os, time
def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6
resident()
before, started = resident(), time.process_time()
import accredit_sdk
print((time.process_time() - started) * 1000, resident() - before)
"""


def measure(processes: int = PROCESSES) -> dict[str, Pair]:
    """Return milliseconds and MB by what they are of."""
    imports = [_said("-c", _IMPORT) for _ in range(processes)]
    guards = [_served("guard") - _served("bare") for _ in range(processes)]
    return {
        "import_time": (statistics.median(one[0] for one in imports), None),
        "import_memory": (statistics.median(one[1] for one in imports), None),
        "guard_memory": (statistics.median(guards), None),
        "idle_server_memory": (_idle_server(), None),
    }


def _served(kind: str) -> float:
    return _said("-m", "bench.served", kind)[0]


def _said(*words: str) -> list[float]:
    """Run Python in a process of its own and return the numbers that it prints."""
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"a process of the figure ended with {done.returncode}: {done.stderr[-300:]}")
    return [float(word) for word in done.stdout.split()]


def _idle_server() -> float:
    data = BUILD / "bench" / "idle"
    shutil.rmtree(data, ignore_errors=True)
    with nodes.running(cores()[0], data) as node:
        httpx2.get(f"{node.origin}/.well-known/oauth-authorization-server", trust_env=False)
        return resident_memory([node.pid]) / 1e6
