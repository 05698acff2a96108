"""A person is taken out of the log: nothing says their name any more, and everything still verifies."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from accredit import app, config
from accredit.service.projection import Projection
from tests.api.test_audit import bot, reported
from tests.support.admin import Admin, administration, tokens


@pytest.fixture
async def either(engine_url: str, tmp_path: Path) -> Any:
    """A node on each engine."""
    database = None if engine_url.startswith("sqlite") else engine_url
    if database is not None:
        await app.migrate_database(config.load(data=tmp_path, database=database))
    async with administration(tmp_path, database) as admin:
        yield admin


async def exported(admin: Admin) -> str:
    return (await admin.http.get("/audit/export")).text


async def test_after_a_redaction_nothing_says_the_name_and_the_log_still_verifies(either: Admin) -> None:
    agent = await bot(either)
    await tokens(either)(agent["client_id"], agent["secret"])
    await reported(either, {"subject": agent["client_id"], "client_id": "other", "reason": "ok"})
    await reported(either, {"subject": "usr_else", "client_id": "other", "reason": "ok"}, number=2)
    before = await either.ok("GET", "/audit", params={"member": "bot"})
    assert len(before["items"]) == 3
    assert agent["client_id"] in await exported(either)
    await either.node.checkpoints.make(either.clock.now())

    found = await either.ok("POST", "/redactions", json={"subject": "bot"})
    assert found["records"] >= 3
    text = await exported(either)
    assert agent["client_id"] not in text
    assert '"bot"' not in text
    assert (await either.ok("GET", "/audit", params={"member": "bot"}))["items"] == []
    assert (await either.ok("GET", "/audit", params={"client": agent["client_id"]}))["items"] == []
    kept = (await either.ok("GET", "/audit", params={"kind": "token_issued"}))["items"]
    assert [item["person"] for item in kept] == [None]
    assert len((await either.ok("GET", "/audit", params={"subject": "usr_else"}))["items"]) == 1
    await either.node.checkpoints.make(either.clock.now())
    assert (await either.ok("GET", "/audit/verify"))["ok"]


async def test_an_application_is_taken_out_by_the_name_that_people_write(either: Admin) -> None:
    await bot(either)
    made = await either.ok("POST", "/applications", json={"slug": "portal", "owner": "dana", "roles": ["reader"]})
    await tokens(either)(made["client_id"], made["secret"])
    assert made["client_id"] in await exported(either)
    assert (await either.ok("POST", "/redactions", json={"subject": "app:portal"}))["records"] == 2
    text = await exported(either)
    assert made["client_id"] not in text
    assert "portal" not in text
    assert "registered bot" in text


@pytest.mark.parametrize("word", ["action", "summary", "client_id", "target", "token_issued", "client_credentials"])
async def test_a_word_of_the_log_is_nobodys_name(admin: Admin, word: str) -> None:
    agent = await bot(admin)
    await tokens(admin)(agent["client_id"], agent["secret"])
    assert (await admin.ok("POST", "/redactions", json={"subject": word}))["records"] == 0


async def test_who_is_called_like_a_method_or_a_part_of_a_name_takes_no_others_along(admin: Admin) -> None:
    agent = await bot(admin)
    await tokens(admin)(agent["client_id"], agent["secret"], "ledger:read")
    await reported(admin, {"subject": "usr_1", "client_id": "other", "method": "tools/call", "reason": "free"})
    for word in ("tools", "call", "free", "local", "administrator", "usr", "other.example", "agent"):
        assert (await admin.ok("POST", "/redactions", json={"subject": word}))["records"] == 0, word
    assert (await admin.ok("POST", "/redactions", json={"subject": "usr_1"}))["records"] == 1


async def test_a_redaction_is_recorded_and_does_not_name_whom(admin: Admin) -> None:
    await bot(admin)
    await admin.ok("POST", "/redactions", json={"subject": "dana@example.com"})
    await admin.ok("POST", "/redactions", json={"subject": "nobody@example.com"})
    items = (await admin.ok("GET", "/audit", params={"kind": "administered"}))["items"]
    done = [item["person"] for item in items if item["person"] and item["person"]["action"] == "audit.redact"]
    assert [item["by"] for item in done] == ["local administrator"] * 2
    assert done[0]["target"] != done[1]["target"]
    assert "example.com" not in str(done)


async def test_a_redaction_does_not_wait_for_the_search_tables_and_is_not_undone_by_them(
    either: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bot(either)
    read, go_on, real = asyncio.Event(), asyncio.Event(), Projection._index

    async def late(self: Projection, *given: Any) -> bool:
        read.set()
        await go_on.wait()
        return await real(self, *given)

    monkeypatch.setattr(Projection, "_index", late)
    await reported(either, {"subject": "dana@example.com", "client_id": "other", "reason": "ok"})
    await read.wait()
    async with asyncio.timeout(20):
        found = await either.ok("POST", "/redactions", json={"subject": "dana@example.com"})
    assert found["records"] >= 1
    go_on.set()
    assert (await either.ok("GET", "/audit", params={"subject": "dana@example.com"}))["items"] == []
    assert (await either.ok("GET", "/audit"))["behind"]["records"] == 0


@pytest.mark.parametrize("body", [{}, {"subject": "ab"}, {"subject": "x" * 501}, {"subject": 5}])
async def test_a_redaction_of_nobody_is_refused(admin: Admin, body: Any) -> None:
    assert (await admin.refused("POST", "/redactions", json=body))[0] == 422
