"""The audit log over the management API: search, verification, explanation."""

from typing import Any

import msgspec
import pytest

from accredit.audit.chain import START
from accredit.identity.changes import AppendRecords, StoredRecord
from accredit.oauth.outcome import Outcome
from accredit.ports.journal import Overloaded
from accredit.service.projection import Projection
from accredit_sdk import record
from tests.support.admin import Admin, enrolled, tokens

DECISION = "dec_" + "1" * 26


async def reported(
    admin: Admin, person: Any, *, kind: str = "tool_call", number: int = 1, at: int = 10**18, redacted: bool = False
) -> str:
    """Append a record as a guard of the ledger would deliver it, and return its decision.

    `person` is JSON, or bytes as they are; `number` names the chain, the decision and the guard.
    """
    guard = await enrolled(admin, f"front-{number}")
    server = (await admin.ok("GET", "/servers/ledger"))["id"]
    chain, decision = f"chn_{number:026}", f"dec_{number:026}"
    header = msgspec.json.encode(record.RecordHeader(1, chain, at, kind, decision, server, "deny"))
    told = person if isinstance(person, bytes) else msgspec.json.encode(person)
    salt = b"s" * 16
    commitment = record.commit(salt, told)
    stored = StoredRecord(
        seq=1,
        at=at,
        kind=kind,
        decision=decision,
        server=server,
        outcome="deny",
        header=header,
        person=None if redacted else told,
        salt=None if redacted else salt,
        commitment=commitment,
        hash=record.link(START, header, commitment),
    )
    await admin.node.journal.submit(Outcome(None, (AppendRecords(chain, guard, 0, START, (stored,)),)))
    return decision


async def bot(admin: Admin) -> Any:
    """Register the ledger, a role and an agent that holds it."""
    await admin.ledger()
    await admin.ok("POST", "/roles", json={"slug": "reader", "scopes": {"ledger": ["ledger:read"]}})
    return await admin.ok("POST", "/agents", json={"slug": "bot", "owner": "dana@example.com", "roles": ["reader"]})


async def test_every_change_is_found_with_who_made_it(admin: Admin) -> None:
    await bot(admin)
    found = (await admin.ok("GET", "/audit", params={"kind": "administered"}))["items"]
    actions = [item["person"]["action"] for item in found if item["person"]["by"] == "local administrator"]
    assert actions == ["agent.add", "role.add", "server.add"]


async def test_the_search_narrows_by_everything_that_can_be_said(admin: Admin) -> None:
    agent = await bot(admin)
    await tokens(admin)(agent["client_id"], agent["secret"])
    await tokens(admin)(agent["client_id"], "wrong")
    everything = (await admin.ok("GET", "/audit", params={"limit": 200}))["items"]
    for member, value in (("kind", "token_issued"), ("outcome", "deny"), ("server", "ledger")):
        name = "server_slug" if member == "server" else member
        found = (await admin.ok("GET", "/audit", params={member: value, "limit": 200}))["items"]
        assert found == [item for item in everything if item[name] == value] != []
    some = everything[3]
    assert (await admin.ok("GET", "/audit", params={"since": some["at"]}))["items"] == everything[:4]
    assert (await admin.ok("GET", "/audit", params={"until": some["at"], "limit": 200}))["items"] == everything[4:]
    by_id = {"server": next(item["server"] for item in everything if item["server_slug"] == "ledger")}
    assert len((await admin.ok("GET", "/audit", params=by_id))["items"]) >= 2


async def test_the_log_is_searched_by_whoever_took_part(admin: Admin) -> None:
    agent = await bot(admin)
    ask = tokens(admin)
    assert (await ask(agent["client_id"], agent["secret"])).status_code == 200
    assert (await ask(agent["client_id"], "wrong")).status_code == 401
    person = {"method": "tools/call", "target": "list_invoices", "subject": agent["client_id"], "reason": "ok"}
    decision = await reported(admin, person | {"client_id": "somebody", "actors": ["agt_other"], "trace_id": "ab12"})

    async def kinds(**query: str) -> list[str]:
        found = await admin.ok("GET", "/audit", params=query)
        assert found["behind"] == {"records": 0, "seconds": 0.0}
        return [item["kind"] for item in found["items"]]

    assert await kinds(client="bot") == ["token_refused", "token_issued"]
    assert await kinds(client=agent["client_id"], outcome="allow") == ["token_issued"]
    assert await kinds(subject="bot") == ["tool_call", "token_issued"]
    assert await kinds(tool="list_invoices") == await kinds(trace="ab12") == await kinds(member="agt_other")
    assert len(await kinds(tool="list_invoices")) == 1
    assert set(await kinds(member="bot")) == {"tool_call", "token_issued", "token_refused", "administered"}
    (issued,) = (await admin.ok("GET", "/audit", params={"kind": "token_issued"}))["items"]
    assert await kinds(token=issued["person"]["jti"]) == ["token_issued"]
    assert await kinds(subject="nobody") == await kinds(tool="purge_ledger") == []
    assert (await admin.ok("GET", f"/decisions/{decision}"))["kind"] == "tool_call"


