"""Who is refused at the management API is in the audit log before they hear of it, and cannot fill it."""

from typing import Any

import pytest

from accredit.ports.journal import StoreError
from accredit.service.refusals import UNKNOWN_PER_MINUTE, Refusals
from tests.support.management import Staff


async def refusals(staff: Staff) -> list[Any]:
    found = await staff.admin.ok("GET", "/audit", params={"kind": "administration_refused", "limit": 200})
    return list(found["items"])


async def test_what_somebody_may_not_do_is_recorded_with_who_and_what(staff: Staff) -> None:
    for name, method, where, operation in (
        ("eye", "POST", "/keys/access/rotate", "keys.rotate"),
        ("ann", "POST", "/servers/archive/suspend", "servers.suspend"),
        ("root", "DELETE", "/administrators/eye", "administrators.dismiss"),
    ):
        answer = await staff.clients[name].request(method, where)
        assert answer.status_code == 403
        newest = (await refusals(staff))[0]
        assert newest["decision"] == answer.json()["decision_id"]
        assert (newest["outcome"], newest["person"]["by"]) == ("deny", staff.secrets[name][0])
        assert newest["person"]["operation"] == operation
        told = await staff.admin.ok("GET", f"/decisions/{newest['decision']}")
        assert operation in told["sentence"]
    assert len(await refusals(staff)) == 3


async def test_a_token_that_opens_nothing_is_recorded_without_the_token(staff: Staff) -> None:
    good = await staff.token("eye")
    for token in ("nonsense", good[:-5] + "AAAAA"):
        assert (await staff.come(token)).status_code == 401
    found = await refusals(staff)
    assert len(found) == 2
    assert all(item["person"]["reason"] and item["person"]["by"] == "" for item in found)
    assert "nonsense" not in str(found)
    assert good[-40:-5] not in str(found)


async def test_who_only_asks_where_to_get_a_token_is_not_recorded(staff: Staff) -> None:
    assert (await staff.clients["nobody"].get("/servers")).status_code == 401
    assert await refusals(staff) == []


async def test_strangers_cannot_fill_the_log_and_are_counted(staff: Staff) -> None:
    for _ in range(UNKNOWN_PER_MINUTE + 7):
        assert (await staff.come("nonsense")).status_code == 401
    assert len(await refusals(staff)) == UNKNOWN_PER_MINUTE
    staff.admin.clock.advance(60)
    assert (await staff.come("nonsense")).status_code == 401
    newest, *others = await refusals(staff)
    assert (newest["person"]["unsaid"], len(others)) == (7, UNKNOWN_PER_MINUTE)
    assert {item["person"]["unsaid"] for item in others} == {0}


async def test_a_refusal_that_cannot_be_recorded_is_no_answer(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> str:
        raise StoreError("DiskFull")

    before = await staff.state()
    monkeypatch.setattr(Refusals, "_record", broken)
    assert (await staff.clients["eye"].post("/keys/access/rotate")).status_code == 503
    assert (await staff.come("nonsense")).status_code == 503
    assert await staff.state() == before
