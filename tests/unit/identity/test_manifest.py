"""Files as documents: what is written is read again as it was, and what was meant otherwise is told."""

import json
from typing import Any

import pytest
from hypothesis import given

from accredit.identity.estate import Estate
from accredit.identity.manifest import Noun, Shape, document, entry
from accredit.identity.schema import MOST_PROBLEMS, read
from accredit.identity.wanted import wanted
from tests.unit.identity.shapes import BOT, LEDGER, STAFF, WORLD, manifest, states


@given(states())
def test_what_is_written_is_read_as_it_was(shape: Shape) -> None:
    found, findings = read(json.loads(json.dumps(document(shape))))
    assert findings == ()
    assert found == manifest(shape)


@given(states())
def test_a_written_state_makes_the_same_state_where_there_was_nothing(shape: Shape) -> None:
    found, _ = read(document(shape))
    made, findings = wanted(Shape(builtin=shape.builtin), found, prune=False)
    assert findings == ()
    assert made == shape
    assert json.dumps(document(made)) == json.dumps(document(shape))


def test_a_file_holds_slugs_and_no_ids_in_one_order() -> None:
    text = json.dumps(document(WORLD))
    assert "srv_" not in text
    assert list(document(WORLD)) == ["accredit", *(noun.section for noun in Noun)]
    assert list(entry(LEDGER)["scopes"]) == ["pay", "read"]
    assert entry(BOT)["roles"] == {"reader": {}}
    assert entry(BOT, whole=True)["roles"] == {"reader": {"until": "never"}}
    assert entry(STAFF) == {"name": "Staff", "roles": {"reader": {}}, "members": ["app:portal", "bot"]}
    assert [noun.section for noun in Noun] == ["servers", "roles", "agents", "applications", "groups"]
    assert document(Estate().shape()) == {"accredit": 1, **{noun.section: {} for noun in Noun}}


def problems(value: object) -> dict[str, str]:
    return {".".join(one.path): one.text for one in read(value)[1]}


def server(**members: object) -> dict[str, Any]:
    return {"accredit": 1, "servers": {"ledger": members}}


def application(**members: object) -> dict[str, Any]:
    return {"accredit": 1, "applications": {"portal": members}}


def group(**members: object) -> dict[str, Any]:
    return {"accredit": 1, "groups": {"staff": members}}


def agent(**members: object) -> dict[str, Any]:
    return {"accredit": 1, "agents": {"bot": members}}


@pytest.mark.parametrize("value", [None, [], "text", 5, True])
def test_a_file_that_holds_no_members_is_none(value: object) -> None:
    assert "" in problems(value)