async def test_what_an_application_did_is_found_by_its_name_and_apart_from_an_agent_of_the_same(admin: Admin) -> None:
    await bot(admin)
    body = {"slug": "bot", "owner": "dana", "roles": ["reader"]}
    application = await admin.ok("POST", "/applications", json=body)
    await tokens(admin)(application["client_id"], application["secret"])
    person = {"method": "tools/call", "target": "list_invoices", "subject": application["client_id"], "reason": "ok"}
    await reported(admin, person | {"client_id": application["client_id"]})

    async def kinds(**query: str) -> list[str]:
        return [item["kind"] for item in (await admin.ok("GET", "/audit", params=query))["items"]]

    assert await kinds(client="app:bot") == ["tool_call", "token_issued"]
    assert await kinds(subject="app:bot") == ["tool_call", "token_issued"]
    assert await kinds(member="app:bot") == ["tool_call", "token_issued", "administered"]
    assert await kinds(client="bot") == []
    assert await kinds(client="app:nobody") == await kinds(client="group:bot") == await kinds(client="app:") == []


async def test_a_search_says_how_far_behind_it_is_when_nothing_can_be_written(admin: Admin, monkeypatch: Any) -> None:
    async def overloaded(*_: Any) -> bool:
        raise Overloaded

    monkeypatch.setattr(Projection, "_index", overloaded)
    await admin.ledger()
    admin.clock.advance(7)
    found = await admin.ok("GET", "/audit")
    assert found["behind"]["records"] > 0
    assert found["behind"]["seconds"] >= 7


async def test_pages_of_the_log_show_each_record_once(admin: Admin) -> None:
    await bot(admin)
    everything = (await admin.ok("GET", "/audit", params={"limit": 200}))["items"]
    seen: list[Any] = []
    page = await admin.ok("GET", "/audit", params={"limit": 3})
    while page["next"]:
        seen += page["items"]
        page = await admin.ok("GET", "/audit", params={"limit": 3, "cursor": page["next"]})
    assert seen + page["items"] == everything


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"}, {"limit": "201"}, {"limit": "many"}, {"cursor": "x"}, {"cursor": "1.2"}, {"cursor": "1" * 99},
        {"kind": "KIND"}, {"kind": "a%00"}, {"outcome": "maybe"}, {"since": "yesterday"}, {"until": "1"},
        {"decision": "dec_1"}, {"decision": "' OR 1=1 --"}, {"subject": ""}, {"client": "a b"}, {"member": "x" * 501},
        {"tool": "x" * 257},
        {"server": "' OR 1=1 --"}, {"nonsense": "1"},
    ],
)  # fmt: skip
async def test_a_search_that_cannot_be_meant_is_refused(admin: Admin, query: dict[str, str]) -> None:
    assert await admin.refused("GET", "/audit", params=query) == (422, "invalid")


async def test_a_server_that_nobody_knows_is_not_searched_for(admin: Admin) -> None:
    assert await admin.refused("GET", "/audit", params={"server": "nowhere"}) == (404, "not_found")


async def test_an_unaltered_log_verifies(admin: Admin) -> None:
    await bot(admin)
    found = await admin.ok("GET", "/audit/verify")
    assert found["ok"] is True
    assert sum(chain["records"] for chain in found["chains"]) == 14


async def test_a_token_is_explained_with_what_was_left_out_and_by_whom(admin: Admin) -> None:
    agent = await bot(admin)
    answer = await tokens(admin)(agent["client_id"], agent["secret"], "ledger:read ledger:purge other")
    found = await admin.ok("GET", f"/decisions/{answer.headers['accredit-decision']}")
    assert [(link["station"], link["name"]) for link in found["chain"]] == [("client", "bot"), ("server", "ledger")]
    assert "dana@example.com" in found["chain"][0]["note"]
    assert {item["scope"]: item["cause"] for item in found["left_out"]} == {
        "ledger:purge": "client_roles", "other": "server",
    }  # fmt: skip
    assert len(found["records"]) == 1


