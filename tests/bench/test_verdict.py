import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.verdict import CONFIDENCE, ROUNDS, Bar, judge, spread

HALF = Bar(0.5)


@pytest.mark.parametrize("count", range(7, 15))
def test_the_spread_contains_the_median_as_often_as_it_claims_and_could_not_be_narrower(count):
    """Every value is as likely below the true median, 0, as above it: count over all the ways this can fall."""
    inside = narrower = 0
    for signs in product((-1, 1), repeat=count):
        low, high = spread(signs)
        inside += low < 0 < high
        cut = _cut_of(count) + 1
        ordered = sorted(signs)
        narrower += ordered[cut] < 0 < ordered[-1 - cut]
    assert inside / 2**count >= CONFIDENCE
    assert narrower / 2**count < CONFIDENCE


def _cut_of(count):
    low, high = spread(range(count))
    assert low == count - 1 - high
    return low


@pytest.mark.parametrize("count", range(7, 100))
def test_the_spread_of_many_values_is_as_sure_and_as_narrow(count):
    cut = _cut_of(count)
    assert _sure(count, cut) >= CONFIDENCE > _sure(count, cut + 1)


def _sure(count, cut):
    """How often at least cut + 1 of `count` values lie on each side of the true median."""
    return sum(math.comb(count, below) for below in range(cut + 1, count - cut)) / 2**count


@pytest.mark.parametrize(("count", "cut"), [(1, 0), (2, 0), (7, 0), (8, 0), (9, 1), (14, 2), (21, 5)])
def test_how_many_values_the_spread_leaves_out_at_each_end(count, cut):
    assert spread(range(count)) == (cut, count - 1 - cut)


def test_the_spread_does_not_depend_on_the_order_of_rounds():
    assert spread([5, 1, 7, 3, 2, 6, 4]) == (1, 7)


def test_nothing_has_no_spread():
    with pytest.raises(ValueError, match="no values"):
        spread([])


def test_a_bar_holds_when_the_whole_spread_reaches_it():
    found = judge([40, 41, 42, 43, 44, 45, 50], [100] * 7, HALF)
    assert (found.holds, found.ratio, found.spread) == (True, 0.43, (0.40, 0.50))


def test_a_bar_is_missed_when_the_whole_spread_does_not_reach_it():
    assert judge([50.1, 60, 60, 60, 60, 60, 90], [100] * 7, HALF).holds is False


@pytest.mark.parametrize("stray", [0, 3, 6])
def test_one_round_of_seven_on_the_other_side_of_the_bar_leaves_it_undecided(stray):
    good = [40.0] * 7
    good[stray] = 51
    bad = [60.0] * 7
    bad[stray] = 49
    assert judge(good, [100] * 7, HALF).holds is None
    assert judge(bad, [100] * 7, HALF).holds is None


def test_more_rounds_bear_a_stray_one():
    assert judge([40.0] * 20 + [1000], [100] * 21, HALF).holds is True


@pytest.mark.parametrize("rounds", range(1, ROUNDS))
def test_fewer_than_seven_rounds_decide_nothing_however_clear_they_are(rounds):
    assert judge([1] * rounds, [100] * rounds, HALF).holds is None
    assert judge([100] * rounds, [1] * rounds, HALF).holds is None


def test_a_bar_can_ask_for_more_as_well_as_for_less():
    assert judge([300] * 7, [100] * 7, Bar(2, at_least=True)).holds is True
    assert judge([300] * 7, [100] * 7, Bar(2)).holds is False
    assert judge([200] * 7, [100] * 7, Bar(2, at_least=True)).holds is True


def test_rounds_are_compared_in_pairs_so_that_a_slow_moment_of_the_machine_cancels_out():
    slow = [1, 10, 2, 7, 4, 9, 3]
    found = judge([2 * x for x in slow], [10 * x for x in slow], HALF)
    assert found.ratio == pytest.approx(0.2)
    assert found.spread == pytest.approx((0.2, 0.2))
    assert (found.ours, found.peer) == (8, 40)


def test_the_ratio_is_the_median_of_ratios_not_the_ratio_of_medians():
    ours, peer = [1, 2, 9], [9, 4, 10]
    assert judge(ours, peer, HALF).ratio == 0.5
    assert judge(ours, peer, HALF).ours / judge(ours, peer, HALF).peer == pytest.approx(2 / 9)


def test_without_a_peer_our_own_figure_is_held_against_the_bar():
    found = judge([70, 71, 72, 73, 74, 75, 80], None, Bar(80))
    assert (found.ours, found.peer, found.ratio, found.spread, found.holds) == (73, None, None, (70, 80), True)


@pytest.mark.parametrize("wrong", [0, -1, math.nan, math.inf])
def test_a_figure_that_was_not_measured_is_not_judged(wrong):
    with pytest.raises(ValueError, match="positive"):
        judge([1, 1, 1, 1, 1, 1, wrong], [1] * 7, HALF)
    with pytest.raises(ValueError, match="positive"):
        judge([1] * 7, [1, 1, 1, wrong, 1, 1, 1], HALF)


def test_rounds_that_are_not_pairs_are_not_judged():
    with pytest.raises(ValueError, match="rounds"):
        judge([1] * 7, [1] * 8, HALF)


figures = st.lists(st.integers(1, 1000), min_size=1, max_size=25)


@given(figures, st.data())
def test_a_verdict_never_contradicts_the_median_and_never_lies_outside_the_spread(ours, data):
    peer = data.draw(st.lists(st.integers(1, 1000), min_size=len(ours), max_size=len(ours)))
    found = judge(ours, peer, HALF)
    low, high = found.spread
    assert low <= found.ratio <= high
    if found.holds is not None:
        assert found.holds == (found.ratio <= 0.5) == (low <= 0.5) == (high <= 0.5)


@given(figures, st.sampled_from([0.25, 0.5, 2, 4]))
def test_the_unit_of_the_figures_does_not_matter(ours, factor):
    peer = list(reversed(ours))
    scaled = judge([x * factor for x in ours], [x * factor for x in peer], HALF)
    found = judge(ours, peer, HALF)
    assert (scaled.ratio, scaled.spread, scaled.holds) == (found.ratio, found.spread, found.holds)
