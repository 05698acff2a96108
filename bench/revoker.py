"""Who revokes: a process of its own, so that the time of its answer is not that of a process that does more.

`python -m bench.revoker SOCKET` asks the management API at that Unix socket for each path that it reads, and prints on
CLOCK_MONOTONIC, which is one for the machine, when the answer was there.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import httpx2

from bench.running import ROOT, Unavailable

READY: Final = "ready"


class Revoker:
    """The other end of that process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._asks, self._says = _pipes(process)

    def begin(self, path: str) -> None:
        """Ask the management API to do something."""
        self._asks.write(f"{path}\n")
        self._asks.flush()

    def answered(self) -> float:
        """Wait for its answer and return when that was there. Raises Unavailable when it is no success."""
        line = self._says.readline().strip()
        try:
            return float(line)
        except ValueError:
            raise Unavailable(f"the revocation failed: {line}") from None

    def do(self, path: str) -> float:
        """Ask, and wait for the answer."""
        self.begin(path)
        return self.answered()


@contextmanager
def revoker(socket: Path) -> Iterator[Revoker]:
    """Run one until the block ends."""
    command = [sys.executable, "-m", "bench.revoker", str(socket)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        found = Revoker(process)
        if _pipes(process)[1].readline().strip() != READY:
            raise Unavailable("the process that revokes did not start: its output above says why")
        yield found
        _pipes(process)[0].close()


def _pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout


def _main(socket: str) -> None:
    transport = httpx2.HTTPTransport(uds=socket)
    with httpx2.Client(transport=transport, base_url="http://localhost/api/v1", timeout=30) as client:
        client.get("/status")
        print(READY, flush=True)
        for line in sys.stdin:
            answer = client.post(line.strip())
            print(time.monotonic() if answer.is_success else f"{answer.status_code} {answer.text[:200]}", flush=True)


if __name__ == "__main__":
    _main(sys.argv[1])
