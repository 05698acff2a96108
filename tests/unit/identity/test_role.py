"""Roles: what they carry together, and for how long."""

from hypothesis import given
from hypothesis import strategies as st

from accredit.identity.role import HeldRole, Role, ceiling, lasts_until, remaining
from accredit_sdk import scopes

NOW = 1_000
UNIVERSE = ["a", "a:x", "a:x:1", "a:y", "b", "b:z"]
WORDS = st.sets(st.sampled_from(UNIVERSE), max_size=4).map(frozenset)
ENDS = st.none() | st.integers(NOW - 2, NOW + 4)


def role(words: frozenset[str], server: str = "srv_1") -> Role:
    return Role("rol_1", "reader", "Reader", {server: words}, 0)


HELD = st.lists(
    st.builds(HeldRole, st.builds(role, WORDS, st.sampled_from(["srv_1", "srv_1", "srv_2"])), ENDS), max_size=4
)


def meaning(words: frozenset[str]) -> set[str]:
    return {word for word in UNIVERSE if scopes.satisfied(words, word)}


def test_a_role_counts_before_its_end_and_not_from_it_on() -> None:
    assert [HeldRole(role(frozenset()), NOW + offset).counts(NOW) for offset in (-1, 0, 1)] == [False, False, True]
    assert HeldRole(role(frozenset())).counts(NOW)


@given(HELD)
def test_roles_carry_together_what_each_in_force_carries_on_that_server(held: list[HeldRole]) -> None:
    found = ceiling(held, "srv_1", NOW)
    living = [item.role.scopes.get("srv_1", frozenset()) for item in held if item.ends_at is None or item.ends_at > NOW]
    assert meaning(found) == set().union(*(meaning(words) for words in living))
    assert scopes.smallest(found) == found


@given(HELD)
def test_a_server_that_no_role_names_gets_nothing(held: list[HeldRole]) -> None:
    assert ceiling(held, "srv_3", NOW) == frozenset()


@given(HELD, st.integers(0, 5))
def test_time_never_adds_to_what_roles_carry(held: list[HeldRole], later: int) -> None:
    assert meaning(ceiling(held, "srv_1", NOW + later)) <= meaning(ceiling(held, "srv_1", NOW))


@given(HELD)
def test_what_roles_carry_lasts_until_the_first_moment_at_which_it_is_less(held: list[HeldRole]) -> None:
    carried = ceiling(held, "srv_1", NOW)
    moments = (moment for moment in range(NOW + 1, NOW + 6) if scopes.missing(ceiling(held, "srv_1", moment), carried))
    assert lasts_until(iter(held), "srv_1", carried, NOW) == next(moments, None)


def test_the_end_of_a_role_that_adds_nothing_ends_nothing() -> None:
    wide, narrow = HeldRole(role(frozenset({"a"}))), HeldRole(role(frozenset({"a:x"})), NOW + 1)
    assert lasts_until([wide, narrow], "srv_1", frozenset({"a:x"}), NOW) is None
    assert lasts_until([narrow], "srv_1", frozenset({"a:x"}), NOW) == NOW + 1


@given(HELD, HELD)
def test_no_token_that_was_issued_before_a_change_carries_more_than_the_roles_after_it(
    before: list[HeldRole], after: list[HeldRole]
) -> None:
    left = remaining(iter(before), iter(after), "srv_1", NOW, NOW + 5)
    moments = range(NOW, NOW + 5)
    for at in moments:
        carried = ceiling(before, "srv_1", at)
        still = carried if left is None else scopes.meet(carried, left)
        assert meaning(still) <= meaning(ceiling(after, "srv_1", at))
    lost = [at for at in moments if scopes.missing(ceiling(after, "srv_1", at), ceiling(before, "srv_1", at))]
    assert (left is None) is (not lost)
    assert left is None or left == ceiling(after, "srv_1", lost[-1])


def test_an_end_beyond_the_life_of_every_token_takes_nothing_from_any() -> None:
    before, after = [HeldRole(role(frozenset({"a"})))], [HeldRole(role(frozenset({"a"})), NOW + 5)]
    assert remaining(before, after, "srv_1", NOW, NOW + 5) is None
    assert remaining(before, after, "srv_1", NOW, NOW + 6) == frozenset()
