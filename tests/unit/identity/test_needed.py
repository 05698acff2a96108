"""What is held beside what was needed: every scope gets the verdict that its calls and its carriers give it."""

from hypothesis import given
from hypothesis import strategies as st

from accredit.identity.needed import IDLE, Line, Verdict, lines, needed
from accredit.identity.role import HeldRole, Role, ceiling
from accredit.identity.server import TargetKind
from accredit.identity.tally import Count, Use
from accredit_sdk import scopes as words

WORDS = ["a", "a:b", "a:b:c", "a:d", "e"]
SERVERS = ["s", "t"]
SETS = st.frozensets(st.sampled_from(WORDS))
ROLES = st.builds(
    lambda name, scopes, end: HeldRole(Role(name, name, "", scopes, 0), end),
    st.sampled_from("xyz"),
    st.dictionaries(st.sampled_from(SERVERS), SETS),
    st.sampled_from([None, 5, 50]),
)
CALLS = st.dictionaries(
    st.tuples(st.sampled_from(SERVERS), st.sampled_from(WORDS)), st.builds(Count, st.integers(1, 9), st.integers(1, 9))
)


def role(name: str, *scopes: str, ends_at: int | None = None, through: str | None = None) -> HeldRole:
    return HeldRole(Role(name, name, "", {"s": frozenset(scopes)}, 0), ends_at, through)


def told(*held: HeldRole, calls: dict[str, Count], seen: str = "s") -> dict[str, Verdict]:
    found = lines(held, {("s", word): count for word, count in calls.items()}, {"s"}, set(seen), 10)
    return {line.scope: line.verdict for line in found}


def test_each_call_needs_the_smallest_scopes_that_satisfy_it() -> None:
    pay, read = Use("c", "s", TargetKind.TOOL, "pay"), Use("c", "s", TargetKind.TOOL, "read")
    needs = {pay: frozenset({"a", "a:b"}), read: frozenset({"a"})}
    found = needed({pay: Count(2, 3, allowed=2), read: Count(1, 9, refused=1)}, lambda use: needs[use])
    assert found == {("s", "a"): Count(3, 9, allowed=2, refused=1)}
    assert needed({pay: Count(2, 3)}, lambda _: frozenset()) == {}


def test_a_scope_is_kept_unused_or_missing() -> None:
    assert told(role("x", "a", "e"), calls={"a": Count(1), "f": Count(1)}) == {
        "a": Verdict.KEEP,
        "e": Verdict.UNUSED,
        "f": Verdict.MISSING,
    }


def test_a_scope_of_which_only_narrower_ones_were_needed_is_wider() -> None:
    assert told(role("x", "a"), calls={"a:b": Count(1)}) == {"a": Verdict.WIDER, "a:b": Verdict.KEEP}


def test_of_a_server_without_records_nothing_is_known() -> None:
    assert told(role("x", "a"), calls={}, seen="") == {"a": Verdict.UNSEEN}


def test_a_role_at_its_end_carries_nothing() -> None:
    assert told(role("x", "a", ends_at=10), calls={"a": Count(1)}) == {"a": Verdict.MISSING}


def test_all_roles_that_carry_a_scope_are_named_once_also_those_with_a_wider_one() -> None:
    held = (role("x", "a", "a:b"), role("y", "a:b"), role("y", "a:b", through="grp"), role("z", "e"))
    (line, *_) = [line for line in lines(held, {("s", "a:b"): Count(1)}, {"s"}, {"s"}, 0) if line.scope == "a:b"]
    assert [(item.role.slug, item.through) for item in line.roles] == [("x", None), ("y", None), ("y", "grp")]


def test_what_was_refused_is_wanted_only_when_it_was_let_through_once() -> None:
    assert not Line("s", "a", Verdict.MISSING, Count(3, refused=3)).wanted
    assert Line("s", "a", Verdict.MISSING, Count(3, refused=2, observed=1)).wanted
    assert Line("s", "a", Verdict.KEEP, Count(1)).wanted
    assert not any(Line("s", "a", verdict, Count(1)).wanted for verdict in (*IDLE, Verdict.UNSEEN))


@given(st.lists(ROLES, max_size=4), CALLS, st.frozensets(st.sampled_from(SERVERS)))
def test_everything_that_is_held_or_needed_gets_one_verdict_and_nothing_else_does(
    held: list[HeldRole], calls: dict[tuple[str, str], Count], servers: frozenset[str]
) -> None:
    found = lines(held, calls, servers, frozenset(SERVERS), 10)
    places = [(line.server, line.scope) for line in found]
    assert places == sorted(set(places))
    for line in found:
        has = ceiling(held, line.server, 10)
        assert line.server in servers
        assert (line.verdict is Verdict.MISSING) is not words.satisfied(has, line.scope)
        assert bool(line.roles) is words.satisfied(has, line.scope)
        assert ((line.server, line.scope) in calls) is (line.verdict in (Verdict.KEEP, Verdict.MISSING))
    for server, word in calls:
        assert server not in servers or (server, word) in places
