"""forged records: a guard writes into its log what never was, to hide, to retell or to learn what is not its own."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.admin import administration
from tests.support.forging import DECISION, Forger
from tests.support.listening import listener
from tests.support.management import Staff, public_client, staffed


@pytest.fixture
async def staff(tmp_path: Path) -> AsyncIterator[Staff]:
    """A node, and the administrators of two of its servers."""
    async with administration(tmp_path) as admin, staffed(admin) as found:
        yield found


@pytest.fixture
async def forgers(staff: Staff) -> AsyncIterator[dict[str, Forger]]:
    """A guard of each server that writes what it likes."""
    async with AsyncExitStack() as stack:
        found = {}
        for number, server in enumerate(("ledger", "archive"), start=1):
            guard = await stack.enter_async_context(listener(staff.admin, f"{server}-door", server))
            found[server] = Forger(guard, (await staff.admin.ok("GET", f"/servers/{server}"))["id"], number)
        yield found


async def issued(staff: Staff) -> Any:
    """Return the record of a token for the ledger."""
    assert (await staff.ask("bot", "ledger:read", "http://127.0.0.1:9000/mcp")).status_code == 200
    return (await staff.admin.ok("GET", "/audit", params={"kind": "token_issued", "server": "ledger"}))["items"][0]


async def told(staff: Staff, who: str, decision: str) -> Any:
    """Return how a decision is explained to somebody."""
    answer = await staff.clients[who].get(f"/decisions/{decision}")
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("server", ["ledger", "archive"])
@pytest.mark.parametrize("times", [1, 150])
async def test_what_accredit_decided_no_guard_hides_or_retells(
    staff: Staff, forgers: dict[str, Forger], server: str, times: int
) -> None:
    decision = (await issued(staff))["decision"]
    before = {who: await told(staff, who, decision) for who in ("ann", "eye")}
    for at in (1, None):
        assert await forgers[server].tell(decision, at=at, times=times, client_id="forged", reason="forged") == 200
    assert {who: await told(staff, who, decision) for who in ("ann", "eye")} == before
    if server == "archive":
        assert (await staff.clients["bea"].get(f"/decisions/{decision}")).status_code == 403


async def test_what_another_server_says_of_a_decision_hides_it_from_nobody(
    staff: Staff, forgers: dict[str, Forger]
) -> None:
    assert await forgers["ledger"].tell(DECISION, reason="free") == 200
    before = await told(staff, "ann", DECISION)
    assert not before["contested"]
    staff.admin.clock.advance(1)
    assert await forgers["archive"].tell(DECISION, times=150, reason="forged", target="forged") == 200
    assert await told(staff, "ann", DECISION) == before


async def test_of_a_decision_that_two_servers_claim_an_auditor_is_told_so_and_nothing_else(
    staff: Staff, forgers: dict[str, Forger]
) -> None:
    person = {"client_id": staff.secrets["bot"][0], "method": "tools/call", "target": "list_invoices"}
    assert await forgers["ledger"].tell(DECISION, reason="free", **person) == 200
    assert await forgers["archive"].tell(DECISION, times=150, reason="forged") == 200
    found = await told(staff, "eye", DECISION)
    assert (found["contested"], found["outcome"]) == (True, "contested")
    assert (found["chain"], found["left_out"], found["token"], found["today"]) == ([], [], None, None)
    assert {item["server_slug"] for item in found["records"]} == {"ledger", "archive"}
    assert "forged" not in found["sentence"]


async def test_a_token_of_another_server_is_not_told_of(staff: Staff, forgers: dict[str, Forger]) -> None:
    jti = (await issued(staff))["person"]["jti"]
    assert await forgers["archive"].tell(DECISION, jti=jti, client_id=staff.secrets["root"][0]) == 200
    assert (await told(staff, "bea", DECISION))["token"] is None
    assert (await told(staff, "eye", DECISION))["token"] is None


async def test_the_name_and_the_owner_of_an_agent_of_others_are_not_to_be_had_for_its_id(
    staff: Staff, forgers: dict[str, Forger]
) -> None:
    made = await staff.admin.ok("POST", "/agents", json={"slug": "merger-2027", "owner": "ceo@example.com"})
    call = {"client_id": made["client_id"], "method": "tools/call", "target": "list_invoices"}
    assert await forgers["archive"].tell(DECISION, **call) == 200
    form = {"grant_type": "client_credentials", "resource": "http://127.0.0.1:9001/mcp"}
    async with public_client(staff.admin) as http:
        answer = await http.post("http://127.0.0.1:8700/token", data=form, auth=(made["client_id"], "wrong"))
    refused = answer.headers["accredit-decision"]
    for decision in (DECISION, refused):
        answer = await staff.clients["bea"].get(f"/decisions/{decision}")
        assert "merger-2027" not in answer.text
        assert "ceo@example.com" not in answer.text
    assert "merger-2027" in str(await told(staff, "eye", DECISION))


@pytest.mark.parametrize("where", ["/suggestions", "/reports/unused-scopes"])
async def test_a_planted_call_does_not_bring_an_agent_of_others_into_a_report(
    staff: Staff, forgers: dict[str, Forger], where: str
) -> None:
    made = await staff.admin.ok("POST", "/agents", json={"slug": "merger-2027", "owner": "ceo@example.com"})
    call = {"method": "tools/call", "target": "list_invoices", "reason": "ok"}
    assert await forgers["archive"].tell(DECISION, client_id=made["client_id"], **call) == 200
    assert await forgers["archive"].tell(DECISION, client_id=staff.secrets["bot"][0], **call) == 200
    theirs = (await staff.clients["bea"].get(where)).text
    assert '"kind":"end"' in theirs
    assert "merger-2027" not in theirs
    if where == "/suggestions":
        assert '"bot"' in theirs
        assert "merger-2027" in (await staff.clients["eye"].get(where)).text


async def test_a_planted_call_of_long_ago_does_not_let_the_log_seem_older_than_it_is(
    staff: Staff, forgers: dict[str, Forger]
) -> None:
    assert await forgers["archive"].tell(DECISION, at=0) == 200
    assert '"log_begins"' in (await staff.clients["bea"].get("/suggestions")).text


async def test_an_agent_that_holds_a_role_or_had_a_token_is_known_by_name(
    staff: Staff, forgers: dict[str, Forger]
) -> None:
    assert await forgers["archive"].tell(DECISION, client_id=staff.secrets["bot"][0]) == 200
    assert "bot" in str((await told(staff, "bea", DECISION))["chain"])
    record = await issued(staff)
    await staff.admin.ok("DELETE", "/roles/both/assignments/bot")
    call = {"client_id": staff.secrets["bot"][0], "jti": record["person"]["jti"]}
    once = DECISION.replace("1", "2")
    assert await forgers["ledger"].tell(once, **call) == 200
    assert "bot" in str((await told(staff, "ann", once))["chain"])


async def test_a_planted_name_does_not_tell_whether_an_agent_is_called_so(
    staff: Staff, forgers: dict[str, Forger]
) -> None:
    await staff.admin.ok("POST", "/agents", json={"slug": "merger-2027", "owner": "ceo@example.com"})
    for name in ("merger-2027", "merger-2028"):
        assert await forgers["archive"].tell(DECISION, client_id=name, subject=name) == 200
        for place in ("client", "subject", "member"):
            answer = await staff.clients["bea"].get("/audit", params={place: name})
            assert len(answer.json()["items"]) == 1, (name, place)
    where = {"params": {"client": "bot", "kind": "token_issued"}}
    await issued(staff)
    assert (await staff.clients["ann"].get("/audit", **where)).json()["items"], "who is known is found by name"


async def test_what_another_server_says_of_a_trace_leaves_no_call_of_mine_out(
    staff: Staff, forgers: dict[str, Forger]
) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    assert await forgers["ledger"].tell(DECISION, trace_id=trace) == 200
    staff.admin.clock.advance(1)
    assert await forgers["archive"].tell(DECISION.replace("1", "2"), times=1000, trace_id=trace) == 200
    found = (await staff.clients["ann"].get("/decisions", params={"trace": trace})).json()["items"]
    assert [item["decision"] for item in found] == [DECISION]


@pytest.mark.parametrize("at", [-1, 2**62, 2**63 - 1, 2**63, 253_402_300_800_000_000], ids=str)
async def test_a_record_of_a_time_that_cannot_be_is_not_taken(
    staff: Staff, forgers: dict[str, Forger], at: int
) -> None:
    assert await forgers["archive"].tell(DECISION, at=at) == 400
    assert (await staff.clients["bea"].get("/audit", params={"kind": "decision"})).json()["items"] == []


async def test_a_guard_whose_clock_is_a_little_ahead_or_whose_spool_is_old_is_heard(
    staff: Staff, forgers: dict[str, Forger]
) -> None:
    now, day = staff.admin.clock.now(), 86_400_000_000
    assert await forgers["archive"].tell(DECISION, at=now + day) == 200
    assert await forgers["archive"].tell(DECISION, at=0) == 200
    assert await forgers["archive"].tell(DECISION, at=now + 2 * day) == 400
