"""Revocation: a token dies by any of its handles, and by nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit_sdk.decision import Reason
from accredit_sdk.revocation import Reduction, Revocations

HANDLES = st.sampled_from("abcd")


@given(st.dictionaries(HANDLES, st.integers(0, 9)), st.frozensets(HANDLES), st.lists(HANDLES), st.integers(0, 9))
def test_a_token_lives_only_if_no_handle_is_suspended_or_revoked_after_it(
    before: dict[str, int], suspended: frozenset[str], handles: list[str], ver: int
) -> None:
    dead = [handle for handle in handles if handle in suspended or ver < before.get(handle, 0)]
    reason = Revocations(before, suspended).reason(handles, ver)
    assert (reason is None) == (not dead)
    if dead:
        assert reason is (Reason.SUSPENDED if dead[0] in suspended else Reason.REVOKED)


@pytest.mark.parametrize(("ver", "expected"), [(6, Reason.REVOKED), (7, None), (8, None)])
def test_a_token_of_the_very_number_of_a_revocation_lives(ver: int, expected: Reason | None) -> None:
    assert Revocations({"a": 7}).reason(["a"], ver) is expected


def test_nothing_is_revoked_at_first() -> None:
    assert Revocations().reason(["a"], 0) is None
    assert Revocations({"a": 7}, frozenset({"b"})).reason([], 0) is None


def test_a_reduction_leaves_what_both_allow_to_tokens_of_before() -> None:
    known = Revocations(reduced={"agt_1": Reduction(7, frozenset({"ledger:read", "report"}))})
    assert known.held(["agt_1"], 6, frozenset({"ledger", "report:own"})) == {"ledger:read", "report:own"}
    assert known.held(["agt_1"], 7, frozenset({"ledger"})) == {"ledger"}
    assert known.held(["agt_2"], 6, frozenset({"ledger"})) == {"ledger"}
