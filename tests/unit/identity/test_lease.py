"""Leases: when a signal is everywhere, and what is said of guards that have gone silent."""

from dataclasses import replace

from accredit.identity.lease import Lease, Reach, reach

NOON = 1_790_000_000_000_000
SECOND = 1_000_000
LEASE = Lease("grd_1", "gin_1", 7, NOON, NOON, bound=300, beat=5)


def test_a_lease_lives_for_three_beats() -> None:
    assert LEASE.lives(NOON + 15 * SECOND - 1)
    assert not LEASE.lives(NOON + 15 * SECOND)
    assert not replace(LEASE, ended=True).lives(NOON)


def test_a_guard_is_harmless_after_its_bound_and_at_once_when_it_took_its_leave() -> None:
    assert LEASE.harmless_at() == NOON + 301 * SECOND
    assert replace(LEASE, ended=True).harmless_at() == NOON


def test_hearing_more_moves_the_acknowledgement_and_hearing_the_same_only_the_lease() -> None:
    later = replace(LEASE, acked_at=NOON + 5, seen_at=NOON + 5, bound=60)
    assert LEASE.renewed(later) == replace(LEASE, seen_at=NOON + 5, bound=60)
    assert LEASE.renewed(replace(later, seq=8)) == replace(later, seq=8)
    assert LEASE.renewed(replace(later, seq=9, seen_at=NOON - 1)) == LEASE


def test_a_signal_is_everywhere_when_all_that_live_have_it() -> None:
    other = replace(LEASE, instance="gin_2", seq=9, acked_at=NOON + 40)
    found = reach(7, [LEASE, other], NOON)
    assert (found.everywhere, found.last_at, found.certain_at) == (True, NOON + 40, None)
    found = reach(8, [LEASE, other], NOON)
    assert (found.everywhere, found.waiting, found.acknowledged) == (False, (LEASE,), (other,))


def test_one_that_went_silent_counts_until_it_refuses_by_itself() -> None:
    found = reach(8, [LEASE], NOON + 20 * SECOND)
    assert (found.everywhere, found.lapsed, found.last_at) == (False, (LEASE,), None)
    assert found.certain_at == NOON + 301 * SECOND
    assert reach(8, [LEASE], NOON + 301 * SECOND).everywhere
    assert reach(8, [replace(LEASE, ended=True)], NOON + 1).everywhere


def test_without_a_guard_everything_is_everywhere_and_nobody_was_last() -> None:
    assert reach(8, [], NOON) == Reach(8, (), (), ())
    assert reach(8, [], NOON).everywhere
