"""Who may do what at the management API: the table of permissions, walked through the OpenAPI document."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest

from accredit.identity.management import Need
from accredit.identity.plan import Plan
from accredit.web.api.permissions import OPERATIONS
from tests.support.admin import Admin
from tests.support.management import Staff

Operation = tuple[str, str, str]
"""The name of an operation, its method and the template of its path."""

BODIES: dict[str, Any] = {
    "administrators.name": {"administrator": True},
    "agents.add": {"slug": "fresh", "owner": "dana"},
    "agents.edit": {"purpose": "Changed"},
    "agents.add_credential": {},
    "agents.rotate_credential": {"old": "crd_x"},
    "agents.retire_credential": {"retires_in": 60},
    "archives.archive": {"before": "2020-01-01T00:00:00Z"},
    "redactions.redact": {"subject": "nobody-at-all"},
    "denials.deny": {"reason": "A test"},
    "denials.lift": {},
    "applications.add": {"slug": "fresh", "owner": "dana"},
    "applications.edit": {"purpose": "Changed"},
    "applications.add_credential": {},
    "applications.rotate_credential": {"old": "crd_x"},
    "applications.retire_credential": {"retires_in": 60},
    "groups.add": {"slug": "fresh"},
    "files.plan": {"document": {"accredit": 1}},
    "files.apply": {"document": {"accredit": 1}, "fingerprint": Plan().fingerprint()},
    "replays.replay": {"document": {"accredit": 1}, "since": "2030-01-01T00:00:00Z"},
    "roles.add": {"slug": "fresh", "scopes": {"{server}": ["ledger:read"]}},
    "roles.put_scopes": {"scopes": ["ledger:purge"]},
    "roles.assign": {"ends_in": 60},
    "software.deny": {"software_id": "acme-cli", "reason": "A test"},
    "software.lift": {"software_id": "acme-cli"},
    "servers.add": {"slug": "fresh", "resource": "http://127.0.0.1:9002/mcp"},
    "servers.put_scope": {"description": "Changed"},
    "servers.put_tool": {"needs": ["ledger:purge"]},
    "servers.put_defaults": {"scopes": ["ledger:purge"]},
    "servers.put_first_use": {"scopes": []},
    "servers.put_may_ask": {"may_ask": ["roots"]},
    "modes.put": {"mode": "observe"},
    "webhooks.add": {"slug": "fresh", "url": "https://hooks.invalid/in"},
    "servers.sync": {"version": 1},
    "servers.invite": {},
}
"""What is sent with the operations that take a body."""

UNFINDABLE = {
    *("archives.archive", "audit.explain", "servers.sync", "keys.withdraw"),
    *("agents.rotate_credential", "agents.retire_credential", "agents.revoke_credential"),
    *("applications.rotate_credential", "applications.retire_credential", "applications.revoke_credential"),
}
"""Operations for which this test knows no decision, credential or version that is there."""

LEDGER = {"server": "ledger", "role": "reader", "guard": "front-way", "group": "readers"}
ARCHIVE = {"server": "archive", "role": "keeper", "guard": "back-way", "group": "keepers"}


async def operations(admin: Admin) -> list[Operation]:
    document = (await admin.http.get("/openapi.json")).json()
    found = [
        (operation["operationId"], method.upper(), path.removeprefix("/api/v1"))
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]
    takes = {name for path in document["paths"].values() for name in _with_body(path)}
    assert takes <= set(BODIES), "an operation with a body has no body in this test"
    assert {name for name, _, _ in found} == set(OPERATIONS)
    return sorted(found, key=lambda operation: operation[0].endswith(".remove"))


def _with_body(item: dict[str, Any]) -> Iterator[str]:
    return (operation["operationId"] for operation in item.values() if "requestBody" in operation)


def request(operation: Operation, of: dict[str, str]) -> tuple[str, str, dict[str, Any]]:
    """Return method, address and body with which `operation` concerns the nouns `of` somebody."""
    name, method, template = operation
    noun = template.split("/")[1]
    slug = {
        "servers": of["server"],
        "roles": of["role"],
        "guards": of["guard"],
        "groups": of["group"],
        "agents": "bot",
        "applications": "portal",
        "webhooks": "pager",
    }.get(noun, "")
    given = {
        "{slug}": slug, "{server}": of["server"], "{agent}": "bot", "{holder}": "bot", "{member}": "bot",
        "{word}": "ledger:purge", "{name}": "list_invoices", "{credential}": "crd_x",
        "{use}": "access", "{decision}": "dec_" + "0" * 26, "{kid}": "k" * 43,
    }  # fmt: skip
    where = re.sub(r"\{\w+\}", lambda found: given[found[0]], template)
    body = BODIES.get(name)
    if name == "roles.add":
        body = {"slug": "fresh", "scopes": {of["server"]: ["ledger:read"]}}
    if name == "decisions.find":
        where += "?token=tok_" + "0" * 26
    if name == "software.concerned":
        where += "?software_id=acme-cli"
    if name == "questions.ask":
        where += "?client=bot&tool=list_invoices"
    return method, where, {"headers": {"if-match": "*"}} | ({} if body is None else {"json": body})


async def send(client: httpx2.AsyncClient, operation: Operation, of: dict[str, str]) -> httpx2.Response:
    method, where, more = request(operation, of)
    return await client.request(method, where, **more)


def refused(answer: httpx2.Response) -> bool:
    if answer.status_code != 403:
        return False
    assert answer.json()["type"] == "urn:accredit:problem:forbidden"
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    assert answer.headers["cache-control"] == "no-store"
    return True


def decision(answer: httpx2.Response) -> str:
    """Return the id of the decision that an answer names, or what it has in its place."""
    lines = answer.headers["content-type"] == "application/x-ndjson"
    return "-" if lines else str(answer.json().get("decision_id", "-"))


def database(folder: Path) -> dict[str, list[Any]]:
    """Return every row of every table but those of the audit log and of the uses, to which refusals and tokens add."""
    with closing(sqlite3.connect(folder / "accredit.db")) as conn:
        names = [name for (name,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        assert {"agents", "assignments", "kept_answers", "signals", "signing_keys"} <= set(names)
        kept = [name for name in names if not name.startswith(("audit_", "sqlite_")) and name != "credential_uses"]
        return {name: sorted(conn.execute(f"SELECT * FROM {name}"), key=repr) for name in kept}


async def test_nobody_comes_in_without_a_token_and_nothing_is_said(staff: Staff, tmp_path: Path) -> None:
    before = database(tmp_path / "data")
    for operation in await operations(staff.admin):
        answer = await send(staff.clients["nobody"], operation, LEDGER)
        assert answer.status_code == 401, operation
        assert answer.headers["www-authenticate"].startswith("Bearer resource_metadata=")
        assert "error" not in answer.headers["www-authenticate"]
    for where in ("/openapi.json", "/nowhere", "/servers/ledger/"):
        assert (await staff.clients["nobody"].get(where)).status_code == 401
    assert database(tmp_path / "data") == before


async def test_two_server_administrators_cannot_touch_each_others(staff: Staff, tmp_path: Path) -> None:
    before = database(tmp_path / "data")
    for name, theirs in (("ann", ARCHIVE), ("bea", LEDGER)):
        for operation in await operations(staff.admin):
            need = OPERATIONS[operation[0]].need
            answer = await send(staff.clients[name], operation, theirs)
            listed = need is Need.OWN and operation[1] == "GET" and "{" not in operation[2]
            if listed:
                assert answer.status_code == 200, operation
                assert f'"{theirs["server"]}"' not in answer.text
            else:
                assert refused(answer), (name, operation, answer.text)
            assert theirs["guard"] not in answer.text
    assert database(tmp_path / "data") == before


async def test_what_does_not_exist_and_what_is_anothers_are_refused_alike(staff: Staff) -> None:
    nowhere = {"server": "nowhere", "role": "nobody", "guard": "nothing", "group": "nogroup"}
    for operation in await operations(staff.admin):
        theirs = await send(staff.clients["ann"], operation, ARCHIVE)
        unknown = await send(staff.clients["ann"], operation, nowhere)
        assert theirs.status_code == unknown.status_code, operation
        answers = [answer.text.replace(decision(answer), "-") for answer in (theirs, unknown)]
        assert answers[0] == answers[1], operation


async def test_a_server_administrator_administers_their_own(staff: Staff) -> None:
    done = []
    for operation in await operations(staff.admin):
        if OPERATIONS[operation[0]].need in (Need.SERVERS, Need.LOOK_AT_SERVERS):
            answer = await send(staff.clients["ann"], operation, LEDGER)
            assert not refused(answer), operation
            assert answer.is_success or operation[0] in UNFINDABLE, (operation, answer.text)
            done += [operation[0]] if operation[1] != "GET" else []
    assert len(done) >= 14
    assert (await send(staff.clients["ann"], ("roles.add", "POST", "/roles"), LEDGER)).status_code == 201
    found = (await staff.admin.ok("GET", "/audit", params={"kind": "administered", "limit": 50}))["items"]
    assert {item["person"]["by"] for item in found[: len(done)]} == {staff.secrets["ann"][0]}


async def test_a_role_over_two_servers_is_edited_and_assigned_by_who_administers_both(staff: Staff) -> None:
    ann = staff.clients["ann"]
    assert (await ann.get("/roles/both")).json()["scopes"] == {"ledger": ["ledger:read"]}
    for method, where, body in (
        ("PUT", "/roles/both/scopes/ledger", {"scopes": []}),
        ("PUT", "/roles/reader/scopes/archive", {"scopes": ["ledger:read"]}),
        ("PUT", "/roles/both/assignments/bot", {}),
        ("DELETE", "/roles/both/assignments/bot", None),
        ("POST", "/roles", {"slug": "wide", "scopes": {"ledger": [], "archive": ["ledger:read"]}}),
        ("POST", "/roles", {"slug": "none"}),
    ):
        assert refused(await ann.request(method, where, json=body)), where
    await staff.admin.ok("PUT", "/administrators/ann", json={"servers": ["ledger", "archive"]})
    token = await staff.token("ann")
    more = {"json": {"scopes": ["ledger:purge"]}, "headers": {"if-match": "*"}}
    answer = await staff.come(token, "PUT", "/roles/both/scopes/ledger", **more)
    assert answer.json()["scopes"] == {"archive": ["ledger:read"], "ledger": ["ledger:purge"]}


async def test_members_of_a_group_are_chosen_by_who_administers_every_server_in_its_roles(staff: Staff) -> None:
    ann, before = staff.clients["ann"], await staff.state()
    for method in ("PUT", "DELETE"):
        for group in ("everybody", "nobody", "keepers"):
            assert refused(await ann.request(method, f"/groups/{group}/members/bot")), group
    assert refused(await ann.put("/roles/both/assignments/group:readers"))
    assert await staff.state() == before
    assert (await ann.put("/groups/readers/members/app:portal")).status_code == 200
    assert (await ann.put("/roles/reader/assignments/group:nobody")).status_code == 200
    assert (await ann.put("/groups/nobody/members/bot")).status_code == 200
    await staff.admin.ok("PUT", "/roles/keeper/assignments/group:readers", json={"ends_in": 1})
    staff.admin.clock.advance(2)
    assert refused(await ann.delete("/groups/readers/members/app:portal")), "the end of a role may be moved again"


async def test_what_a_group_came_to_hold_after_the_door_is_looked_at_again(
    staff: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, directory = staff.clients["ann"], staff.admin.node.directory
    catch_up = directory.catch_up

    async def wider() -> None:
        monkeypatch.undo()
        await staff.admin.ok("PUT", "/roles/keeper/assignments/group:readers")
        await catch_up()

    monkeypatch.setattr(directory, "catch_up", wider)
    assert refused(await ann.put("/groups/readers/members/bot"))
    assert (await staff.admin.ok("GET", "/groups/readers"))["members"] == []


async def test_an_auditor_reads_everything_and_changes_nothing(staff: Staff, tmp_path: Path) -> None:
    before = database(tmp_path / "data")
    found = (await staff.admin.ok("GET", "/audit"))["items"][0]["decision"]
    for operation in await operations(staff.admin):
        answer = await send(staff.clients["eye"], operation, ARCHIVE)
        need = OPERATIONS[operation[0]].need
        if (operation[1] == "GET" and need is not Need.EVERYTHING) or need is Need.LOOK:
            assert answer.is_success or operation[0] == "audit.explain", (operation, answer.text)
        else:
            assert refused(answer), (operation, answer.text)
    assert (await staff.clients["eye"].get(f"/decisions/{found}")).status_code == 200
    assert database(tmp_path / "data") == before
    for noun in ("servers", "roles", "guards", "agents", "applications", "groups", "administrators"):
        assert (await staff.clients["eye"].get(f"/{noun}")).json() == await staff.admin.ok("GET", f"/{noun}")


async def test_an_administrator_does_everything_but_make_administrators(staff: Staff) -> None:
    for operation in await operations(staff.admin):
        answer = await send(staff.clients["root"], operation, LEDGER)
        local = OPERATIONS[operation[0]].need is Need.LOCAL
        assert refused(answer) is local, (operation, answer.text)
        assert answer.is_success or local or operation[0] in UNFINDABLE, operation
    (item, *_) = (await staff.admin.ok("GET", "/audit", params={"kind": "administered"}))["items"]
    explained = await staff.admin.ok("GET", f"/decisions/{item['decision']}")
    assert (item["person"]["by"], explained["chain"][0]["name"]) == (staff.secrets["root"][0], "root")


async def test_no_token_gives_an_administrator_new_powers(staff: Staff) -> None:
    root = staff.clients["root"]
    for where in ("/agents/ann/credentials", "/agents/root/credentials", "/agents/eye/resume"):
        assert refused(await root.post(where)), where
    assert (await root.post("/agents/ann/suspend")).status_code == 200
    assert refused(await root.post("/agents/ann/resume"))
    assert (await staff.clients["ann"].get("/servers")).status_code == 401
    assert refused(await root.put("/administrators/bot", json={"auditor": True}))
    assert (await staff.admin.ok("POST", "/agents/ann/resume"))["state"] == "active"


async def test_no_file_gives_an_administrator_new_powers(staff: Staff) -> None:
    root = staff.clients["root"]

    async def apply(**members: Any) -> httpx2.Response:
        body = {"document": {"accredit": 1, "agents": {"ann": members}}}
        seen = (await root.post("/plan", json=body)).json()["fingerprint"]
        return await root.post("/apply", json=body | {"fingerprint": seen})

    assert (await apply(state="suspended", purpose="Suspended by a file")).status_code == 200
    for members in ({"state": "active"}, {"expires": "2099-12-31T23:59:59Z"}):
        assert refused(await apply(**members))
    assert (await root.get("/agents/ann")).json()["state"] == "suspended"
    assert (await apply(purpose="Nothing of weight")).status_code == 200


async def test_an_administrator_may_ask_for_less_than_everything(staff: Staff) -> None:
    ledger = (await staff.admin.ok("GET", "/servers/ledger"))["id"]
    narrow = await staff.token("root", f"server:{ledger}")
    assert (await staff.come(narrow, "POST", "/servers/ledger/suspend")).status_code == 200
    assert (await staff.come(narrow, "POST", "/servers/archive/suspend")).status_code == 403
    assert (await staff.come(await staff.token("root", "audit"), "POST", "/keys/access/rotate")).status_code == 403
    usual = await staff.token("root")
    assert (await staff.come(usual, "POST", "/servers/archive/suspend")).status_code == 200
    answer = await staff.come(usual, "POST", "/agents", json={"slug": "x", "owner": "d"})
    assert answer.status_code == 403
    assert 'scope="admin"' in answer.headers["www-authenticate"]


async def test_the_log_of_a_server_is_open_to_its_administrator(staff: Staff) -> None:
    ann = staff.clients["ann"]
    found = (await ann.get("/audit", params={"server": "ledger"})).json()["items"]
    assert {item["server_slug"] for item in found} == {"ledger"}
    assert (await ann.get(f"/decisions/{found[0]['decision']}")).status_code == 200
    everything = (await staff.admin.ok("GET", "/audit", params={"limit": 200}))["items"]
    others = [item["decision"] for item in everything if item["server_slug"] != "ledger" and item["decision"]]
    assert len(others) > 5
    for decision in others:
        assert refused(await ann.get(f"/decisions/{decision}"))
    own = (await ann.get("/audit", params={"limit": 200})).json()["items"]
    assert {item["server_slug"] for item in own} == {"ledger"}
    assert len(own) == len([item for item in everything if item["server_slug"] == "ledger"])
    for query in ({"server": "archive"}, {"server": "nowhere"}, {"server": "srv_" + "0" * 26}):
        assert refused(await ann.get("/audit", params=query))
