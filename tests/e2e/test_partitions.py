"""Lines that break without a word, and guards that do not read: processes of their own, real sockets, real time."""

import asyncio
import socket
import time
from pathlib import Path

import httpx2
import pytest

from bench.listeners import listeners
from bench.revoke_to_refusal import guard_token
from tests.support.guarded_process import call, furnished, guarded
from tests.support.line import line
from tests.support.process import Up, free_port, up
from tests.support.until import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

BOUND = 6.0
DESTRUCTIVE = 3.0
STALLED = 20
ROUNDS = 300


def test_a_guard_that_hears_nothing_for_longer_than_its_bound_lets_nothing_through(tmp_path: Path) -> None:
    port = free_port()
    resource = f"http://127.0.0.1:{free_port()}/mcp"
    with line(port) as to_accredit:
        issuer = f"http://127.0.0.1:{to_accredit.port}"
        with up(tmp_path / "data", port, issuer=issuer) as server:
            agent = furnished(server, resource)
            code = server.made("/servers/ledger/enrolments")["code"]
            form = {"grant_type": "client_credentials", "resource": resource}
            answer = server.public().post("/token", data=form, auth=(agent["client_id"], agent["secret"]))
            token = answer.json()["access_token"]
            bounds = {"stale_after": BOUND, "stale_after_destructive": DESTRUCTIVE}
            with guarded(resource, tmp_path / "guard", issuer=issuer, code=code, **bounds) as http:
                until(lambda: call(http, resource, token, "purge").status_code == 200, 30)
                to_accredit.cut()
                cut_at = time.monotonic()
                assert server.admin().post("/agents/bot/suspend").status_code == 200
                _goes_blind(http, resource, token, cut_at)
                to_accredit.mend()
                until(lambda: call(http, resource, token, "read").status_code == 401, 30)
                assert server.admin().post("/agents/bot/resume").status_code == 200
                until(lambda: call(http, resource, token, "purge").status_code == 200, 30)
            until(lambda: server.admin().get("/audit/verify").json()["ok"], 30)


def _goes_blind(http: httpx2.Client, resource: str, token: str, cut_at: float) -> None:
    """See what is let through while nothing can be heard: less and less, and nothing beyond the bounds."""
    latest = {"read": cut_at, "purge": cut_at}
    while (began := time.monotonic()) < cut_at + BOUND + 3:
        for tool in latest:
            answer = call(http, resource, token, tool)
            assert answer.status_code in (200, 503), answer.text
            if answer.status_code == 200:
                latest[tool] = began
            else:
                assert int(answer.headers["retry-after"]) > 0
        time.sleep(0.05)
    # What the guard knows was said by Accredit up to a beat before the line was cut, in whole seconds.
    assert 0 < latest["purge"] - cut_at <= DESTRUCTIVE
    assert latest["purge"] < latest["read"] <= cut_at + BOUND


def test_guards_that_do_not_read_keep_nobody_from_hearing(tmp_path: Path) -> None:
    resource, port = "http://127.0.0.1:9/mcp", free_port()
    with up(tmp_path / "data", port) as server:
        agent = furnished(server, resource)
        codes = [server.made("/servers/ledger/enrolments", name=f"g-{number}")["code"] for number in range(2)]
        quick, slow = (guard_token(server.issuer, code) for code in codes)
        stalled = [_stalled(port, slow) for _ in range(STALLED)]
        try:
            asyncio.run(_heard(server, agent["id"], quick))
        finally:
            for connection in stalled:
                connection.close()
        assert server.public().get("/readyz").status_code == 200


def _stalled(port: int, token: str) -> socket.socket:
    """Open a stream, and never read from it."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", port))
    head = (
        f"GET /guard/v1/stream?after=0&beat=30 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
    )
    connection.sendall(f"{head}\r\n".encode())
    return connection


async def _heard(server: Up, agent: str, token: str) -> None:
    """Suspend and resume the agent many times, and hear of each within a second."""
    async with listeners(server.issuer, [(server.issuer, token)]) as heard:
        for _ in range(ROUNDS):
            for verb in ("suspend", "resume"):
                answer = await asyncio.to_thread(server.admin().post, f"/agents/bot/{verb}")
                assert answer.status_code == 200
                async with asyncio.timeout(1):
                    await heard.everybody(agent)
