"""Losses: whatever a client could do before and cannot do now is told, and nothing else."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from accredit.identity.holder import Holder, HolderKind, parse
from accredit.identity.losses import Loss, losses
from accredit.identity.manifest import RoleShape, Shape
from accredit_sdk import scopes
from tests.unit.identity.shapes import BOT, CROWD, LEDGER, PORTAL, STAFF, WORLD, states

AGENT = Holder(HolderKind.AGENT, "bot")
APPLICATION = Holder(HolderKind.APPLICATION, "portal")
HOUR = 3600 * 1_000_000


def clients(shape: Shape) -> set[str]:
    return {*shape.agents, *(f"app:{slug}" for slug in shape.applications)}


def can(shape: Shape, member: str, server: str, now: int) -> frozenset[str]:
    """Everything that the roles of a client and of its groups carry, one by one."""
    holder = parse(member)
    own = (shape.applications if holder.kind is HolderKind.APPLICATION else shape.agents)[holder.slug]
    held = [own.roles, *(group.roles for group in shape.groups.values() if member in group.members)]
    ends = [item for roles in held for item in roles.items()]
    counting = [shape.roles[name] for name, end in ends if end is None or now < end]
    return frozenset(word for role in counting for word in role.scopes.get(server, ()))


@given(states(), states(), st.integers(0, 10**15))
def test_a_client_has_lost_something_exactly_where_it_could_do_more_before(
    before: Shape, after: Shape, now: int
) -> None:
    found = {(one.holder.render(), one.server): one.left for one in losses(before, after, now, now)}
    for client in clients(before) & clients(after):
        for server in before.servers.keys() & after.servers.keys():
            left = can(after, client, server, now)
            lost = scopes.missing(left, can(before, client, server, now))
            assert ((client, server) in found) is bool(lost)
            assert not lost or found[client, server] == scopes.smallest(left)


def test_what_a_smaller_role_takes_is_told_of_every_holder() -> None:
    less = replace(WORLD, roles={"reader": RoleShape("reader", "Reader", {})})
    assert list(losses(WORLD, less, 0, HOUR)) == [Loss(AGENT, "ledger", frozenset())]
    assert list(losses(less, WORLD, 0, HOUR)) == []
    renamed = replace(WORLD, roles={"reader": replace(WORLD.roles["reader"], name="R")})
    assert list(losses(WORLD, renamed, 0, HOUR)) == []


def test_who_goes_and_what_goes_whole_is_not_told_twice() -> None:
    assert list(losses(WORLD, replace(WORLD, agents={}), 0, HOUR)) == []
    bare = {"bot": replace(BOT, roles={})}
    assert list(losses(WORLD, Shape(servers={}, agents=bare), 0, HOUR)) == []
    assert list(losses(WORLD, Shape(servers={"ledger": LEDGER}, agents=bare), 0, HOUR)) == [
        Loss(AGENT, "ledger", frozenset())
    ]


def test_what_is_had_through_a_group_as_well_is_lost_with_the_last_of_both() -> None:
    ungrouped = replace(CROWD, groups={"staff": replace(STAFF, members=frozenset({"bot"}))})
    assert list(losses(CROWD, ungrouped, 0, 1)) == []
    assert list(losses(CROWD, ungrouped, 5, 6)) == [Loss(APPLICATION, "ledger", frozenset())]
    alone = replace(CROWD, agents={"bot": replace(BOT, roles={})})
    assert list(losses(CROWD, alone, 0, HOUR)) == []
    none = replace(alone, groups={})
    assert list(losses(CROWD, none, 0, 1)) == [Loss(AGENT, "ledger", frozenset())]


def test_an_end_that_comes_nearer_is_told_before_it_comes() -> None:
    sooner = replace(WORLD, agents={"bot": replace(BOT, roles={"reader": HOUR})})
    assert list(losses(WORLD, sooner, 0, HOUR)) == []
    assert list(losses(WORLD, sooner, 1, HOUR + 1)) == [Loss(AGENT, "ledger", frozenset())]
    assert PORTAL.roles == {"reader": 5}
