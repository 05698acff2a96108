"""Plans: they lead to what is wanted, say everything that they do, and end where nothing is left to do."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given

from accredit.identity.application import ClientType
from accredit.identity.group import MOST
from accredit.identity.manifest import AnyShape, Manifest, Noun, Offer, Path, RoleShape, Said, Shape, entry
from accredit.identity.plan import Change, Plan, Step, Verb, applied, empowered, plan, steps
from accredit.identity.state import State
from accredit.identity.wanted import clients, wanted
from tests.unit.identity.shapes import BOT, CROWD, LEDGER, READER, STAFF, WORLD, manifest, states


def literally(current: Shape, found: Plan) -> Shape:
    """Do what the steps say, in the most literal way; nothing may rest on what is not there yet, or not any more."""
    for step in found.steps:
        section = dict(current.of(step.noun))
        assert section.pop(step.slug, None) == step.before
        if step.after is not None:
            section[step.slug] = step.after
        current = replace(current, **{step.noun.section: section})
        assert sound(current)
    return current


def sound(shape: Shape) -> bool:
    """Tell whether everything that is named is there."""
    carried = {server for role in shape.roles.values() for server in role.scopes}
    holders: list[Any] = [*shape.agents.values(), *shape.applications.values(), *shape.groups.values()]
    held = {role for holder in holders for role in holder.roles}
    inside = {member for group in shape.groups.values() for member in group.members}
    return carried <= shape.servers.keys() and held <= shape.roles.keys() and inside <= clients(shape)


def leaves(shape: AnyShape) -> dict[Path, Any]:
    """Return the members of an entry, by the names that lead to them."""
    found: dict[Path, Any] = {}

    def walk(value: Any, path: Path) -> None:
        if isinstance(value, Mapping):
            for name, item in value.items():
                walk(item, (*path, name))
        else:
            found[path] = value

    walk(entry(shape, whole=True), ())
    return found


@given(states(), states())
def test_the_steps_of_a_plan_make_the_wanted_state_of_the_present_one_and_then_nothing_is_left(
    current: Shape, target: Shape
) -> None:
    found, findings = plan(current, manifest(target), prune=True)
    assert findings == ()
    assert literally(current, found) == applied(current, found) == target
    assert plan(target, manifest(target), prune=True) == (Plan(), ())


@given(states(), states())
def test_the_members_that_a_plan_shows_are_all_that_differ(current: Shape, target: Shape) -> None:
    for step in steps(current, target):
        if step.before is not None and step.after is not None:
            before = leaves(step.before)
            for change in step.changes:
                assert before.pop(change.path, None) == change.before
                if change.after is not None:
                    before[change.path] = change.after
            assert before == leaves(step.after)
            assert step.changes


@given(states(), states())
def test_without_pruning_nothing_goes_and_what_is_named_becomes_so(current: Shape, target: Shape) -> None:
    found, findings = wanted(current, manifest(target), prune=False)
    assert all(found.of(noun) == {**current.of(noun), **target.of(noun)} for noun in Noun)
    if not findings:
        made, _ = plan(current, manifest(target), prune=False)
        assert made.count(Verb.REMOVE) == 0
        assert literally(current, made) == applied(current, made) == found


@given(states(), states())
def test_two_plans_have_one_fingerprint_only_when_they_do_the_same(one: Shape, other: Shape) -> None:
    here, there = Plan(tuple(steps(WORLD, one))), Plan(tuple(steps(WORLD, other)))
    assert (here.fingerprint() == there.fingerprint()) == (one == other)


@given(states(), states())
def test_what_is_needed_comes_first_and_goes_last(current: Shape, target: Shape) -> None:
    order = list(Noun)

    def place(step: Step) -> int:
        return 10 - order.index(step.noun) if step.verb is Verb.REMOVE else order.index(step.noun)

    assert all(place(one) <= place(other) for one, other in pairwise(steps(current, target)))


def test_what_is_pruned_is_taken_out_of_the_groups_that_the_file_does_not_speak_of() -> None:
    found, findings = plan(CROWD, Manifest(agents={}), prune=True)
    assert findings == ()
    assert [(step.verb, step.slug) for step in found.steps] == [(Verb.CHANGE, "staff"), (Verb.REMOVE, "bot")]
    assert found.steps[0].changes == (Change(("members",), ["app:portal", "bot"], ["app:portal"]),)
    assert found.steps[0].takes
    spoken = Manifest(agents={}, groups={"staff": {"members": STAFF.members}})
    assert set(places(CROWD, spoken, prune=True)) == {"groups.staff.members"}
    found, findings = plan(CROWD, Manifest(roles={}), prune=True)
    assert findings == ()
    changed = [step.slug for step in found.steps if step.verb is Verb.CHANGE]
    assert changed == ["bot", "portal", "staff"]


def test_a_client_is_in_so_many_groups_and_no_more() -> None:
    groups = {f"g-{n}": {"members": frozenset({"bot"})} for n in range(MOST)}
    assert plan(WORLD, Manifest(groups=groups), prune=False)[1] == ()
    more = groups | {"g-more": {"members": frozenset({"bot"})}}
    (place,) = places(WORLD, Manifest(groups=more))
    assert place.startswith("groups.g-")


@pytest.mark.parametrize(
    ("noun", "slug", "members", "place"),
    [
        (Noun.APPLICATION, "clerk", {}, "applications.clerk"),
        (Noun.APPLICATION, "portal", {"type": ClientType.PUBLIC}, "applications.portal.type"),
        (Noun.APPLICATION, "portal", {"roles": {"raeder": None}}, "applications.portal.roles.raeder"),
        (Noun.APPLICATION, "phone", {"owner": "dana", "type": ClientType.PUBLIC}, "applications.phone"),
        (Noun.APPLICATION, "portal", {"software_version": "2"}, "applications.portal.software_version"),
        (Noun.GROUP, "staff", {"members": frozenset({"bto"})}, "groups.staff.members"),
        (Noun.GROUP, "staff", {"members": frozenset({"portal"})}, "groups.staff.members"),
        (Noun.GROUP, "staff", {"roles": {"raeder": None}}, "groups.staff.roles.raeder"),
    ],
)  # fmt: skip
def test_what_cannot_be_of_applications_and_groups_is_told_at_its_place(
    noun: Noun, slug: str, members: dict[str, Any], place: str
) -> None:
    found = Manifest(**{noun.section: {slug: members}})
    assert set(places(CROWD, found)) == {place}


def only(noun: Noun, slug: str, **members: Any) -> Manifest:
    """A file that says one thing of one noun."""
    section: Mapping[str, Said] = {slug: members}
    return Manifest(**{noun.section: section})


def changed(noun: Noun, slug: str, **members: Any) -> Step:
    """Return the one step of a file that says one thing of one noun."""
    found, findings = plan(WORLD, only(noun, slug, **members), prune=False)
    assert findings == ()
    (step,) = found.steps
    return step


def test_what_a_file_does_not_say_is_left_alone() -> None:
    suspended = replace(WORLD, agents={"bot": replace(BOT, state=State.SUSPENDED)})
    found, _ = plan(suspended, only(Noun.AGENT, "bot", purpose="Pays"), prune=True)
    (step,) = found.steps
    assert step.changes == (Change(("purpose",), "", "Pays"),)
    assert plan(WORLD, Manifest(), prune=True) == (Plan(), ())


def test_a_new_noun_without_a_name_is_called_by_its_slug() -> None:
    step = changed(Noun.AGENT, "clerk", owner="dana", name="")
    assert step.after is not None
    assert (step.verb, step.after.name) == (Verb.ADD, "clerk")
    assert {change.path: change.after for change in step.changes}["name",] == "clerk"


def test_a_new_scope_is_shown_even_if_nobody_described_it() -> None:
    members = {"resource": "https://notes.example/mcp", "scopes": {"read": ""}}
    step = changed(Noun.SERVER, "notes", **members)
    assert Change(("scopes", "read"), None, "") in step.changes
    assert all(change.path[0] != "may_ask" for change in step.changes)


@pytest.mark.parametrize(
    ("noun", "slug", "members", "takes"),
    [
        (Noun.AGENT, "bot", {"state": State.SUSPENDED}, True),
        (Noun.AGENT, "bot", {"roles": {}}, True),
        (Noun.AGENT, "bot", {"roles": {"reader": 5}}, False),
        (Noun.AGENT, "bot", {"purpose": "Pays"}, False),
        (Noun.ROLE, "reader", {"scopes": {"ledger": frozenset({"pay"})}}, True),
        (Noun.ROLE, "reader", {"scopes": {"ledger": frozenset({"pay", "read"})}}, False),
        (Noun.ROLE, "reader", {"scopes": {}}, True),
        (Noun.SERVER, "ledger", {"tools": {"list": LEDGER.tools["list"]}}, True),
        (Noun.SERVER, "ledger", {"tools": {**LEDGER.tools, "pay": Offer(frozenset({"pay"}))}}, False),
        (Noun.SERVER, "ledger", {"default_scopes": frozenset()}, False),
        (Noun.SERVER, "ledger", {"first_use": frozenset({"pay"})}, True),
        (Noun.SERVER, "ledger", {"first_use": frozenset({"pay", "read"})}, False),
        (Noun.SERVER, "ledger", {"prompts": {"greet": Offer(frozenset({"read"}))}}, False),
        (Noun.SERVER, "ledger", {"scopes": {"read": "Look", "pay": ""}}, False),
    ],
)
def test_a_step_after_which_something_works_no_more_says_so(
    noun: Noun, slug: str, members: dict[str, Any], takes: bool
) -> None:
    assert changed(noun, slug, **members).takes is takes


def test_a_scope_that_is_taken_out_is_taken_out_of_first_use_unless_the_file_itself_still_names_it_there() -> None:
    world = replace(WORLD, servers={"ledger": replace(LEDGER, first_use=frozenset({"read", "pay"}))})
    members: dict[str, Any] = {"scopes": {"read": "Read"}, "tools": {"list": LEDGER.tools["list"]}}
    found, findings = plan(world, only(Noun.SERVER, "ledger", **members), prune=False)
    assert findings == ()
    (step,) = found.steps
    assert Change(("first_use",), ["pay", "read"], ["read"]) in step.changes
    contradicting = only(Noun.SERVER, "ledger", **members, first_use=frozenset({"pay"}))
    assert set(places(world, contradicting)) == {"servers.ledger"}


def test_a_noun_that_goes_is_a_loss_and_one_that_comes_is_none() -> None:
    found, _ = plan(WORLD, Manifest(agents={}), prune=True)
    assert [(step.verb, step.slug, step.takes) for step in found.steps] == [(Verb.REMOVE, "bot", True)]
    back, _ = plan(replace(WORLD, agents={}), manifest(WORLD), prune=True)
    assert [(step.verb, step.slug, step.takes) for step in back.steps] == [(Verb.ADD, "bot", False)]


def test_roles_lose_the_servers_and_agents_the_roles_that_are_pruned_where_the_file_says_nothing_else() -> None:
    found, findings = plan(WORLD, Manifest(servers={}), prune=True)
    assert findings == ()
    assert [(step.verb, step.slug) for step in found.steps] == [(Verb.CHANGE, "reader"), (Verb.REMOVE, "ledger")]
    found, findings = plan(WORLD, Manifest(roles={}, agents={"bot": {"purpose": "Pays"}}), prune=True)
    assert findings == ()
    assert [(step.verb, step.slug) for step in found.steps] == [(Verb.CHANGE, "bot"), (Verb.REMOVE, "reader")]
    assert found.steps[0].after == replace(BOT, purpose="Pays", roles={})


def places(current: Shape, found: Manifest, *, prune: bool = False) -> dict[str, str]:
    """Return what is wrong, by place; nothing of such a plan may be done."""
    made, findings = plan(current, found, prune=prune)
    assert not (findings and made.steps)
    return {".".join(one.path): one.text for one in findings}


@pytest.mark.parametrize(
    ("found", "place"),
    [
        (only(Noun.AGENT, "clerk"), "agents.clerk"),
        (only(Noun.AGENT, "bot", roles={"raeder": None}), "agents.bot.roles.raeder"),
        (only(Noun.ROLE, "reader", scopes={"ledgre": frozenset({"read"})}), "roles.reader.scopes.ledgre"),
        (only(Noun.ROLE, "reader", scopes={"ledger": frozenset({"raed"})}), "roles.reader.scopes.ledger"),
        (only(Noun.ROLE, "reader", scopes={"guard": frozenset({"policy"})}), "roles.reader.scopes.guard"),
        (only(Noun.SERVER, "ledger", scopes={"pay": ""}), "roles.reader.scopes.ledger servers.ledger"),
        (only(Noun.SERVER, "ledger", tools={"list": Offer()}), "servers.ledger"),
        (only(Noun.SERVER, "ledger", resource="https://other.example"), "servers.ledger.resource"),
        (only(Noun.ROLE, "accredit-auditor"), "roles.accredit-auditor"),
        (only(Noun.SERVER, "notes"), "servers.notes"),
        (only(Noun.SERVER, "notes", resource=LEDGER.resource), "servers.notes.resource"),
        (only(Noun.SERVER, "notes", resource="https://id.example/guard"), "servers.notes.resource"),
        (only(Noun.SERVER, "notes", resource="https://id.example/guard/"), "servers.notes.resource"),
        (only(Noun.SERVER, "notes", resource="https://id.example/guard/v1"), "servers.notes.resource"),
        (only(Noun.SERVER, "guard", resource="https://guard.example"), "servers.guard"),
    ],
)
def test_what_cannot_be_is_told_at_its_place_and_nothing_is_planned(found: Manifest, place: str) -> None:
    assert sorted(places(WORLD, found)) == place.split()


def test_an_unknown_name_is_told_with_the_one_that_was_meant() -> None:
    assert "'reader'" in places(WORLD, only(Noun.AGENT, "bot", roles={"raeder": None}))["agents.bot.roles.raeder"]


def test_a_file_that_names_what_it_prunes_contradicts_itself() -> None:
    found = Manifest(servers={}, roles={"reader": {"scopes": READER.scopes}})
    assert set(places(WORLD, found, prune=True)) == {"roles.reader.scopes.ledger"}
    found = Manifest(roles={}, agents={"bot": {"roles": {"reader": None}}})
    assert set(places(WORLD, found, prune=True)) == {"agents.bot.roles.reader"}


def test_two_roles_on_one_server_are_both_looked_at() -> None:
    world = replace(WORLD, roles={"reader": READER, "payer": RoleShape("payer", "P", {"ledger": frozenset({"pay"})})})
    found = only(Noun.SERVER, "ledger", scopes={"other": ""}, tools={}, default_scopes=frozenset())
    assert set(places(world, found)) == {"roles.payer.scopes.ledger", "roles.reader.scopes.ledger"}


def test_the_slug_of_a_server_can_change_by_pruning_the_old_one() -> None:
    target = {"books": {"resource": LEDGER.resource, "scopes": LEDGER.scopes}}
    found, findings = plan(WORLD, Manifest(servers=target), prune=True)
    assert findings == ()
    assert [(step.verb, step.slug) for step in found.steps] == [
        (Verb.ADD, "books"), (Verb.CHANGE, "reader"), (Verb.REMOVE, "ledger"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("noun", "slug", "members", "told"),
    [
        (Noun.AGENT, "bot", {"state": State.ACTIVE}, {"bot"}),
        (Noun.AGENT, "bot", {"expires": 5}, {"bot"}),
        (Noun.AGENT, "bot", {"purpose": "Pays"}, set()),
        (Noun.AGENT, "clerk", {"owner": "dana"}, set()),
        (Noun.SERVER, "ledger", {"state": State.SUSPENDED}, set()),
    ],
)
def test_agents_that_may_work_again_or_longer_are_named(
    noun: Noun, slug: str, members: dict[str, Any], told: set[str]
) -> None:
    stopped = replace(WORLD, agents={"bot": replace(BOT, state=State.SUSPENDED)})
    found, _ = plan(stopped, only(noun, slug, **members), prune=False)
    assert empowered(found) == told
    assert empowered(plan(WORLD, only(Noun.AGENT, "bot", state=State.SUSPENDED), prune=False)[0]) == set()