async def test_a_refused_token_is_explained_without_believing_what_was_claimed(admin: Admin) -> None:
    agent = await bot(admin)
    answer = await tokens(admin)(agent["client_id"], "wrong")
    found = await admin.ok("GET", f"/decisions/{answer.headers['accredit-decision']}")
    assert found["outcome"] == "deny"
    assert "not authenticated" in found["chain"][0]["note"]


async def test_a_change_is_explained_by_the_names_of_today(admin: Admin) -> None:
    await bot(admin)
    (item,) = [
        item
        for item in (await admin.ok("GET", "/audit"))["items"]
        if (item["person"] or {}).get("summary", "").startswith("reader")
    ]
    found = await admin.ok("GET", f"/decisions/{item['decision']}")
    assert [link["name"] for link in found["chain"]] == ["local administrator", "reader"]


async def test_a_denied_call_names_the_tool_and_who_can_change_it(admin: Admin) -> None:
    agent = await bot(admin)
    person = {
        "reason": "insufficient_scope",
        "method": "tools/call",
        "target": "purge_ledger",
        "subject": agent["client_id"],
        "client_id": agent["client_id"],
        "needed": ["ledger:purge"],
        "missing": ["ledger:purge"],
    }
    where = f"/decisions/{await reported(admin, person)}"
    found = await admin.ok("GET", where)
    assert [link["name"] for link in found["chain"]] == ["bot", "ledger", "purge_ledger"]
    assert [(item["scope"], item["cause"]) for item in found["left_out"]] == [("ledger:purge", "client_roles")]
    await admin.ok("PUT", "/roles/reader/scopes/ledger", json={"scopes": ["ledger:purge"]})
    assert [item["cause"] for item in (await admin.ok("GET", where))["left_out"]] == ["request"]


@pytest.mark.parametrize(
    "person",
    [
        b"", b"not json", b"[]", b"null", b"7", b'"text"', b"[" * 5000, b'{"reason":' * 3000, b"\xff\xfe",
        b'{"reason": 1e999}', b'{"reason": "\\ud800"}',
        {"reason": "{server.__class__}", "missing": [1, None, "ledger:purge"]},
        {"reason": {"a": 1}, "needed": "ledger", "missing": {"a": 1}, "removed": 7, "client_id": ["x"]},
        {"reason": "ok", "removed": [1, {}, {"scope": 1, "factor": []}], "subject": "\x1b[2J", "client_id": "x" * 500},
        {"reason": "ok", "target": "a\u202eb", "client_id": "' OR 1=1 --", "policy_version": 10**30},
        {"scopes": 5, "requested": None, "reason": None},
    ],
)  # fmt: skip
async def test_whatever_a_guard_reports_can_be_shown(admin: Admin, person: Any) -> None:
    """A guard lives in a stranger's process; its records are text of a stranger."""
    await admin.ledger()
    for number, kind in enumerate(("tool_call", "token_issued", "token_refused", "administered", "\x1b[31m")):
        decision = await reported(admin, person, kind=kind, number=number)
        found = await admin.ok("GET", f"/decisions/{decision}")
        assert "class" not in found["sentence"] or "{server" in found["sentence"]
        assert (await admin.ok("GET", "/audit", params={"decision": decision}))["items"][0]["at"] is None
    assert (await admin.ok("GET", "/audit/verify"))["ok"] is True


async def test_a_decision_that_is_not_there_or_not_one_is_refused(admin: Admin) -> None:
    assert await admin.refused("GET", f"/decisions/{DECISION}") == (404, "not_found")
    for odd in ("x", "DEC_" + "1" * 26, "dec_" + "z" * 26, "dec_" + "1" * 27, "%00", "srv_" + "1" * 26):
        assert await admin.refused("GET", f"/decisions/{odd}") == (422, "invalid")


async def test_a_redacted_record_shows_no_person(admin: Admin) -> None:
    await admin.ledger()
    decision = await reported(admin, {"reason": "ok", "client_id": "bot"}, at=5, redacted=True)
    found = await admin.ok("GET", f"/decisions/{decision}")
    assert found["records"][0]["person"] is None
    assert [link["name"] for link in found["chain"]] == ["ledger"]
    assert found["records"][0]["at"] == "1970-01-01T00:00:00.000005Z"
    assert (await admin.ok("GET", "/audit/verify"))["ok"] is True