@pytest.mark.parametrize("version", [None, "1", 2, 0, True, 1.0])
def test_another_version_of_the_schema_is_refused(version: object) -> None:
    assert set(problems({"accredit": version})) == {"accredit"}
    assert set(problems({})) == {""}


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"accredit": 1, "servrs": {}}, "servrs"),
        ({"accredit": 1, "agents": None}, "agents"),
        ({"accredit": 1, "agents": []}, "agents"),
        ({"accredit": 1, "agents": {"Bot": {}}}, "agents.Bot"),
        ({"accredit": 1, "agents": {"bot": None}}, "agents.bot"),
        (agent(secret="x"), "agents.bot.secret"),
        (agent(id="agt_1"), "agents.bot.id"),
        (agent(owner=""), "agents.bot.owner"),
        (agent(owner=None), "agents.bot.owner"),
        (agent(owner=7), "agents.bot.owner"),
        (agent(name="x" * 201), "agents.bot.name"),
        (agent(name="two\nlines"), "agents.bot.name"),
        (agent(purpose="x" * 1001), "agents.bot.purpose"),
        (agent(purpose="acs_" + "0" * 26 + "_x"), "agents.bot.purpose"),
        (agent(expires="tomorrow"), "agents.bot.expires"),
        (agent(expires=None), "agents.bot.expires"),
        (agent(expires=1798761599), "agents.bot.expires"),
        (agent(state="deleted"), "agents.bot.state"),
        (agent(state="suspendet"), "agents.bot.state"),
        (agent(state=True), "agents.bot.state"),
        (agent(roles=["reader"]), "agents.bot.roles"),
        (agent(roles={"Reader": {}}), "agents.bot.roles.Reader"),
        (agent(roles={"reader": {"till": "never"}}), "agents.bot.roles.reader.till"),
        (agent(roles={"reader": {"until": 5}}), "agents.bot.roles.reader.until"),
        (application(owner=""), "applications.portal.owner"),
        (application(sponsor="dana"), "applications.portal.sponsor"),
        (application(type="native"), "applications.portal.type"),
        (application(software_id="two words"), "applications.portal.software_id"),
        (application(software_id=5), "applications.portal.software_id"),
        (application(software_id="x", software_version="y" * 201), "applications.portal.software_version"),
        (application(redirect_uris="https://a.example"), "applications.portal.redirect_uris"),
        (application(redirect_uris=["https://a.example", 5]), "applications.portal.redirect_uris.1"),
        (application(redirect_uris=["x", "x"]), "applications.portal.redirect_uris.1"),
        (group(members=["bot", "agent:bot"]), "groups.staff.members.1"),
        (group(members=["group:staff"]), "groups.staff.members.0"),
        (group(members=["user:ann"]), "groups.staff.members.0"),
        (group(members=[5]), "groups.staff.members.0"),
        (group(members={"bot": {}}), "groups.staff.members"),
        (group(roles={"reader": {"until": "soon"}}), "groups.staff.roles.reader.until"),
        (group(owner="dana"), "groups.staff.owner"),
        (server(resource="http://else.example"), "servers.ledger.resource"),
        (server(resource=None), "servers.ledger.resource"),
        (server(may_ask=["everything"]), "servers.ledger.may_ask.0"),
        (server(mode="dry-run"), "servers.ledger.mode"),
        (server(mode=None), "servers.ledger.mode"),
        (server(may_ask="roots"), "servers.ledger.may_ask"),
        (server(default_scopes=["read", "read"]), "servers.ledger.default_scopes.1"),
        (server(first_use=["read", "a b"]), "servers.ledger.first_use.1"),
        (server(first_use="nothing"), "servers.ledger.first_use"),
        (server(default_scopes=[5]), "servers.ledger.default_scopes.0"),
        (server(default_scopes=["x"] * 1001), "servers.ledger.default_scopes"),
        (server(scopes={"two words": ""}), "servers.ledger.scopes.two words"),
        (server(scopes={"read": 5}), "servers.ledger.scopes.read"),
        (server(tools={"": {}}), "servers.ledger.tools."),
        (server(tools={"x" * 257: {}}), "servers.ledger.tools." + "x" * 257),
        (server(tools={"a\0": {}}), "servers.ledger.tools.a\0"),
        (server(tools={"a": {"needs": "read"}}), "servers.ledger.tools.a.needs"),
        (server(tools={"a": {"read_only": "yes"}}), "servers.ledger.tools.a.read_only"),
        (server(tools={"a": {"visibility": "hidden"}}), "servers.ledger.tools.a.visibility"),
        ({"accredit": 1, "roles": {"r": {"scopes": {"ledger": "read"}}}}, "roles.r.scopes.ledger"),
        ({"accredit": 1, "roles": {"r": {"scopes": {"Ledger": ["read"]}}}}, "roles.r.scopes.Ledger"),
    ],
)
def test_what_cannot_be_meant_so_is_told_at_its_place_and_nowhere_else(value: object, place: str) -> None:
    assert set(problems(value)) == {place}


def test_a_misspelt_member_is_told_with_the_one_that_was_meant() -> None:
    assert "'expires'" in problems(agent(expirs="never"))["agents.bot.expirs"]
    assert "'suspended'" in problems(agent(state="suspendet"))["agents.bot.state"]
    assert "mean" not in problems(agent(secret="x"))["agents.bot.secret"]


def test_all_problems_are_told_at_once_and_not_without_end() -> None:
    value = {"servers": {"A": {"x": 1}}, "agents": {"bot": {"owner": 5, "state": "on"}}}
    assert len(problems(value)) == 5
    assert len(read({"accredit": 1} | {f"m{n}": 1 for n in range(1000)})[1]) == MOST_PROBLEMS


def test_a_role_that_carries_nothing_on_a_server_does_not_reach_it() -> None:
    found, findings = read({"accredit": 1, "roles": {"r": {"scopes": {"ledger": []}}}})
    assert findings == ()
    assert found.roles == {"r": {"scopes": {}}}


def test_of_a_server_alone_nothing_else_is_known_but_what_is_built_in() -> None:
    assert WORLD.alone("ledger") == Shape(servers={"ledger": WORLD.servers["ledger"]}, builtin=WORLD.builtin)
    assert WORLD.alone("nowhere") == Shape(builtin=WORLD.builtin)
