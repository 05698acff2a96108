"""Decisions explained from a real token and a real guard: which factor, which credential, what changed since."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.admin import Admin, tokens
from tests.support.house import House, house, parts
from tests.support.management import Staff

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    """The whole house in one process."""
    async with house(tmp_path) as found:
        yield found


async def refused(home: House, token: str, name: str = "purge_ledger", **more: Any) -> str:
    """Have a call refused, and return the id of the decision."""
    answer = await home.reach(token, name, **more)
    assert answer.status == 403
    await home.site.ship()
    return str(answer.json()["error"]["data"]["decision_id"])


async def explained(home: House, decision: str) -> Any:
    return await home.admin.ok("GET", f"/decisions/{decision}")


async def causes(home: House, decision: str) -> dict[str, str]:
    return {item["scope"]: item["cause"] for item in (await explained(home, decision))["left_out"]}


async def test_a_refused_call_names_the_factor_that_removed_the_scope_when_the_token_was_made(home: House) -> None:
    asked = await refused(home, await home.token("ledger:read ledger:purge"))
    silent = await refused(home, await home.token("ledger:read"))
    assert await causes(home, asked) == {"ledger:purge": "client_roles"}
    assert await causes(home, silent) == {"ledger:purge": "request"}
    (item,) = (await explained(home, silent))["left_out"]
    assert item["remedy"].startswith("put it into a role")
    await home.admin.ok("PUT", "/roles/reader/scopes/ledger", json={"scopes": ["ledger:read", "ledger:purge"]})
    held = await home.token("ledger:purge")
    await home.admin.ok("PUT", "/roles/reader/scopes/ledger", json={"scopes": ["ledger:read"]})
    await home.site.catch_up()
    assert await causes(home, await refused(home, held)) == {"ledger:purge": "reduced"}


async def test_a_refused_call_names_its_token_and_the_credential_behind_it(home: House) -> None:
    token = await home.token()
    _, claims, _ = parts(token)
    found = await explained(home, await refused(home, token))
    assert found["token"]["jti"] == claims["jti"]
    assert found["token"]["credential"] == claims["rev"][0]
    assert found["token"]["scopes"] == ["ledger:read"]
    issuance = await explained(home, found["token"]["decision"])
    assert (issuance["kind"], issuance["token"]["jti"]) == ("token_issued", claims["jti"])


async def test_what_changed_since_is_told_and_what_would_be_decided_now(home: House) -> None:
    decision = await refused(home, await home.token())
    before = await explained(home, decision)
    assert (before["today"]["allowed"], before["policy"]["changes"]) == (False, [])
    await home.admin.ok("PUT", "/roles/reader/scopes/ledger", json={"scopes": ["ledger:purge"]})
    await home.admin.ok("POST", "/servers/other/suspend")
    after = await explained(home, decision)
    assert after["today"]["allowed"] is True
    assert [item["action"] for item in after["policy"]["changes"]] == ["role.scopes"]
    assert after["policy"]["version"] < after["policy"]["version_now"]
    assert after["left_out"][0]["who"] == "the client itself"


async def test_decisions_are_found_by_token_and_by_trace(home: House) -> None:
    token = await home.token()
    _, claims, _ = parts(token)
    decision = await refused(home, token, headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"})
    (found,) = (await home.admin.ok("GET", "/decisions", params={"trace": TRACE}))["items"]
    assert (found["decision"], found["outcome"]) == (decision, "deny")
    (issued,) = (await home.admin.ok("GET", "/decisions", params={"token": claims["jti"]}))["items"]
    assert issued["decision"] == (await explained(home, decision))["token"]["decision"]


async def test_while_the_search_tables_are_emptied_nobody_is_told_whose_a_decision_was(
    admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    await admin.ledger()
    (item, *_) = (await admin.ok("GET", "/audit"))["items"]
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr("accredit.store.terms.emptying", lambda _: True)
        assert await admin.refused("GET", f"/decisions/{item['decision']}") == (503, "unavailable")
    assert (await admin.ok("GET", f"/decisions/{item['decision']}"))["decision"] == item["decision"]


async def test_what_is_not_there_is_found_nowhere(admin: Admin) -> None:
    for wanted in ({"token": "tok_" + "0" * 26}, {"trace": "0" * 32}):
        assert (await admin.ok("GET", "/decisions", params=wanted))["items"] == []


@pytest.mark.parametrize(
    "query",
    [
        {}, {"token": "x"}, {"trace": "x"}, {"token": "tok_" + "0" * 26, "trace": TRACE}, {"trace": TRACE.upper()},
        {"token": "dec_" + "0" * 26}, {"decision": "dec_" + "0" * 26},
    ],
)  # fmt: skip
async def test_a_search_for_what_no_id_is_is_refused(admin: Admin, query: dict[str, str]) -> None:
    assert await admin.refused("GET", "/decisions", params=query) == (422, "invalid")


async def test_a_server_administrator_finds_nothing_of_another_server(staff: Staff) -> None:
    made = await tokens(staff.admin)(*staff.secrets["bot"], "ledger:read", "http://127.0.0.1:9001/mcp")
    _, claims, _ = parts(made.json()["access_token"])
    where = {"token": claims["jti"]}
    assert len((await staff.clients["bea"].get("/decisions", params=where)).json()["items"]) == 1
    theirs = (await staff.clients["ann"].get("/decisions", params=where)).text
    nothing = (await staff.clients["ann"].get("/decisions", params={"token": "tok_" + "0" * 26})).text
    assert theirs == nothing


async def test_a_server_administrator_hears_of_changes_to_their_server_alone(staff: Staff) -> None:
    ask = tokens(staff.admin)
    decision = (await ask(*staff.secrets["bot"], "ledger:purge")).headers["accredit-decision"]
    await staff.admin.ok("PUT", "/roles/both/scopes/archive", json={"scopes": ["ledger:purge"]})
    await staff.admin.ok("PUT", "/servers/ledger/defaults", json={"scopes": []})
    await staff.admin.ok("PUT", "/servers/archive/defaults", json={"scopes": []})
    hers = (await staff.clients["ann"].get(f"/decisions/{decision}")).json()
    theirs = (await staff.clients["eye"].get(f"/decisions/{decision}")).json()
    assert [item["action"] for item in hers["policy"]["changes"]] == ["server.defaults"]
    assert [item["action"] for item in theirs["policy"]["changes"]] == ["role.scopes", "server.defaults"]
    assert "root" in theirs["left_out"][0]["who"]
    assert "root" not in str(hers)


async def test_of_many_changes_the_newest_are_told_and_that_there_are_more(admin: Admin) -> None:
    await admin.ledger()
    made = await admin.ok("POST", "/agents", json={"slug": "bot", "owner": "dana"})
    decision = (await tokens(admin)(made["client_id"], made["secret"])).headers["accredit-decision"]
    for number in range(21):
        await admin.ok("PUT", f"/servers/ledger/scopes/word-{number}", json={})
    policy = (await admin.ok("GET", f"/decisions/{decision}"))["policy"]
    assert (len(policy["changes"]), policy["whole"]) == (20, False)
    assert policy["changes"][-1]["summary"] == "scope word-20"
