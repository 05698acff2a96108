"""Files over the management API: a plan shows what apply does, apply does it whole or not at all."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from accredit import app, config
from accredit.identity.changes import SignalKind
from accredit.ports.journal import StoreError
from tests.support.admin import Admin, administration, tokens

DOCUMENT: dict[str, Any] = {
    "accredit": 1,
    "servers": {
        "ledger": {
            "resource": "https://ledger.example/mcp",
            "name": "Ledger",
            "state": "active",
            "mode": "enforce",
            "may_ask": ["roots"],
            "default_scopes": ["read"],
            "first_use": ["read"],
            "scopes": {"pay": "Pay invoices", "read": ""},
            "tools": {
                "list": {"needs": ["read"], "read_only": True},
                "pay": {"needs": ["pay", "read"], "description": "Pays", "destructive": True, "visibility": "hide"},
            },
            "resources": {"file:///{path}": {"needs": ["read"]}},
            "prompts": {"greet": {"needs": ["read"], "visibility": "conceal"}},
        },
        "notes": {
            "resource": "https://notes.example/mcp", "name": "notes", "state": "suspended", "mode": "enforce",
            "may_ask": [], "default_scopes": [], "first_use": [], "scopes": {}, "tools": {}, "resources": {},
            "prompts": {},
        },
    },
    "roles": {
        "payer": {"name": "Payers", "scopes": {"ledger": ["pay", "read:own"]}},
        "reader": {"name": "reader", "scopes": {"ledger": ["read"]}},
    },
    "agents": {
        "bot": {
            "owner": "dana", "name": "Bot", "sponsor": "ann", "purpose": "Pays", "expires": "2099-12-31T23:59:59Z",
            "state": "active", "roles": {"payer": {"until": "2098-01-01T00:00:00.500000Z"}, "reader": {}},
        },
        "clerk": {
            "owner": "dana", "name": "clerk", "sponsor": "", "purpose": "", "expires": "never",
            "state": "suspended", "roles": {},
        },
    },
    "applications": {},
    "groups": {},
}  # fmt: skip


@pytest.fixture
async def both(tmp_path: Path, engine_url: str) -> AsyncIterator[Admin]:
    """A fresh node on each engine."""
    database = engine_url if engine_url.startswith("postgresql") else None
    if database is not None:
        await app.migrate_database(config.load(data=tmp_path / "data", database=database))
    async with administration(tmp_path / "data", database) as found:
        yield found


async def planned(admin: Admin, document: Any, *, prune: bool = False) -> Any:
    return await admin.ok("POST", "/plan", json={"document": document, "prune": prune})


async def applied(admin: Admin, document: Any, *, prune: bool = False) -> Any:
    body = {"document": document, "prune": prune}
    found = await planned(admin, document, prune=prune)
    return await admin.ok("POST", "/apply", json=body | {"fingerprint": found["fingerprint"]})


def changed(**sections: Any) -> Any:
    """Return the document with other members in some nouns: `ledger={...}`."""
    found = json.loads(json.dumps(DOCUMENT))
    for slug, members in sections.items():
        next(found[name] for name in ("servers", "roles", "agents") if slug in found[name])[slug].update(members)
    return found


def without(section: str, *slugs: str) -> Any:
    found = json.loads(json.dumps(DOCUMENT))
    for slug in slugs:
        del found[section][slug]
    return found


async def test_the_export_of_an_applied_file_is_that_file_and_then_nothing_is_left_to_do(both: Admin) -> None:
    done = await applied(both, DOCUMENT)
    assert done["counts"] == {"add": 6, "change": 0, "remove": 0}
    assert done["without_credential"] == ["bot", "clerk"]
    found = await both.ok("GET", "/export")
    assert json.dumps(found) == json.dumps(DOCUMENT)
    assert (await planned(both, found, prune=True))["steps"] == []
    assert (await applied(both, found, prune=True))["counts"] == {"add": 0, "change": 0, "remove": 0}


async def test_an_export_makes_the_same_export_of_an_empty_database(both: Admin, tmp_path: Path) -> None:
    await applied(both, DOCUMENT)
    found = await both.ok("GET", "/export")
    async with administration(tmp_path / "other") as other:
        await applied(other, found)
        assert json.dumps(await other.ok("GET", "/export")) == json.dumps(found)


CHANGES: dict[str, tuple[Any, bool, list[tuple[str, str, list[str]]]]] = {
    "a server's name": (changed(ledger={"name": "L"}), False, [("change", "ledger", ["name"])]),
    "a server's state": (changed(ledger={"state": "suspended"}), False, [("change", "ledger", ["state"])]),
    "a server resumed": (changed(notes={"state": "active"}), False, [("change", "notes", ["state"])]),
    "what it may ask": (changed(ledger={"may_ask": []}), False, [("change", "ledger", ["may_ask"])]),
    "its defaults": (changed(ledger={"default_scopes": []}), False, [("change", "ledger", ["default_scopes"])]),
    "its first use": (changed(ledger={"first_use": ["pay"]}), False, [("change", "ledger", ["first_use"])]),
    "one scope more": (
        changed(ledger={"scopes": {"pay": "Pay", "read": "", "admin": ""}}), False,
        [("change", "ledger", ["scopes.admin", "scopes.pay"])],
    ),
    "a tool less": (
        changed(ledger={"tools": {"list": {"needs": ["read"], "read_only": True}}}), False,
        [("change", "ledger", [f"tools.pay.{name}" for name in
                               ("description", "destructive", "needs", "read_only", "visibility")])],
    ),
    "a prompt's needs": (
        changed(ledger={"prompts": {"greet": {"needs": ["pay"], "visibility": "conceal"}}}), False,
        [("change", "ledger", ["prompts.greet.needs"])],
    ),
    "a role's name": (changed(reader={"name": "Readers"}), False, [("change", "reader", ["name"])]),
    "a role's scopes": (changed(payer={"scopes": {}}), False, [("change", "payer", ["scopes.ledger"])]),
    "an agent's people": (
        changed(bot={"owner": "ann", "sponsor": "", "purpose": "x", "name": "B"}), False,
        [("change", "bot", ["owner", "name", "sponsor", "purpose"])],
    ),
    "an agent's expiry": (changed(bot={"expires": "never"}), False, [("change", "bot", ["expires"])]),
    "an agent suspended": (changed(bot={"state": "suspended"}), False, [("change", "bot", ["state"])]),
    "an agent resumed": (changed(clerk={"state": "active"}), False, [("change", "clerk", ["state"])]),
    "a role given": (changed(clerk={"roles": {"reader": {}}}), False, [("change", "clerk", ["roles.reader.until"])]),
    "a role taken": (
        changed(bot={"roles": {"payer": {"until": "2098-01-01T00:00:00.500000Z"}}}), False,
        [("change", "bot", ["roles.reader.until"])],
    ),
    "an end moved": (
        changed(bot={"roles": {"payer": {}, "reader": {}}}), False, [("change", "bot", ["roles.payer.until"])]
    ),
    "an agent gone": (without("agents", "bot"), True, [("remove", "bot", [])]),
    "a role gone": (
        {**without("roles", "reader"), "agents": changed(bot={"roles": {"payer": {
            "until": "2098-01-01T00:00:00.500000Z"}}})["agents"]}, True,
        [("change", "bot", ["roles.reader.until"]), ("remove", "reader", [])],
    ),
    "a server gone": (without("servers", "notes"), True, [("remove", "notes", [])]),
    "everything gone": (
        {"accredit": 1, "servers": {}, "roles": {}, "agents": {}, "applications": {}, "groups": {}}, True,
        [("remove", name, []) for name in ("bot", "clerk", "payer", "reader", "ledger", "notes")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
async def test_a_plan_shows_exactly_what_apply_then_does(admin: Admin, name: str) -> None:
    document, prune, expected = CHANGES[name]
    await applied(admin, DOCUMENT)
    await admin.ok(
        "POST", "/apply", json={"document": DOCUMENT, "fingerprint": (await planned(admin, DOCUMENT))["fingerprint"]}
    )
    plan = await planned(admin, document, prune=prune)
    shown = [(step["verb"], step["slug"], [".".join(one["path"]) for one in step["changes"]]) for step in plan["steps"]]
    assert shown == expected
    before = flat(await admin.ok("GET", "/export"))
    assert before == flat(DOCUMENT)
    seen = len((await admin.ok("GET", "/audit", params={"limit": 200, "kind": "administered"}))["items"])
    await applied(admin, document, prune=prune)
    assert await admin.ok("GET", "/export") == document
    records = (await admin.ok("GET", "/audit", params={"limit": 200, "kind": "administered"}))["items"]
    told = [record["person"]["action"] for record in reversed(records[: len(records) - seen])]
    assert told == [f"{step['noun']}.{step['verb']}" for step in plan["steps"]]


def flat(value: Any, path: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        return {k: v for name, item in value.items() for k, v in flat(item, f"{path}.{name}").items()}
    return {path: value}


async def test_what_an_applied_file_says_is_felt_at_the_token_endpoint(admin: Admin) -> None:
    await applied(admin, DOCUMENT)
    made = await admin.ok("POST", "/agents/bot/credentials")
    ask, resource = tokens(admin), "https://ledger.example/mcp"
    got = await ask(made["client_id"], made["secret"], "read pay", resource)
    assert got.json()["scope"].split() == ["pay", "read"]
    await applied(admin, changed(bot={"roles": {"reader": {}}}))
    assert (await ask(made["client_id"], made["secret"], "read pay", resource)).json()["scope"] == "read"
    await applied(admin, changed(ledger={"state": "suspended"}))
    assert (await ask(made["client_id"], made["secret"], "read", resource)).status_code == 400
    await applied(admin, DOCUMENT)
    await applied(admin, without("agents", "bot"), prune=True)
    assert (await ask(made["client_id"], made["secret"], "read", resource)).status_code == 401
    await applied(admin, DOCUMENT)
    assert (await ask(made["client_id"], made["secret"], "read", resource)).status_code == 401
    assert (await admin.ok("GET", "/agents/bot"))["credentials"] == []


async def test_a_suspension_that_the_file_does_not_speak_of_stays(admin: Admin) -> None:
    await applied(admin, DOCUMENT)
    await admin.ok("POST", "/agents/bot/suspend")
    document = without("agents", "clerk")
    del document["agents"]["bot"]["state"]
    assert (await planned(admin, document))["steps"] == []


async def test_another_plan_than_the_one_that_was_seen_is_refused_and_changes_nothing(both: Admin) -> None:
    await applied(both, DOCUMENT)
    document = changed(bot={"purpose": "Else"}, ledger={"name": "L"})
    seen = (await planned(both, document))["fingerprint"]
    await both.ok("POST", "/servers/ledger/suspend")
    before = await both.ok("GET", "/export")
    body = {"document": document, "fingerprint": seen}
    assert await both.refused("POST", "/apply", json=body) == (412, "stale")
    assert await both.ok("GET", "/export") == before
    body["fingerprint"] = (await planned(both, document))["fingerprint"]
    assert body["fingerprint"] != seen
    await both.ok("POST", "/apply", json=body)
    assert await both.ok("GET", "/export") == document


async def test_a_rival_between_the_reading_and_the_writing_wins_and_nothing_else_is_changed(
    both: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    await applied(both, DOCUMENT)
    journal, rivals = both.node.journal, iter(["/servers/ledger/suspend"])
    submit = journal.submit

    async def overtaken(outcome: Any) -> Any:
        monkeypatch.undo()
        await both.ok("POST", next(rivals))
        return await submit(outcome)

    document = changed(bot={"purpose": "Else"}, ledger={"name": "L"})
    seen = (await planned(both, document))["fingerprint"]
    monkeypatch.setattr(journal, "submit", overtaken)
    body = {"document": document, "fingerprint": seen}
    assert await both.refused("POST", "/apply", json=body) == (412, "stale")
    assert await both.ok("GET", "/export") == changed(ledger={"state": "suspended"})


async def test_a_change_that_the_plan_is_not_about_costs_a_second_try_and_no_more(
    admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    await applied(admin, DOCUMENT)
    journal, submit = admin.node.journal, admin.node.journal.submit

    async def overtaken(outcome: Any) -> Any:
        monkeypatch.undo()
        await admin.ok("POST", "/keys/access/rotate")
        return await submit(outcome)

    document = changed(bot={"purpose": "Else"})
    body = {"document": document, "fingerprint": (await planned(admin, document))["fingerprint"]}
    monkeypatch.setattr(journal, "submit", overtaken)
    await admin.ok("POST", "/apply", json=body)
    assert await admin.ok("GET", "/export") == document


async def test_who_is_overtaken_again_and_again_gives_up(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    body = {"document": DOCUMENT, "fingerprint": (await planned(admin, DOCUMENT))["fingerprint"]}
    journal, submit = admin.node.journal, admin.node.journal.submit
    tried = []

    async def overtaken(outcome: Any) -> Any:
        if len(outcome.claims) > 4:
            tried.append(outcome)
            await admin.ok("POST", "/keys/access/rotate")
        return await submit(outcome)

    monkeypatch.setattr(journal, "submit", overtaken)
    assert await admin.refused("POST", "/apply", json=body) == (412, "stale")
    assert len(tried) == 3
    assert (await admin.ok("GET", "/export"))["servers"] == {}


async def test_two_that_apply_at_once_do_not_mix(both: Admin) -> None:
    await applied(both, DOCUMENT)
    documents = [changed(bot={"purpose": name}, ledger={"name": name}) for name in ("One", "Two")]
    bodies = [{"document": one, "fingerprint": (await planned(both, one))["fingerprint"]} for one in documents]
    answers = await asyncio.gather(*(both.http.post("/apply", json=body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    assert await both.ok("GET", "/export") == next(
        document for document, answer in zip(documents, answers, strict=True) if answer.is_success
    )


async def test_an_apply_that_breaks_in_the_middle_changes_nothing(both: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    await applied(both, DOCUMENT)
    from accredit.identity import changes
    from accredit.store import batch

    def broken(*_: Any) -> Any:
        raise StoreError("the disk is full")

    monkeypatch.setitem(batch.WRITES, changes.Assign, broken)
    document = changed(clerk={"roles": {"reader": {}}}, ledger={"name": "L"}, reader={"name": "R"})
    body = {"document": document, "fingerprint": (await planned(both, document))["fingerprint"]}
    assert await both.refused("POST", "/apply", json=body) == (503, "unavailable")
    monkeypatch.undo()
    assert await both.ok("GET", "/export") == DOCUMENT
    await both.ok("POST", "/apply", json=body)
    assert await both.ok("GET", "/export") == document


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"document": []},
        {"document": {}, "prune": "yes"},
        {"document": {"accredit": 1}, "purge": True},
        {"document": {"accredit": 1, "agents": {"bot": {"owner": "dana", "roles": {"nobody": {}}}}}},
        {"document": {"accredit": 1, "servers": {"guard": {"resource": "https://x.example"}}}},
        {"document": {"accredit": 1, "agents": {"a\u0000": {"owner": "x"}}}},
    ],
)
async def test_what_cannot_be_planned_is_told_and_cannot_be_applied(admin: Admin, body: Any) -> None:
    assert await admin.refused("POST", "/plan", json=body) == (422, "invalid")
    assert await admin.refused("POST", "/apply", json=body | {"fingerprint": "0" * 64}) == (422, "invalid")
    assert (await admin.ok("GET", "/export"))["agents"] == {}


async def test_every_problem_of_a_file_is_in_the_answer_with_its_place_and_without_secrets(admin: Admin) -> None:
    secret = "acs_" + "0" * 26 + "_" + "A" * 43
    document = {"accredit": 1, "servrs": {}, secret: {}, "agents": {"bot": {"owner": secret}}}
    answer = await admin.http.post("/plan", json={"document": document})
    assert [error["path"] for error in answer.json()["errors"]] == [["servrs"], ["…"], ["agents", "bot", "owner"]]
    assert secret not in answer.text


async def test_a_file_may_be_larger_than_other_bodies_but_not_without_end(admin: Admin) -> None:
    agents = {f"agent-{n}": {"owner": "dana", "purpose": "x" * 900} for n in range(1500)}
    found = await admin.http.post("/plan", json={"document": {"accredit": 1, "agents": agents}})
    assert found.json()["counts"]["add"] == 1500
    huge = {"document": {"accredit": 1, "x": "x" * 16 * 1024 * 1024}}
    assert await admin.refused("POST", "/plan", json=huge) == (413, "invalid")
    assert await admin.refused("POST", "/roles", json={"slug": "x", "name": "x" * 1024 * 1024}) == (413, "invalid")


async def test_the_slug_of_a_server_changes_in_one_go_and_its_resource_stays(both: Admin) -> None:
    await applied(both, DOCUMENT)
    document = json.loads(json.dumps(DOCUMENT).replace('"ledger": ', '"books": '))
    await applied(both, document, prune=True)
    found = await both.ok("GET", "/export")
    assert json.dumps(found, sort_keys=True) == json.dumps(document, sort_keys=True)


async def test_guards_hear_at_once_what_tokens_that_are_out_may_do_no_longer(both: Admin) -> None:
    await applied(both, DOCUMENT)
    agent = (await both.ok("GET", "/agents/bot"))["id"]
    server = (await both.ok("GET", "/servers/ledger"))["id"]

    async def heard(document: Any, *, prune: bool = False) -> list[tuple[str, str, list[str]]]:
        after = both.node.directory.cursor
        await applied(both, document, prune=prune)
        signals = await both.node.directory._store.signals(after, 100)
        telling = (SignalKind.REDUCED, SignalKind.REVOKED)
        return [(one.kind.value, one.handle, sorted(one.scopes)) for one in signals if one.kind in telling]

    assert await heard(changed(payer={"scopes": {}})) == [("reduced", agent, ["read"])]
    assert await heard(DOCUMENT) == []
    assert await heard(changed(bot={"roles": {}})) == [("reduced", agent, [])]
    assert await heard(DOCUMENT) == []
    assert await heard(changed(bot={"expires": "2001-01-01T00:00:00Z"})) == [("revoked", agent, [])]
    assert await heard(without("agents", "bot"), prune=True) == [("revoked", agent, [])]
    await applied(both, DOCUMENT)
    nothing = {"accredit": 1, "servers": {}}
    assert ("revoked", server, []) in await heard(nothing, prune=True)


async def test_no_file_speaks_of_offices_and_none_is_lost_by_one(both: Admin) -> None:
    await applied(both, DOCUMENT)
    await both.ok("PUT", "/administrators/bot", json={"administrator": True})
    office = await both.ok("GET", "/administrators")
    assert await both.ok("GET", "/export") == DOCUMENT
    assert (await planned(both, DOCUMENT, prune=True))["steps"] == []
    await applied(both, changed(bot={"roles": {}}), prune=True)
    assert await both.ok("GET", "/administrators") == office
    for name in ("accredit-administrator", "accredit-own"):
        wanted = changed(bot={"roles": {name: {}}})
        assert await both.refused("POST", "/plan", json={"document": wanted}) == (422, "invalid")
        wanted = {"accredit": 1, "roles": {name: {"scopes": {}}}}
        assert await both.refused("POST", "/plan", json={"document": wanted}) == (422, "invalid")
        wanted = {"accredit": 1, "roles": {"own": {"scopes": {"management": ["admin"]}}}}
        assert await both.refused("POST", "/plan", json={"document": wanted}) == (422, "invalid")
    await applied(both, without("agents", "bot"), prune=True)
    assert (await both.ok("GET", "/administrators"))["items"] == []
