"""Tallies: uses are counted, and no more of them are remembered than there is room for."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from accredit.identity.server import TargetKind
from accredit.identity.tally import Count, Tally, Use, at_servers

USES = st.builds(
    Use, st.sampled_from("ab"), st.sampled_from("st"), st.sampled_from(TargetKind), st.sampled_from(["x", "y"])
)
SOME = st.integers(0, 9)
COUNTS = st.builds(Count, st.integers(1, 9), st.integers(0, 99), SOME, SOME, SOME)


@given(st.lists(st.tuples(USES, COUNTS)), st.integers(0, 20))
def test_every_call_is_counted_or_passed_over(calls: list[tuple[Use, Count]], most: int) -> None:
    tally = Tally(most)
    for use, count in calls:
        tally.add(use, count)
    assert len(tally.found) <= most
    assert sum(one.calls for one in tally.found.values()) + tally.passed_over == sum(one.calls for _, one in calls)
    for use, found in tally.found.items():
        mine = [count for other, count in calls if other == use]
        assert found.last == max(count.last for count in mine)
        for name in ("calls", "allowed", "observed", "refused"):
            assert getattr(found, name) == sum(getattr(count, name) for count in mine)


@given(st.dictionaries(USES, COUNTS))
def test_servers_go_by_slugs_and_those_that_have_none_are_left_out(uses: dict[Use, Count]) -> None:
    found = at_servers(uses.items(), {"s": "server"})
    assert {replace(use, server="s"): count for use, count in found.items()} == {
        use: count for use, count in uses.items() if use.server == "s"
    }
