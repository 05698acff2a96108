"""Losses: whatever an agent could do before and cannot do now is told, and nothing else."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from accredit.identity.losses import Loss, losses
from accredit.identity.manifest import RoleShape, Shape
from accredit_sdk import scopes
from tests.unit.identity.shapes import BOT, LEDGER, WORLD, states


def can(shape: Shape, agent: str, server: str, now: int) -> frozenset[str]:
    """Everything that the roles of an agent carry, one by one."""
    ends = shape.agents[agent].roles.items()
    counting = [shape.roles[name] for name, end in ends if end is None or now < end]
    return frozenset(word for role in counting for word in role.scopes.get(server, ()))


@given(states(), states(), st.integers(0, 10**15))
def test_an_agent_has_lost_something_exactly_where_it_could_do_more_before(
    before: Shape, after: Shape, now: int
) -> None:
    found = {(one.agent, one.server): one.left for one in losses(before, after, now)}
    for agent in before.agents.keys() & after.agents.keys():
        for server in before.servers.keys() & after.servers.keys():
            left = can(after, agent, server, now)
            lost = scopes.missing(left, can(before, agent, server, now))
            assert ((agent, server) in found) is bool(lost)
            assert not lost or found[agent, server] == scopes.smallest(left)


def test_what_a_smaller_role_takes_is_told_of_every_holder() -> None:
    less = replace(WORLD, roles={"reader": RoleShape("reader", "Reader", {})})
    assert list(losses(WORLD, less, 0)) == [Loss("bot", "ledger", frozenset())]
    assert list(losses(less, WORLD, 0)) == []
    renamed = replace(WORLD, roles={"reader": replace(WORLD.roles["reader"], name="R")})
    assert list(losses(WORLD, renamed, 0)) == []


def test_who_goes_and_what_goes_whole_is_not_told_twice() -> None:
    assert list(losses(WORLD, replace(WORLD, agents={}), 0)) == []
    bare = {"bot": replace(BOT, roles={})}
    assert list(losses(WORLD, Shape(servers={}, agents=bare), 0)) == []
    assert list(losses(WORLD, Shape(servers={"ledger": LEDGER}, agents=bare), 0)) == [
        Loss("bot", "ledger", frozenset())
    ]
