"""Replays over the management API: real calls of a real guard, judged by files that were not there then."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from accredit.service import calls
from tests.support.admin import Admin
from tests.support.house import House, house

SINCE = "2001-01-01T00:00:00Z"


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    """A house in which the agent listed invoices twice, and was refused once when it would have purged them."""
    async with house(tmp_path) as found:
        token = await found.token()
        for name in ("list_invoices", "purge_ledger", "list_invoices"):
            await found.reach(token, name)
        await found.reach(None, "list_invoices")
        await found.site.ship()
        yield found


def role(*words: str) -> dict[str, Any]:
    return {"accredit": 1, "roles": {"reader": {"scopes": {"ledger": list(words)}}}}


async def replayed(admin: Admin, document: dict[str, Any], **more: Any) -> Any:
    return await admin.ok("POST", "/replay", json={"document": document, "since": SINCE, **more})


def told(found: Any) -> list[tuple[Any, ...]]:
    names = ("client", "server", "tool", "effect", "because", "calls")
    return [tuple(item[name] for name in names) for item in found["items"]]


async def test_what_a_change_refuses_and_allows_is_told_with_its_count(home: House) -> None:
    before = await home.admin.ok("GET", "/export")
    assert told(await replayed(home.admin, {"accredit": 1})) == []
    narrower = told(await replayed(home.admin, role()))
    assert narrower == [("bot", "ledger", "list_invoices", "refused", ["client_roles"], 2)]
    wider = told(await replayed(home.admin, role("ledger:read", "ledger:purge")))
    assert wider == [("bot", "ledger", "purge_ledger", "allowed", ["client_roles"], 1)]
    assert await home.admin.ok("GET", "/export") == before


async def test_what_was_before_the_time_is_not_replayed(home: House) -> None:
    found = await replayed(home.admin, role(), since="2999-01-01T00:00:00Z")
    assert (found["items"], found["looked_at"], found["next"]) == ([], 0, None)


async def test_pruning_is_replayed_like_any_other_change(home: House) -> None:
    document = {"accredit": 1, "agents": {}}
    assert told(await replayed(home.admin, document)) == []
    assert [item[2:4] for item in told(await replayed(home.admin, document, prune=True))] == [
        ("list_invoices", "refused")
    ]


async def test_pages_of_a_replay_tell_each_call_once(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = await replayed(home.admin, role())
    monkeypatch.setattr(calls, "_PAGE", 1)
    monkeypatch.setattr(calls, "AT_ONCE", 1)
    pages = [await replayed(home.admin, role())]
    while pages[-1]["next"] is not None:
        pages.append(await replayed(home.admin, role(), cursor=pages[-1]["next"]))
    assert sum(page["looked_at"] for page in pages) == whole["looked_at"] >= 4
    assert sum(item["calls"] for page in pages for item in page["items"]) == 2
    assert {page["fingerprint"] for page in pages} == {whole["fingerprint"]}


async def test_uses_beyond_the_room_are_counted_and_passed_over(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "MOST_USES", 1)
    found = await replayed(home.admin, role())
    assert found["passed_over"] == 1


@pytest.mark.parametrize(
    "more",
    [{"since": "yesterday"}, {"since": None}, {"cursor": "x"}, {"cursor": "1.1"}, {"document": {}}, {"more": 1}],
)
async def test_a_replay_that_cannot_be_meant_is_refused(admin: Admin, more: dict[str, Any]) -> None:
    body = {"document": {"accredit": 1}, "since": SINCE, **more}
    assert await admin.refused("POST", "/replay", json=body) == (422, "invalid")
