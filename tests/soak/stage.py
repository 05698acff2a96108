"""Everything that runs: a PostgreSQL, two nodes of Accredit behind a balancer, guarded servers. Each is a process."""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2

from accredit.testing.postgres import Postgres
from tests.support.process import ACCREDIT, ROOT, environment, free_port, run
from tests.support.until import until

_START_SECONDS: Final = 60


@dataclass
class Program:
    """A process that can be killed and started again; `answers` is an address that it serves when it is there."""

    name: str
    command: list[str]
    answers: str
    log: Path
    settings: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0

    def start(self) -> None:
        """Start it, and return at once."""
        self.starts += 1
        with self.log.open("ab") as said:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT, env=environment(**self.settings), stdout=said, stderr=said
            )

    def ready(self) -> bool:
        """Tell whether it answers."""
        assert self.process is not None
        assert self.process.poll() is None, f"{self.name} has ended: {self.log.read_text()[-2000:]}"
        try:
            httpx2.get(self.answers, trust_env=False, timeout=5)
        except httpx2.TransportError:
            return False
        return True

    def end(self, how: signal.Signals) -> None:
        """End it, and wait until it has ended."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(_START_SECONDS)

    def resident(self) -> float:
        """Return its resident memory in MB, 0 when it does not run."""
        if self.process is None or self.process.poll() is not None:
            return 0.0
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * 4096 / 1e6


@dataclass
class Stage:
    """The nodes, the servers, and where the management API is: at the first node, which is never killed."""

    issuer: str
    nodes: list[Program]
    servers: dict[str, Program]
    resources: dict[str, str]
    socket: Path

    def administrator(self) -> httpx2.Client:
        """Return a client of the management API."""
        transport = httpx2.HTTPTransport(uds=str(self.socket))
        return httpx2.Client(transport=transport, base_url="http://accredit/api/v1", timeout=60)


@contextmanager
def stage(servers: tuple[str, ...]) -> Iterator[Stage]:
    """Start it all; each server has a tool `read` that needs `r` and a destructive `purge` that needs `p`."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="soak-")))
        postgres = stack.enter_context(Postgres.start(fsync=False))
        ports = [free_port(), free_port()]
        issuer = f"http://127.0.0.1:{free_port()}"
        given = {"database": postgres.create_database("soak"), "issuer": issuer}
        assert run("migrate", folder=folder / "one", **given).status == 0
        nodes = [_node(folder / name, port, given) for name, port in zip(("one", "two"), ports, strict=True)]
        stack.enter_context(_running(nodes[0]))
        stack.enter_context(_running(_balancer(folder, issuer, ports)))
        (folder / "two").mkdir(mode=0o700)
        shutil.copy(folder / "one" / "master.key", folder / "two" / "master.key")
        stack.enter_context(_running(nodes[1]))
        found = Stage(issuer, nodes, {}, {}, folder / "one" / "admin.sock")
        with found.administrator() as admin:
            for name in servers:
                found.resources[name] = f"http://127.0.0.1:{free_port()}/mcp"
                code = _registered(admin, name, found.resources[name])
                found.servers[name] = _server(folder, name, issuer, found.resources[name], code)
                stack.enter_context(_running(found.servers[name]))
        yield found


def _node(data: Path, port: int, given: dict[str, str]) -> Program:
    command = [str(ACCREDIT), "--data", str(data), "up", "--port", str(port)]
    return Program(f"node {data.name}", command, f"http://127.0.0.1:{port}/healthz", data.with_suffix(".log"), given)


def _balancer(folder: Path, issuer: str, ports: list[int]) -> Program:
    port = issuer.rpartition(":")[2]
    command = [sys.executable, "-m", "tests.soak.balance", port, *map(str, ports)]
    return Program("balancer", command, issuer, folder / "balancer.log")


def _server(folder: Path, name: str, issuer: str, resource: str, code: str) -> Program:
    given = {"issuer": issuer, "resource": resource, "folder": str(folder / name), "code": code}
    command = [sys.executable, "-m", "tests.support.guarded_process", json.dumps(given)]
    return Program(f"server {name}", command, resource, folder / f"{name}.log")


def _registered(admin: httpx2.Client, name: str, resource: str) -> str:
    """Register a server and return a code for its guard."""
    tools = [
        {"name": "read", "needs": ["r"], "read_only": True},
        {"name": "purge", "needs": ["p"], "destructive": True},
    ]
    body = {"slug": name, "resource": resource, "scopes": [{"word": "r"}, {"word": "p"}], "tools": tools}
    made(admin, "/servers", **body, default_scopes=["r"])
    made(admin, "/roles", slug=f"{name}-reader", scopes={name: ["r"]})
    made(admin, "/roles", slug=f"{name}-purger", scopes={name: ["p"]})
    return str(made(admin, f"/servers/{name}/enrolments", name=f"{name}-guard")["code"])


def made(admin: httpx2.Client, where: str, **body: Any) -> Any:
    """Create something over the management API."""
    answer = admin.post(where, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


@contextmanager
def _running(program: Program) -> Iterator[None]:
    program.start()
    try:
        until(program.ready, _START_SECONDS)
        yield
    finally:
        program.end(signal.SIGKILL)
