"""The command line in this process: what it printed, what it said, how it ended."""

import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from accredit.cli.main import LOG, main


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """What `--json` printed."""
        return json.loads(self.out)

    @property
    def trouble(self) -> Any:
        """What `--json` said on standard error."""
        return json.loads(self.err)


@dataclass(frozen=True, slots=True)
class CommandLine:
    """Runs commands against the node of one data folder. None of them may end in an error that nobody foresaw."""

    folder: Path
    capsys: pytest.CaptureFixture[str]

    def run(self, *words: str, transport: httpx2.BaseTransport | None = None) -> Ran:
        """Run a command to its end, whatever that is."""
        self.capsys.readouterr()
        code = main(["--data", str(self.folder), *words], transport)
        said = self.capsys.readouterr()
        if (log := self.folder / LOG).exists():
            unforeseen = log.read_text()
            log.unlink()
            raise AssertionError(unforeseen)
        assert "Traceback" not in said.err
        assert "internal error" not in said.err
        return Ran(code, said.out, said.err)

    def ok(self, *words: str) -> str:
        """Run a command that must work, and return what a person sees."""
        ran = self.run(*words)
        assert ran.code == 0, ran
        return ran.out

    def data(self, *words: str) -> Any:
        """Run a command that must work, and return what a program gets."""
        ran = self.run(*words, "--json")
        assert ran.code == 0, ran
        return ran.data


def free_port() -> int:
    """Return a TCP port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
