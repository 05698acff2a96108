"""Documents as programs: their blocks in order, run in a folder of their own: beside copies of the examples, or empty.

What a block is, its info string says: `sh` is run to its end, `sh serve` is left running, `text` after one of them is
what it prints (lines may be left out), `python` is executed; other words after the language say who else looks at it.
"""

import contextlib
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.laws.tree import ROOT

READY = {r"^accredit (.* )?up$": "8700", r"^python (examples/(guarded_)?ledger|notes|guarded)\.py": "8701"}
"""A command that is left running, and the port (as documents write it) that it listens on."""

UP = "accredit up\n"
"""What starts Accredit."""

_BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_VARIES = (
    (re.compile(r"\b[a-z]{3}_[0-9a-v]{26}\b"), "an-id"),
    (re.compile(r"\b[\w-]{43}\b"), "a-key"),
    (re.compile(r"\b(ledger|notes)-[0-9a-v]{6}\b"), "a-guard"),
    (re.compile(r"127\.0\.0\.1:\d+"), "an-address"),
    (re.compile(r"\b\d+ ms\b"), "some ms"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), "a-moment"),
    (re.compile(r"─+"), "─"),
    (re.compile(r"[^\S\n]+"), " "),
)
_DECISION = re.compile(r"\bdec_[0-9a-v]{26}\b")
_PATIENCE = 30


@dataclass(frozen=True)
class Block:
    """A fenced block: language, the words after it, text, and where it stands."""

    language: str
    words: tuple[str, ...]
    text: str
    where: str


def blocks(path: Path, text: str | None = None) -> list[Block]:
    """Return the blocks of a document, in order."""
    source = path.read_text() if text is None else text
    return [
        Block(found[1], tuple(found[2].split()), found[3], f"{path.name}:{source[: found.start()].count(chr(10)) + 1}")
        for found in _BLOCK.finditer(source)
    ]


def same(text: str) -> list[str]:
    """Return the lines of `text` with everything that differs from run to run replaced by a word."""
    for pattern, word in _VARIES:
        text = pattern.sub(word, text)
    return [line.strip() for line in text.splitlines() if line.strip()]


def missing(expected: str, said: str) -> list[str]:
    """Return the lines of `expected` that `said` does not have, in this order."""
    there = iter(same(said))
    return [line for line in same(expected) if line not in there]


def free_port() -> str:
    """Return a port of loopback that nobody listens on now, and that no outgoing connection will ever get by itself."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return str(port)


_LEFT_OUT = ("ACCREDIT_", "COV_", "COLUMNS", "LINES", "PYTHON", "VIRTUAL_ENV")
"""What a walk does not inherit: settings, and the width that readline leaves to the children of its program."""


class Walk:
    """Runs the blocks of one document. A walk that is `empty` has a home of its own, and nothing of the checkout."""

    def __init__(self, folder: Path, environment: Mapping[str, str] = {}, *, empty: bool = False) -> None:
        self.folder = folder
        self._ports = {written: free_port() for written in READY.values()}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_LEFT_OUT)}
        found = {"ACCREDIT_PORT": self._ports["8700"], "PYTHONUNBUFFERED": "1", "PATH": _path(empty=empty)}
        self._environment = {**kept, **found, **environment}
        self._running = contextlib.ExitStack()
        self._serving: dict[str, subprocess.Popen[bytes]] = {}
        self._decision = ""
        if empty:
            self._environment["HOME"] = str(folder / "home")
            (folder / "home").mkdir()
            return
        (folder / ".venv").symlink_to(Path(sys.prefix))
        shutil.copytree(ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns("__pycache__"))
        for path in (folder / "examples").glob("*.py"):
            path.write_text(self.local(path.read_text()))

    def local(self, text: str) -> str:
        """Return `text` with the ports of this walk, and with the decision that was told last for any other one."""
        for written, ours in self._ports.items():
            text = re.sub(rf"\b{written}\b", ours, text)
        return _DECISION.sub(self._decision, text) if self._decision else text

    def __enter__(self) -> "Walk":
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def run(self, block: Block) -> str:
        """Run a block of commands to its end and return what it says; what ends with an error stops the walk."""
        done = subprocess.run(
            ["bash", "-euc", self.local(block.text)],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, f"{block.where}: ended with {done.returncode}\n{done.stdout}{done.stderr}"
        self._decision = next(iter(reversed(_DECISION.findall(done.stdout))), self._decision)
        return done.stdout

    def serve(self, block: Block) -> None:
        """Start a block of commands and leave it running as soon as it listens; what listened there before is stopped.

        That is what Ctrl-C does in the terminal where the block is typed.
        """
        port = next(self._ports[port] for known, port in READY.items() if re.search(known, block.text, re.MULTILINE))
        if before := self._serving.pop(port, None):
            _stop(before, signal.SIGINT)
        log = self.folder / f"{port}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["bash", "-euc", self.local(block.text)],
                cwd=self.folder,
                env=self._environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._serving[port] = process
        self._running.callback(_stop, process)
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", int(port)), 1) as probe:
                probe.settimeout(5)  # it listens before it answers, and commands come in by another socket
                probe.sendall(f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
                if probe.recv(1):
                    return
            time.sleep(0.05)
        raise AssertionError(f"{block.where}: nobody listens on {port}\n{log.read_text()}")

    def through(self, document: Path) -> Iterator[tuple[Block, str]]:
        """Run the commands of a document in order; yield each block that is no command, with what was said last."""
        said = ""
        for block in blocks(document):
            if block.language != "sh" or {"make", "example"} & {*block.words, block.text.partition(" ")[0]}:
                yield block, said
            elif "serve" in block.words:
                self.serve(block)
            else:
                said = self.run(block)


def _path(*, empty: bool) -> str:
    """Return where commands are found: in the checkout's environment first, or just not in it."""
    theirs = os.environ["PATH"].split(os.pathsep)
    if not empty:
        return os.pathsep.join([f"{sys.prefix}/bin", *theirs])
    python = Path(sys.base_prefix, "bin")
    return os.pathsep.join([str(python), *(name for name in theirs if not Path(name).is_relative_to(sys.prefix))])


def _stop(process: subprocess.Popen[bytes], by: signal.Signals = signal.SIGTERM) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, by)
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
