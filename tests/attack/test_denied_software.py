"""emergency brake: of a denied software nobody gets in, with old tokens or new ones, registered before or after."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from accredit import app, config
from tests.support.admin import Admin, administration, tokens
from tests.support.house import OTHER, RESOURCE, House
from tests.support.management import staffed
from tests.support.until import eventually

CLI = {"software_id": "acme-cli"}


@pytest.fixture
async def portal(victim: House) -> House:
    """The house of an application of that software in version 2, beside the agent, who names none."""
    made = await register(victim.admin, "portal", software_version="2")
    victim.client_id, victim.secret = made["client_id"], made["secret"]
    return victim


async def register(admin: Admin, name: str, **more: str) -> Any:
    body = {"slug": name, "owner": "dana", "roles": ["reader"], **CLI, **more}
    return await admin.ok("POST", "/applications", json=body)


async def heard(victim: House) -> None:
    await eventually(lambda: victim.site.guard._gate.knowledge.seq == victim.admin.node.directory.cursor)  # type: ignore[union-attr]


async def denied(victim: House, **body: str) -> None:
    await victim.admin.ok("POST", "/software/denials", json=CLI | body)
    await heard(victim)


async def lifted(victim: House, **body: str) -> None:
    await victim.admin.ok("POST", "/software/denials/lift", json=CLI | body)
    await heard(victim)


async def turned_away(victim: House) -> bool:
    answer = await victim.ask()
    assert answer.status_code in (200, 400), answer.text
    assert answer.status_code == 200 or answer.json()["error"] == "invalid_grant"
    assert "acme" not in answer.text
    assert "software" not in answer.text
    return bool(answer.status_code == 400)


async def test_a_denied_software_loses_its_tokens_and_gets_none_until_it_is_lifted(portal: House) -> None:
    token = await portal.token()
    assert (await portal.reach(token)).status == 200
    portal.site.inner.calls.clear()
    await denied(portal, reason="Sends what it reads elsewhere")
    await portal.stopped(token)
    assert await turned_away(portal)
    await lifted(portal)
    assert (await portal.reach(await portal.token())).status == 200
    assert (await portal.reach(token)).status == 401, "what was denied does not come back to life"


async def test_who_names_no_software_or_another_one_goes_on(victim: House) -> None:
    token = await victim.token()
    await register(victim.admin, "portal")
    await denied(victim)
    assert (await victim.reach(token)).status == 200
    assert not await turned_away(victim)


async def test_a_client_that_comes_later_is_denied_too(victim: House) -> None:
    await denied(victim)
    made = await register(victim.admin, "late")
    victim.client_id, victim.secret = made["client_id"], made["secret"]
    assert await turned_away(victim)


@pytest.mark.parametrize("way", ["edit", "file"])
async def test_a_client_that_comes_to_be_of_a_denied_software_loses_its_tokens(victim: House, way: str) -> None:
    made = await register(victim.admin, "portal", software_id="harmless")
    victim.client_id, victim.secret = made["client_id"], made["secret"]
    await denied(victim)
    token = await victim.token()
    assert (await victim.reach(token)).status == 200
    victim.site.inner.calls.clear()
    if way == "edit":
        await victim.admin.ok("PATCH", "/applications/portal", json=CLI)
    else:
        document = {"accredit": 1, "applications": {"portal": {"software_id": "acme-cli"}}}
        seen = (await victim.admin.ok("POST", "/plan", json={"document": document}))["fingerprint"]
        await victim.admin.ok("POST", "/apply", json={"document": document, "fingerprint": seen})
    await heard(victim)
    await victim.stopped(token)
    assert await turned_away(victim)


async def test_one_version_is_denied_alone_and_every_version_together(portal: House) -> None:
    await denied(portal, software_version="1")
    assert not await turned_away(portal)
    await denied(portal, software_version="2")
    assert await turned_away(portal)
    await denied(portal)
    await lifted(portal, software_version="2")
    assert await turned_away(portal), "all versions are denied still"
    await lifted(portal)
    assert not await turned_away(portal)


async def test_what_sounds_like_it_is_another_software(portal: House) -> None:
    for name in ("acme", "acme-cli2", "ACME-CLI", "acme-cli%", "acme_cli"):
        await denied(portal, software_id=name)
    assert not await turned_away(portal)


async def test_a_guard_that_starts_anew_refuses_what_was_issued_before(portal: House) -> None:
    token = await portal.token()
    await portal.site.guard._stop()
    await portal.admin.ok("POST", "/software/denials", json=CLI)
    await portal.site.guard._start()
    portal.site.inner.calls.clear()
    await portal.stopped(token)


async def test_a_suspended_client_stays_suspended_when_its_software_is_lifted(portal: House) -> None:
    await denied(portal)
    await portal.admin.ok("POST", "/applications/portal/suspend")
    await portal.admin.ok("POST", "/applications/portal/resume")
    assert await turned_away(portal), "to resume a client does not lift the denial"
    await portal.admin.ok("POST", "/applications/portal/suspend")
    await lifted(portal)
    assert await turned_away(portal), "to lift the denial does not resume a client"


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_a_denial_outlives_the_node(tmp_path: Path, engine: str, request: pytest.FixtureRequest) -> None:
    url: str | None = request.getfixturevalue("postgres_url") if engine == "postgresql" else None
    await app.migrate_database(config.load(data=tmp_path, database=url))
    async with administration(tmp_path, url) as admin:
        await admin.ledger(resource=RESOURCE)
        await admin.ok("POST", "/roles", json={"slug": "reader", "scopes": {"ledger": ["ledger:read"]}})
        made = await register(admin, "portal")
        await admin.ok("POST", "/software/denials", json=CLI | {"reason": "Leaks"})
    async with administration(tmp_path, url) as admin:
        (shown,) = (await admin.ok("GET", "/software/denials"))["items"]
        assert (shown["software_id"], shown["software_version"], shown["reason"]) == ("acme-cli", "", "Leaks")
        ask = tokens(admin)
        assert (await ask(made["client_id"], made["secret"], resource=RESOURCE)).status_code == 400
        await admin.ok("POST", "/software/denials/lift", json=CLI)
        assert (await ask(made["client_id"], made["secret"], resource=RESOURCE)).status_code == 200


async def test_whom_it_would_stop_is_told_before(portal: House) -> None:
    await register(portal.admin, "other", software_version="1")
    found = await portal.admin.ok("GET", "/software/concerned", params=CLI)
    assert found == {"clients": ["app:other", "app:portal"], "servers": ["ledger", "other"], "guards": 1}
    one = await portal.admin.ok("GET", "/software/concerned", params=CLI | {"software_version": "2"})
    assert one["clients"] == ["app:portal"]
    none = await portal.admin.ok("GET", "/software/concerned", params={"software_id": "nothing"})
    assert none == {"clients": [], "servers": [], "guards": 0}
    assert not await turned_away(portal), "to ask changes nothing"


async def test_why_it_was_refused_is_told_to_those_who_may_know_and_all_is_recorded(portal: House) -> None:
    await denied(portal, reason="Leaks")
    await portal.ask()
    refusal = (await portal.admin.ok("GET", "/audit", params={"kind": "token_refused"}))["items"][0]["person"]
    assert "denied to everybody" in refusal["reason"]
    asked = {"client": "app:portal", "tool": "list_invoices"}
    told = await portal.admin.ok("GET", "/servers/ledger/explain", params=asked)
    assert told["allowed"] is False
    assert "acme-cli 2" in told["sentence"]
    assert [item["factor"] for item in told["factors"] if not item["holds"]] == ["software"]
    await lifted(portal)
    found = await portal.admin.ok("GET", "/audit", params={"kind": "administered", "limit": 2})
    assert [(item["person"]["action"], item["person"]["target"]) for item in found["items"]] == [
        ("emergency.lift", "acme-cli"),
        ("emergency.deny", "acme-cli"),
    ]
    assert "Leaks" in found["items"][1]["person"]["summary"]


async def test_what_was_decided_before_is_told_with_the_denial_that_came_after(portal: House) -> None:
    await portal.token()
    (issued,) = (await portal.admin.ok("GET", "/audit", params={"kind": "token_issued", "limit": 1}))["items"]
    await denied(portal, software_id="another")
    await denied(portal, reason="Leaks")
    told = await portal.admin.ok("GET", f"/decisions/{issued['decision']}")
    (change,) = told["policy"]["changes"]
    assert change["action"] == "emergency.deny"
    assert "Leaks" in change["summary"]


async def test_what_is_not_denied_cannot_be_lifted_and_what_is_no_name_cannot_be_denied(victim: House) -> None:
    assert await victim.admin.refused("POST", "/software/denials/lift", json=CLI) == (404, "not_found")
    for name in ("", "two words", "x" * 201, "é"):
        assert await victim.admin.refused("POST", "/software/denials", json={"software_id": name}) == (422, "invalid")
    body = {"slug": "portal", "owner": "dana", "software_version": "2"}
    assert await victim.admin.refused("POST", "/applications", json=body) == (422, "invalid")


async def test_a_token_of_a_denied_software_opens_no_other_server_either(portal: House) -> None:
    await denied(portal)
    assert (await portal.ask(resource=OTHER)).json()["error"] == "invalid_grant"


async def test_no_office_opens_the_management_api_to_a_denied_software(tmp_path: Path) -> None:
    async with administration(tmp_path / "data") as admin, staffed(admin) as staff:
        with closing(sqlite3.connect(tmp_path / "data" / "accredit.db")) as conn:
            conn.execute("UPDATE clients SET software_id = 'acme-cli' WHERE slug = 'ann'")
            conn.commit()
        assert (await staff.clients["ann"].get("/servers")).status_code == 200
        await admin.ok("POST", "/software/denials", json=CLI)
        assert (await staff.clients["ann"].get("/servers")).status_code == 401
        assert (await staff.clients["bea"].get("/servers")).status_code == 200
        await admin.ok("POST", "/software/denials/lift", json=CLI)
        assert (await staff.clients["ann"].get("/servers")).status_code == 401, "the tokens of before stay dead"
        token = await staff.ask("ann", "", "http://127.0.0.1:8700/api")
        bearer = {"authorization": f"Bearer {token.json()['access_token']}"}
        assert (await staff.clients["ann"].get("/servers", headers=bearer)).status_code == 200
