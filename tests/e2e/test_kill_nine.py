"""kill -9 in the middle of writes under load: everything that was answered is there afterwards, and the chains hold."""

import contextlib
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.process import Up, free_port, run, up

RESOURCE = "http://127.0.0.1:9/mcp"
ROUNDS = 3
ANSWERS = 120
"""How many answers the clients get before the server is killed."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@dataclass
class Heard:
    """What clients were told, round by round."""

    issued: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    agents: dict[str, Any] = field(default_factory=dict)
    suspended: list[str] = field(default_factory=list)
    enough: threading.Event = field(default_factory=threading.Event)

    def count(self) -> None:
        if len(self.issued) + len(self.refused) + len(self.agents) >= ANSWERS and self.agents and self.suspended:
            self.enough.set()


def ask(server: Up, agent: dict[str, Any], heard: Heard, *, good: bool) -> None:
    """Ask for tokens until the server is gone."""
    form = {"grant_type": "client_credentials", "resource": RESOURCE, "scope": "read" if good else "none"}
    with contextlib.suppress(httpx2.TransportError), httpx2.Client(base_url=server.issuer, trust_env=False) as http:
        while True:
            answer = http.post("/token", data=form, auth=(agent["client_id"], agent["secret"]))
            if answer.status_code in (200, 400):
                (heard.issued if answer.status_code == 200 else heard.refused).append(
                    answer.headers["accredit-decision"]
                )
                heard.count()


def administer(server: Up, number: int, heard: Heard) -> None:
    """Register agents and suspend every other one until the server is gone."""
    transport = httpx2.HTTPTransport(uds=str(server.folder / "admin.sock"))
    with (
        contextlib.suppress(httpx2.TransportError),
        httpx2.Client(transport=transport, base_url="http://accredit/api/v1") as http,
    ):
        for turn in range(100_000):
            slug = f"a-{number}-{turn}"
            answer = http.post("/agents", json={"slug": slug, "owner": "dana", "roles": ["reader"]})
            if answer.status_code == 201:
                heard.agents[slug] = answer.json()
            if turn % 2 and http.post(f"/agents/{slug}/suspend").status_code == 200:
                heard.suspended.append(slug)
            heard.count()


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_nothing_that_was_answered_is_lost(tmp_path: Path, database: str, request: pytest.FixtureRequest) -> None:
    data, settings = tmp_path / "data", {"issuer": "https://id.example"}
    if database == "postgresql":
        settings["database"] = request.getfixturevalue("postgres_url")
        assert run("migrate", folder=data, **settings).status == 0
    heard, agent = Heard(), dict[str, Any]()
    for turn in range(ROUNDS):
        heard.enough.clear()
        before = len(heard.issued) + len(heard.refused) + len(heard.agents)
        with up(data, port := free_port(), **settings) as server:
            local = Up(data, f"http://127.0.0.1:{port}", server.process, server.log)
            if not agent:
                scopes = [{"word": "read"}]
                server.made("/servers", slug="ledger", resource=RESOURCE, scopes=scopes, default_scopes=["read"])
                server.made("/roles", slug="reader", scopes={"ledger": ["read"]})
                agent = server.made("/agents", slug="bot", owner="dana", roles=["reader"])
            _load_and_kill(local, agent, heard, turn)
        assert len(heard.issued) + len(heard.refused) + len(heard.agents) > before
    with up(data, free_port(), **settings) as server:
        _all_there(server, heard)


def _load_and_kill(server: Up, agent: dict[str, Any], heard: Heard, turn: int) -> None:
    fresh = Heard(enough=heard.enough)
    work = [
        *(threading.Thread(target=ask, args=(server, agent, fresh), kwargs={"good": n < 3}) for n in range(4)),
        *(threading.Thread(target=administer, args=(server, 10 * turn + n, fresh)) for n in range(2)),
    ]
    for thread in work:
        thread.start()
    heard.enough.wait(60)
    server.kill()
    for thread in work:
        thread.join()
    heard.issued += fresh.issued
    heard.refused += fresh.refused
    heard.agents |= fresh.agents
    heard.suspended += fresh.suspended


def _all_there(server: Up, heard: Heard) -> None:
    admin = server.admin()
    assert len(heard.issued) > ROUNDS
    assert heard.suspended
    recorded = {kind: _recorded(admin, kind) for kind in ("token_issued", "token_refused")}
    assert not set(heard.issued) - recorded["token_issued"]
    assert not set(heard.refused) - recorded["token_refused"]
    for slug, made in heard.agents.items():
        shown = admin.get(f"/agents/{slug}").json()
        assert shown["client_id"] == made["client_id"]
        assert [item["id"] for item in shown["credentials"]] == [item["id"] for item in made["credentials"]]
        assert [role["slug"] for role in shown["roles"]] == ["reader"]
        assert slug not in heard.suspended or shown["state"] == "suspended"
    verified = admin.get("/audit/verify").json()
    assert verified["ok"], verified
    assert len(verified["chains"]) == ROUNDS
    living = next(made for slug, made in heard.agents.items() if slug.endswith("-0"))
    form = {"grant_type": "client_credentials", "resource": RESOURCE}
    with httpx2.Client(base_url=f"http://127.0.0.1:{_port(server)}", trust_env=False) as http:
        assert http.post("/token", data=form, auth=(living["client_id"], living["secret"])).status_code == 200


def _port(server: Up) -> str:
    arguments = [str(word) for word in server.process.args]  # type: ignore[union-attr]
    return arguments[arguments.index("--port") + 1]


def _recorded(admin: httpx2.Client, kind: str) -> set[str]:
    found, cursor = set[str](), None
    while True:
        asked = {"kind": kind, "limit": "200"} | ({"cursor": cursor} if cursor else {})
        page = admin.get("/audit", params=asked).json()
        found |= {item["decision"] for item in page["items"]}
        cursor = page["next"]
        if cursor is None:
            return found
