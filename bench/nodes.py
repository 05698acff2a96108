"""A node of Accredit under test: `accredit up` in a process of its own, on a core of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2

from bench.processes import free_port, pinned
from bench.running import Unavailable, first_line

ACCREDIT: Final = str(Path(sys.executable).with_name("accredit"))
_PATIENCE: Final = 30


@dataclass(frozen=True, slots=True)
class Node:
    """A node that answers at `origin`, for `issuer`; its data folder and its process."""

    origin: str
    issuer: str
    data: Path
    pid: int

    @property
    def socket(self) -> Path:
        """Where its local administrator reaches it."""
        return self.data / "admin.sock"

    @contextmanager
    def administrator(self) -> Iterator[httpx2.Client]:
        """Yield a client of the management API."""
        transport = httpx2.HTTPTransport(uds=str(self.socket))
        with httpx2.Client(transport=transport, base_url="http://localhost/api/v1", timeout=_PATIENCE) as client:
            yield client


@contextmanager
def running(core: int, data: Path, *, database: str = "", issuer: str = "") -> Iterator[Node]:
    """Run a node on `core` until the block ends. Raises Unavailable.

    `database`: the address of a PostgreSQL, whose tables are made if need be; else it is a file in `data`. `issuer`:
    of the node beside which it runs; else it is where it listens.
    """
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    told = {"ACCREDIT_DATABASE": database} if database else {}
    told |= {"ACCREDIT_ISSUER": issuer} if issuer else {}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ACCREDIT_")} | told
    command = [ACCREDIT, "--data", str(data)]
    if database and subprocess.run([*command, "migrate"], env=environment, check=False, capture_output=True).returncode:
        raise Unavailable(f"Accredit could not make its tables: run {' '.join(command)} migrate to see why")
    with pinned(core):
        process = subprocess.Popen([*command, "up", "--port", str(port)], env=environment, stdout=subprocess.PIPE)
    with process:
        try:
            first_line(process, "accredit up")
            yield Node(origin, issuer or origin, data, process.pid)
        finally:
            process.terminate()
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()


def made(client: httpx2.Client, path: str, **body: Any) -> dict[str, Any]:
    """Create something and return what was made. Raises Unavailable."""
    answer = client.post(path, json=body)
    if answer.status_code != 201:
        raise Unavailable(f"Accredit could not be furnished: {path} answers {answer.status_code} {answer.text[:300]}")
    found: dict[str, Any] = answer.json()
    return found
