"""Uses of a credential, as several nodes saw them."""

from hypothesis import given
from hypothesis import strategies as st

from accredit.identity.use import Use

USES = st.builds(
    lambda first, more, node: Use("crd_1", first, first + more, f"10.0.0.{node}", f"node-{node}"),
    *(st.integers(0, 9), st.integers(0, 9), st.integers(1, 3)),
)


@given(USES, USES)
def test_the_first_and_the_last_stay_with_the_place_of_the_last(one: Use, other: Use) -> None:
    both = one.joined(other)
    assert both.first_at == min(one.first_at, other.first_at)
    assert both.last_at == max(one.last_at, other.last_at)
    assert any((both.last_at, both.address, both.node) == (use.last_at, use.address, use.node) for use in (one, other))


@given(USES)
def test_nothing_more_adds_nothing(one: Use) -> None:
    assert one.joined(None) == one == one.joined(one)
