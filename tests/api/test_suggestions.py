"""Suggestions over the management API: real calls of a real guard, and roles that carry what they needed."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from accredit import app, config
from accredit.service import calls
from tests.support.admin import Admin
from tests.support.house import House, house
from tests.support.management import Staff
from tests.support.until import eventually


@pytest.fixture
async def home(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[House]:
    """A house in which the agent may read and purge, lists invoices twice and purges nothing, and then may not pay."""
    url: str | None = None
    if getattr(request, "param", "sqlite") == "postgresql":
        url = request.getfixturevalue("postgres_url")
        await app.migrate_database(config.load(data=tmp_path / "data", database=url))
    async with house(tmp_path, url) as found:
        words = ["ledger:read", "ledger:purge"]
        await found.admin.ok("PUT", "/roles/reader/scopes/ledger", json={"scopes": words})
        await found.admin.ok("PUT", "/servers/ledger/scopes/ledger:pay", json={"description": "Pay"})
        await found.admin.ok("PUT", "/servers/ledger/tools/pay_invoice", json={"needs": ["ledger:pay"]})
        await heard(found)
        for name in ("list_invoices", "pay_invoice", "list_invoices"):
            await found.reach(await found.token(), name)
        await found.site.ship()
        yield found


async def heard(home: House) -> None:
    await eventually(lambda: home.site.guard._gate.knowledge.seq == home.admin.node.directory.cursor)  # type: ignore[union-attr]


async def asked(admin: Admin, where: str = "/suggestions", **wanted: str) -> list[dict[str, Any]]:
    answer = await admin.http.get(where, params=wanted)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


def of(kind: str, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in lines if line["kind"] == kind]


def verdicts(lines: list[dict[str, Any]]) -> dict[tuple[str, str, str], str]:
    return {
        (line["client"], item["server"], item["scope"]): item["verdict"]
        for line in of("client", lines)
        for item in line["scopes"]
    }


def gaps(lines: list[dict[str, Any]]) -> set[str]:
    return {item["gap"] for item in lines[-1]["gaps"]}


async def test_what_was_used_is_kept_what_was_not_could_go_and_what_was_refused_is_counted(home: House) -> None:
    found = await asked(home.admin)
    assert verdicts(found) == {
        ("bot", "ledger", "ledger:read"): "keep",
        ("bot", "ledger", "ledger:purge"): "unused",
        ("bot", "ledger", "ledger:pay"): "missing",
        ("bot", "other", "ledger:read"): "unseen",
    }
    (client,) = of("client", found)
    counts = {item["scope"]: (item["allowed"], item["refused"]) for item in client["scopes"] if item["calls"]}
    assert counts == {"ledger:read": (2, 0), "ledger:pay": (0, 1)}
    assert found[-1]["kind"] == "end"
    assert {"rare", "unseen", "refused", "new", "log_begins"} <= gaps(found)


async def test_the_role_carries_what_was_used_and_what_nobody_could_see_stays(home: House) -> None:
    found = await asked(home.admin)
    (role,) = of("role", found)
    assert role["scopes"] == {"ledger": ["ledger:read"], "other": ["ledger:read"]}
    assert role["holders"] == [{"client": "bot", "until": None}]
    assert found[-1]["document"]["agents"] == {"bot": {"roles": {role["role"]: {}}}}


@pytest.mark.parametrize("home", ["sqlite", "postgresql"], indirect=True)
async def test_the_file_is_applied_and_the_same_calls_pass_and_what_was_unused_is_refused(home: House) -> None:
    document = (await asked(home.admin))[-1]["document"]
    planned = await home.admin.ok("POST", "/plan", json={"document": document})
    replayed = await home.admin.ok("POST", "/replay", json={"document": document, "since": "2001-01-01T00:00:00Z"})
    assert replayed["items"] == [], "no past call would be another one"
    body = {"document": document, "fingerprint": planned["fingerprint"]}
    await home.admin.ok("POST", "/apply", json=body)
    await heard(home)
    assert (await home.reach(await home.token(), "list_invoices")).status == 200
    assert (await home.ask("ledger:purge")).json()["error"] == "invalid_scope"
    assert (await home.reach(await home.token(), "purge_ledger")).status == 403
    again = await asked(home.admin)
    assert [role["known"] for role in of("role", again)] == [True]
    assert again[-1]["document"] == {"accredit": 1}, "there is nothing left to do"


async def test_clients_that_used_the_same_get_one_role_and_those_without_a_call_are_left_alone(home: House) -> None:
    roles = {"roles": ["reader"]}
    twin = await home.admin.ok("POST", "/agents", json={"slug": "twin", "owner": "dana"} | roles)
    await home.admin.ok("POST", "/applications", json={"slug": "portal", "owner": "dana"} | roles)
    home.client_id, home.secret = twin["client_id"], twin["secret"]
    await home.reach(await home.token(), "list_invoices")
    await home.site.ship()
    found = await asked(home.admin)
    (role,) = of("role", found)
    assert [one["client"] for one in role["holders"]] == ["bot", "twin"]
    assert verdicts(found)["app:portal", "ledger", "ledger:read"] == "unused"
    assert "idle" in gaps(found)
    assert set(found[-1]["document"]) == {"accredit", "roles", "agents"}


async def test_one_client_one_server_and_one_time_are_looked_at_alone(home: House) -> None:
    await home.admin.ok("POST", "/agents", json={"slug": "twin", "owner": "dana", "roles": ["reader"]})
    alone = await asked(home.admin, client="twin")
    assert {line["client"] for line in of("client", alone)} == {"twin"}
    narrow = await asked(home.admin, server="ledger", client="bot")
    assert {server for _, server, _ in verdicts(narrow)} == {"ledger"}
    assert of("role", narrow)[0]["scopes"]["other"] == ["ledger:read"], "what was not looked at stays"
    later = await asked(home.admin, client="bot", since="2999-01-01T00:00:00Z")
    assert set(verdicts(later).values()) == {"unseen"}
    assert of("role", later) == []


async def test_what_is_let_through_by_a_server_that_observes_is_missing_and_in_the_role(home: House) -> None:
    await home.admin.ok("PUT", "/servers/ledger/mode", json={"mode": "observe"})
    await heard(home)
    assert (await home.reach(await home.token(), "pay_invoice")).status == 200
    await home.site.ship()
    found = await asked(home.admin, client="bot")
    (client,) = of("client", found)
    pay = next(item for item in client["scopes"] if item["scope"] == "ledger:pay")
    assert (pay["verdict"], pay["observed"], pay["refused"]) == ("missing", 1, 1)
    assert of("role", found)[0]["scopes"]["ledger"] == ["ledger:pay", "ledger:read"]


async def test_a_long_log_is_read_page_by_page_to_its_end(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = await asked(home.admin)
    monkeypatch.setattr(calls, "_PAGE", 1)
    paged = await asked(home.admin)
    assert len(of("progress", paged)) == 3
    assert [line for line in paged if line["kind"] != "progress"] == [
        line for line in whole if line["kind"] != "progress"
    ]


async def test_a_client_of_more_names_than_are_told_apart_is_left_out_and_that_is_said(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accredit.service.suggestions.MOST_USES", 1)
    found = await asked(home.admin)
    assert (of("role", found), found[-1]["document"]) == ([], {"accredit": 1})
    assert "passed_over" in gaps(found)


async def test_redacted_records_and_names_that_are_gone_are_said(home: House) -> None:
    assert not {"redacted", "gone"} & gaps(await asked(home.admin))
    await home.admin.ok("DELETE", "/servers/ledger/tools/list_invoices")
    assert "gone" in gaps(await asked(home.admin))
    await home.admin.ok("POST", "/redactions", json={"subject": "bot"})
    found = await asked(home.admin)
    assert "redacted" in gaps(found)
    assert verdicts(found)["bot", "ledger", "ledger:read"] == "unused"


async def test_unused_scopes_are_the_same_in_another_view(home: House) -> None:
    found = await asked(home.admin, "/reports/unused-scopes")
    assert verdicts(found) == {("bot", "ledger", "ledger:purge"): "unused"}
    assert of("role", found) == []
    assert found[-1]["document"] is None
    assert "unseen" in gaps(found)


@pytest.mark.parametrize("where", ["/suggestions", "/reports/unused-scopes"])
@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"client": "nobody"}, (404, "not_found")),
        ({"server": "nowhere"}, (404, "not_found")),
        ({"server": "management"}, (422, "invalid")),
        ({"client": "group:readers"}, (422, "invalid")),
        ({"since": "yesterday"}, (422, "invalid")),
        ({"limit": "1"}, (422, "invalid")),
    ],
    ids=str,
)
async def test_a_question_that_cannot_be_meant_is_refused(
    admin: Admin, where: str, wanted: dict[str, str], expected: tuple[int, str]
) -> None:
    assert await admin.refused("GET", where, params=wanted) == expected


@pytest.mark.parametrize("where", ["/suggestions", "/reports/unused-scopes"])
async def test_a_server_administrator_hears_of_their_servers_alone(staff: Staff, where: str) -> None:
    await staff.admin.ok("POST", "/agents", json={"slug": "foreign", "owner": "dana", "roles": ["keeper"]})
    ann = staff.clients["ann"]
    answer = await ann.get(where)
    assert answer.status_code == 200
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert {server for _, server, _ in verdicts(lines)} <= {"ledger"}
    assert lines[-1]["document"] is None
    assert not {"archive", "foreign"} & set(answer.text.replace('"', " ").replace(",", " ").split())
    for query in ({"server": "archive"}, {"server": "nowhere"}):
        assert (await ann.get(where, params=query)).status_code == 403
    foreign, nobody = [(await ann.get(where, params={"client": name})).text for name in ("foreign", "nobody")]
    assert foreign == nobody, "who is not there and who is not theirs look alike"
    assert (await staff.clients["eye"].get(where)).status_code == 200
    assert (await staff.clients["nobody"].get(where)).status_code == 401


async def as_administrator_of(home: House, server: str) -> list[dict[str, Any]]:
    """Ask as somebody who administers that server and no other."""
    made = await home.admin.ok("POST", "/agents", json={"slug": "ann", "owner": "dana"})
    await home.admin.ok("PUT", "/administrators/ann", json={"servers": [server]})
    form = {"grant_type": "client_credentials", "resource": "http://127.0.0.1:8700/api"}
    token = (await home.post(form, (made["client_id"], made["secret"]))).json()["access_token"]
    answer = await home.public.get("/api/v1/suggestions", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_a_server_administrator_is_not_told_what_a_role_carries_elsewhere(home: House) -> None:
    lines = await as_administrator_of(home, "ledger")
    (role,) = of("role", lines)
    assert role["scopes"] == {"ledger": ["ledger:read"]}
    assert "other" not in json.dumps(lines)


async def test_a_server_administrator_is_not_told_how_often_somebody_called_elsewhere(home: House) -> None:
    lines = await as_administrator_of(home, "other")
    assert verdicts(lines) == {("bot", "other", "ledger:read"): "unseen"}
    assert (of("progress", lines), lines[-1]["records"]) == ([], 0)
