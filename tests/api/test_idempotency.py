"""Idempotency-Key: what makes something is done once, however often and however fast the request comes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from accredit import app, config
from accredit.identity.answer import LIFETIME, KeptAnswer
from accredit.jobs.expiry import EVERY
from accredit.service.memory import Memory
from accredit.store.readers import Answers
from accredit.web.api.application import document
from tests.support.admin import Admin, administration
from tests.support.management import Staff

AGENT = {"slug": "fresh", "owner": "dana"}
MADE: dict[str, tuple[str, Any]] = {
    "agents.add": ("/agents", AGENT | {"roles": ["reader"]}),
    "agents.add_credential": ("/agents/bot/credentials", {}),
    "applications.add": (
        "/applications",
        {"slug": "fresh", "owner": "dana", "redirect_uris": ["https://a.example/cb"]},
    ),
    "applications.add_credential": ("/applications/portal/credentials", {}),
    "agents.rotate_credential": ("/agents/bot/credentials/rotate", {}),
    "applications.rotate_credential": ("/applications/portal/credentials/rotate", {}),
    "groups.add": ("/groups", {"slug": "fresh"}),
    "keys.rotate": ("/keys/access/rotate", None),
    "roles.add": ("/roles", {"slug": "fresh", "scopes": {"ledger": ["ledger:read"]}}),
    "servers.add": ("/servers", {"slug": "fresh", "resource": "http://127.0.0.1:9002/mcp"}),
    "servers.invite": ("/servers/ledger/enrolments", {}),
    "webhooks.add": ("/webhooks", {"slug": "fresh", "url": "https://hooks.invalid/in"}),
}
"""Every operation that makes something: its address, and what is sent."""


async def post(client: httpx2.AsyncClient, where: str, body: Any, key: str = "k-1") -> httpx2.Response:
    more = {} if body is None else {"json": body}
    return await client.post(where, headers={"Idempotency-Key": key}, **more)


def without_secrets(answer: Any) -> Any:
    return answer | {name: None for name in ("secret", "code") if name in answer}


def test_every_operation_that_makes_something_takes_a_key() -> None:
    found = [operation for item in document("1")["paths"].values() for operation in item.values()]
    takes = {
        operation["operationId"]: operation
        for operation in found
        if any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", ()))
    }
    makes = {operation["operationId"] for operation in found if "201" in operation["responses"]}
    assert takes.keys() == makes | {"keys.rotate"} == MADE.keys()
    for operation in takes.values():
        good = next(iter(operation["responses"].values()))
        assert "Idempotency-Replayed" in good["headers"]


@pytest.mark.parametrize("name", list(MADE))
async def test_a_request_that_comes_again_is_answered_alike_and_changes_nothing(staff: Staff, name: str) -> None:
    where, body = MADE[name]
    first = await post(staff.admin.http, where, body)
    assert first.is_success, first.text
    assert "idempotency-replayed" not in first.headers
    after = await staff.state()
    for key in ("k-1", '"k-1"'):
        again = await post(staff.admin.http, where, body, key)
        assert (again.status_code, again.headers["idempotency-replayed"]) == (first.status_code, "true")
        assert again.json() == without_secrets(first.json())
        assert again.headers.get("etag") == first.headers.get("etag")
        assert again.headers["cache-control"] == "no-store"
    assert await staff.state() == after
    other = await post(staff.admin.http, where, body, "k-2")
    assert "idempotency-replayed" not in other.headers


@pytest.mark.parametrize("name", list(MADE))
async def test_a_key_that_was_used_for_something_else_is_refused(staff: Staff, name: str) -> None:
    await post(staff.admin.http, "/roles", {"slug": "other", "scopes": {}})
    before = await staff.state()
    where, body = MADE[name]
    answer = await post(staff.admin.http, where, body)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:accredit:problem:key_reused")
    assert await staff.state() == before


async def test_the_order_of_members_does_not_make_another_request(staff: Staff) -> None:
    first = await post(staff.admin.http, "/agents", AGENT)
    again = await post(staff.admin.http, "/agents", dict(reversed(AGENT.items())))
    assert again.json()["id"] == first.json()["id"]
    assert (await post(staff.admin.http, "/agents", AGENT | {"name": ""})).status_code == 422


async def test_a_key_belongs_to_its_caller(staff: Staff) -> None:
    root = staff.clients["root"]
    mine = await post(staff.admin.http, "/agents/bot/credentials", {})
    theirs = await post(root, "/agents/bot/credentials", {})
    assert theirs.status_code == 409, "the agent has two credentials now: the request was carried out, and not replayed"
    assert (await post(root, "/roles", {"slug": "one", "scopes": {}})).status_code == 201
    assert (await post(staff.admin.http, "/agents/bot/credentials", {})).json()["credential"] == mine.json()[
        "credential"
    ]


async def test_who_may_not_ask_any_more_is_not_told_what_they_made(staff: Staff) -> None:
    root = staff.clients["root"]
    assert (await post(root, "/agents", AGENT)).status_code == 201
    await staff.admin.ok("PUT", "/administrators/root", json={"auditor": True})
    assert (await post(root, "/agents", AGENT)).status_code in (401, 403)
    assert (await post(staff.clients["eye"], "/agents", AGENT)).status_code == 403


async def test_what_was_refused_does_not_use_up_a_key(staff: Staff) -> None:
    taken = AGENT | {"slug": "bot"}
    for _ in range(2):
        assert (await post(staff.admin.http, "/agents", taken)).status_code == 409
    assert (await post(staff.admin.http, "/agents", AGENT)).status_code == 201


@pytest.mark.parametrize("key", ["", " ", "x" * 256, '"', '""', 'a"b', "a b", "a\\b", "ü"])
async def test_a_key_has_a_form_and_a_size(admin: Admin, key: str) -> None:
    answer = await admin.http.post("/agents", json=AGENT, headers={b"Idempotency-Key": key.encode("latin-1")})
    assert answer.status_code == 422
    assert (await admin.ok("GET", "/agents"))["items"] == []


async def test_two_keys_are_no_key(admin: Admin) -> None:
    keys = [("Idempotency-Key", "k-1"), ("Idempotency-Key", "k-2")]
    assert (await admin.http.post("/agents", json=AGENT, headers=keys)).status_code == 422
    assert (await admin.http.post("/agents", json=AGENT, headers={"Idempotency-Key": "x" * 255})).status_code == 201


async def test_a_key_is_free_again_when_its_time_is_over_and_not_before(admin: Admin) -> None:
    await post(admin.http, "/agents", AGENT)
    admin.clock.advance(LIFETIME // 1_000_000 - 1)
    await Memory(admin.node.journal).forget(admin.clock.now())
    assert "idempotency-replayed" in (await post(admin.http, "/agents", AGENT)).headers
    admin.clock.advance(2 + EVERY // 1_000_000)
    await Memory(admin.node.journal).forget(admin.clock.now())
    assert (await post(admin.http, "/agents", AGENT)).status_code == 409


async def test_no_secret_is_kept(tmp_path: Path) -> None:
    async with administration(tmp_path / "data") as admin:
        await admin.ledger()
        made = [
            (await post(admin.http, "/agents", AGENT, "k-1")).json()["secret"],
            (await post(admin.http, "/agents/fresh/credentials", {}, "k-2")).json()["secret"],
            (await post(admin.http, "/servers/ledger/enrolments", {}, "k-3")).json()["code"],
        ]
    files = b"".join(path.read_bytes() for path in (tmp_path / "data").glob("accredit.db*"))
    assert b"fresh" in files
    for secret in made:
        assert secret
        assert secret.encode() not in files


@asynccontextmanager
async def nodes(folder: Path, url: str | None) -> AsyncIterator[list[Admin]]:
    """Run one node on SQLite, two on PostgreSQL."""
    if url is None:
        async with administration(folder / "data") as admin:
            yield [admin]
        return
    await app.migrate_database(config.load(data=folder / "data", database=url))
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(administration(folder / "data", url))
        (folder / "other").mkdir(mode=0o700)
        (folder / "other" / "master.key").write_bytes((folder / "data" / "master.key").read_bytes())
        (folder / "other" / "master.key").chmod(0o600)
        yield [first, await stack.enter_async_context(administration(folder / "other", url))]


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
@pytest.mark.parametrize("name", ["agents.add", "agents.add_credential", "keys.rotate"])
async def test_of_fifty_equal_requests_at_once_one_is_carried_out(
    tmp_path: Path, request: pytest.FixtureRequest, engine: str, name: str
) -> None:
    url = request.getfixturevalue("postgres_url") if engine == "postgresql" else None
    async with nodes(tmp_path, url) as running:
        await running[0].ledger()
        await running[0].ok("POST", "/roles", json={"slug": "reader", "scopes": {"ledger": ["ledger:read"]}})
        await running[0].ok("POST", "/agents", json={"slug": "bot", "owner": "dana"})
        for admin in running:
            await admin.node.directory.catch_up()
        before = len((await running[0].ok("GET", "/audit", params={"kind": "administered", "limit": 200}))["items"])
        where, body = MADE[name]
        answers = await asyncio.gather(
            *(post(running[number % len(running)].http, where, body) for number in range(50))
        )
        assert {answer.status_code for answer in answers} == {200 if name == "keys.rotate" else 201}
        (first,) = [answer for answer in answers if "idempotency-replayed" not in answer.headers]
        assert all(answer.json() == without_secrets(first.json()) for answer in answers if answer is not first)
        assert (
            len((await running[0].ok("GET", "/audit", params={"kind": "administered", "limit": 200}))["items"])
            == before + 1
        )


async def test_what_an_equal_request_stands_in_the_way_of_is_answered_as_that_one_was(
    admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    await admin.ok("POST", "/agents", json={"slug": "bot", "owner": "dana"})
    first = await post(admin.http, "/agents/bot/credentials", {})
    find, looked = Answers.find, []

    async def too_early(self: Answers, key: bytes) -> KeptAnswer | None:
        looked.append(key)
        return None if len(looked) == 1 else await find(self, key)

    monkeypatch.setattr(Answers, "find", too_early)
    again = await post(admin.http, "/agents/bot/credentials", {})
    assert (again.status_code, again.json()) == (201, without_secrets(first.json()))
    looked.clear()
    other = await post(admin.http, "/agents/bot/credentials", {"jwk": None})
    assert (other.status_code, other.json()["type"]) == (422, "urn:accredit:problem:key_reused")
