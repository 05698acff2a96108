"""Changes: what can lose is a claim, everything else is a write, and there is nothing third."""

import dataclasses
import inspect
from typing import get_args

from accredit.identity import changes, group_changes, signal

HOMES = {changes.__name__, group_changes.__name__, signal.__name__}
"""The modules whose classes `changes` offers."""


def classes() -> dict[str, type]:
    return {name: one for name, one in inspect.getmembers(changes, inspect.isclass) if one.__module__ in HOMES}


def declared(word: str) -> set[type]:
    return {one for one in classes().values() if (one.__doc__ or "").startswith(f"{word}:")}


def test_every_class_that_says_claim_is_one_and_every_write_is_one() -> None:
    assert set(get_args(changes.Claim)) == declared("Claim")
    assert set(get_args(changes.Write)) == declared("Write")
    assert not declared("Claim") & declared("Write")


def test_every_change_can_be_imported_by_name() -> None:
    assert set(changes.__all__) == {*classes(), "Claim", "Write", "Rest"}


def test_equal_claims_are_equal_so_that_a_batch_can_reduce_them() -> None:
    first = changes.UseJti("agt_1", "once", 5)
    assert first == changes.UseJti("agt_1", "once", 5)
    assert first != dataclasses.replace(first, jti="twice")
    assert len({first, changes.UseJti("agt_1", "once", 5)}) == 1
