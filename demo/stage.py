"""The stage of the walk-through: real processes in a fresh folder, all gone at the end."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx2

from accredit.testing.postgres import Postgres

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent


class Stage(contextlib.ExitStack):
    """Starts processes and stops them in the end; `folder` is emptied first."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
        self.folder = folder
        self.data = folder / "accredit-data"
        self.issuer = f"http://127.0.0.1:{free_port()}"

    def start(self, name: str, *command: str) -> Path:
        """Start a process whose output goes to a log file; return the file."""
        log = self.folder / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, env=self._environment(), cwd=ROOT
            )
        self.callback(_stop, process)
        return log

    def wait(self, url: str, status: int, log: Path, seconds: float = 20) -> None:
        """Wait until `url` answers with `status`."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx2.TransportError):
                if httpx2.get(url).status_code == status:
                    return
            time.sleep(0.05)
        raise RuntimeError(f"{url} did not answer within {seconds} seconds. Its log:\n{log.read_text()[-2000:]}")

    def postgres(self) -> str:
        """Start a PostgreSQL of our own and return the URL of an empty database."""
        server = self.enter_context(Postgres.start())
        server.create_database("accredit")
        return server.url("accredit")

    def configure(self, database: str | None) -> None:
        """Write the configuration that every command of this stage reads."""
        lines = [f'issuer = "{self.issuer}"', f"port = {self.issuer.rpartition(':')[2]}", f'data = "{self.data}"']
        lines.append(f'checkpoints = "{self.folder / "outside"}"')
        if database is not None:
            lines.append(f'database = "{database}"')
        (self.folder / "accredit.toml").write_text("\n".join(lines) + "\n")
        (self.folder / "accredit.toml").chmod(0o600)

    def accredit(self, *arguments: str) -> Any:
        """Run the CLI and return what `--json` says."""
        done = self.run(*arguments, "--json")
        return json.loads(done) if done.strip() else None

    def run(self, *arguments: str, columns: int = 80) -> str:
        """Run the CLI and return what it prints, laid out for `columns`."""
        config = str(self.folder / "accredit.toml")
        command = [str(BIN / "accredit"), "--config", config, *arguments]
        return self.program(*command, columns=columns)

    def ended(self, code: int, *arguments: str) -> str:
        """Run the CLI, which has to end with that code, and return what it prints."""
        command = [str(BIN / "accredit"), "--config", str(self.folder / "accredit.toml"), *arguments]
        done = self._run(command, None, 80)
        if done.returncode != code:
            raise RuntimeError(f"{' '.join(arguments[:2])} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def program(self, *command: str, given: str | None = None, columns: int = 80) -> str:
        """Run a program to its end and return what it prints; its failure is ours."""
        done = self._run(command, given, columns)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command[:4])} … ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def _run(self, command: Sequence[str], given: str | None, columns: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            input=given,
            capture_output=True,
            text=True,
            env=self._environment() | {"COLUMNS": str(columns)},
            cwd=ROOT,
            timeout=60,
            check=False,
        )

    def _environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("ACCREDIT_")}
        return kept | {"PYTHONUNBUFFERED": "1"}


def free_port() -> int:
    """Return a TCP port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
