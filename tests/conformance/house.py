"""Accredit, the server behind a guard, and a proxy with a token in front: real processes, everything registered."""

import asyncio
import re
import time
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2

from accredit.cli.client import Client, path
from demo.stage import BIN, Stage, free_port
from tests.conformance.everything.server import server

_NAME: Final = "everything"
_KINDS: Final = ("tools", "prompts", "resources")
_ASKS: Final = ("sampling", "elicitation", "roots")
_SECONDS: Final = 60
_PYTHON: Final = str(BIN / "python")


def start_direct(stage: Stage) -> str:
    """Start the server with nobody before it; return the address of its endpoint."""
    port = free_port()
    log = stage.start("direct", _PYTHON, "-m", "tests.conformance.everything.server", "--port", str(port))
    stage.wait(f"http://127.0.0.1:{port}/", 404, log, _SECONDS)
    return f"http://127.0.0.1:{port}/mcp"


def start_guarded(stage: Stage) -> str:
    """Start Accredit, the very same server behind a guard, and the proxy; return the address that clients use."""
    resource, behind = f"http://127.0.0.1:{free_port()}/mcp", str(free_port())
    stage.configure(None)
    config = str(stage.folder / "accredit.toml")
    log = stage.start("accredit", str(BIN / "accredit"), "--config", config, "up")
    stage.wait(f"{stage.issuer}/readyz", 200, log, _SECONDS)
    client_id = _register(stage, resource)
    folder = str(stage.folder / "guard")
    code = stage.accredit("guard", "enrol", _NAME)["code"]
    enrol = (_PYTHON, "-m", "accredit_sdk.guard", "enrol", "--issuer", stage.issuer, "--folder", folder)
    stage.program(*enrol, given=code + "\n")
    common = ("--issuer", stage.issuer, "--resource", resource)
    guard = (_PYTHON, "-m", "tests.conformance.guarded", *common, "--folder", folder, "--port", behind)
    guard_log = stage.start("guarded", *guard)
    secret = ("--client-id", client_id, "--secret-file", str(stage.folder / "secret"), "--scope", " ".join(_KINDS))
    port = str(urlsplit(resource).port)
    proxy = (_PYTHON, "-m", "tests.conformance.token_proxy", *common, *secret, "--port", port, "--behind", behind)
    stage.start("proxy", *proxy)
    # Through the proxy: the guard answers to no other name than that of its resource.
    stage.wait(resource.replace("/mcp", "/.well-known/oauth-protected-resource/mcp"), 200, guard_log, _SECONDS)
    _wait_for_decisions(resource, behind)
    return resource


def catalogue() -> dict[str, list[str]]:
    """Return the names of everything that the server has, by kind: the URIs and templates of its resources, too."""

    async def listed() -> dict[str, list[str]]:
        found = server()
        uris = [str(one.uri) for one in await found.list_resources()]
        uris += [one.uri_template for one in await found.list_resource_templates()]
        prompts = [one.name for one in await found.list_prompts()]
        return {"tools": [one.name for one in await found.list_tools()], "prompts": prompts, "resources": uris}

    return asyncio.run(listed())


def registration(resource: str) -> dict[str, Any]:
    """Return the server as the management API takes it: a scope for each name, below one for each kind."""
    words, targets = [{"word": kind} for kind in _KINDS], []
    for kind, names in catalogue().items():
        for name in names:
            word = f"{kind}:{re.sub('[^A-Za-z0-9_]+', '-', name).strip('-')}"
            words.append({"word": word})
            targets.append({"name": name, "kind": kind.removesuffix("s"), "needs": [word]})
    return {"slug": _NAME, "resource": resource, "scopes": words, "tools": targets, "may_ask": _ASKS}


def _register(stage: Stage, resource: str) -> str:
    """Register the server, a role with all of it, and an agent that holds the role; return its client id."""
    api = Client(stage.data, stage.data / "admin.sock")
    api.post(path("servers"), registration(resource))
    api.close()
    granted = [part for kind in _KINDS for part in ("--scope", f"{_NAME}={kind}")]
    stage.accredit("role", "add", "everybody", *granted)
    agent = ("agent", "add", "judge", "--owner", "judge@example.com", "--role", "everybody")
    found: dict[str, str] = stage.accredit(*agent, "--secret-file", str(stage.folder / "secret"))
    return found["client_id"]


def _wait_for_decisions(url: str, behind: str) -> None:
    """Wait until the guard has its policy: until then it answers 503. Make sure that it refuses who has no token."""
    deadline = time.monotonic() + _SECONDS
    while httpx2.get(url, headers={"Mcp-Session-Id": "nobody"}).status_code in (401, 503):
        if time.monotonic() > deadline:
            raise RuntimeError(f"the guard did not decide within {_SECONDS} seconds")
        time.sleep(0.05)
    stranger = httpx2.post(f"http://127.0.0.1:{behind}/mcp", headers={"Host": urlsplit(url).netloc}, json={})
    if stranger.status_code != 401:
        raise RuntimeError(f"there is no guard: who has no token is answered {stranger.status_code}")
