"""The server as its operator runs it: `accredit up` in a process of its own, and what it says on its way."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

ACCREDIT = Path(sys.executable).with_name("accredit")
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err


@dataclass
class Up:
    """A running server."""

    folder: Path
    issuer: str
    process: subprocess.Popen[bytes]
    log: Path
    _clients: dict[str, httpx2.Client] = field(default_factory=dict, repr=False)

    def admin(self) -> httpx2.Client:
        """Return a client of the management API, over the socket."""
        if "admin" not in self._clients:
            transport = httpx2.HTTPTransport(uds=str(self.folder / "admin.sock"))
            found = httpx2.Client(transport=transport, base_url="http://accredit/api/v1", timeout=30)
            self._clients["admin"] = found
        return self._clients["admin"]

    def public(self) -> httpx2.Client:
        """Return a client of the public listener."""
        if "public" not in self._clients:
            self._clients["public"] = httpx2.Client(base_url=self.issuer, trust_env=False, timeout=30)
        return self._clients["public"]

    def made(self, where: str, **body: Any) -> Any:
        """Create something over the management API."""
        answer = self.admin().post(where, json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def kill(self) -> None:
        """Kill it: no handler runs, nothing is flushed."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """End it in good order; return its exit status."""
        self.process.terminate()
        return self.process.wait(30)

    def close(self) -> None:
        """Let go of the clients."""
        for client in self._clients.values():
            client.close()


def free_port() -> int:
    """Return a TCP port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(**settings: str) -> dict[str, str]:
    """Return our own environment with these settings of Accredit and no others, and without a terminal's width.

    Readline sets the width for the children of the program that loads it, and a pipe has none.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("ACCREDIT_") and name not in ("COLUMNS", "LINES")
    }
    return kept | {"PYTHONUNBUFFERED": "1"} | {f"ACCREDIT_{name.upper()}": value for name, value in settings.items()}


def run(*arguments: str, folder: Path, wrapper: tuple[str, ...] = (), **settings: str) -> Ended:
    """Run one command to its end, with `folder` as the data folder."""
    command = [*wrapper, str(ACCREDIT), "--data", str(folder), *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment(**settings), cwd=ROOT, timeout=60, check=False
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@contextmanager
def up(folder: Path, port: int, **settings: str) -> Iterator[Up]:
    """Run the server until the block ends, whichever way."""
    log = folder.with_name(folder.name + ".log")
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [str(ACCREDIT), "--data", str(folder), "up", "--port", str(port)],
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment(**settings),
            cwd=ROOT,
        )
    assert process.stdout is not None
    started: Up | None = None
    try:
        found = re.search(r"https?://\S+", process.stdout.readline().decode())
        assert found is not None, f"the server did not start: {log.read_text()}"
        started = Up(folder, found[0], process, log)
        yield started
        if process.poll() is None:
            assert started.stop() == 0, log.read_text()
    finally:
        if started is not None:
            started.close()
        process.kill()
        process.wait()
        with log.open("ab") as rest:
            rest.write(process.stdout.read())
        process.stdout.close()
