"""Changes: what can lose is a claim, everything else is a write, and there is nothing third."""

import dataclasses
import inspect
from typing import get_args

from accredit.identity import (
    changes,
    credential_changes,
    denial,
    group_changes,
    lease,
    log_changes,
    signal,
    webhook_changes,
)

MODULES = (changes, credential_changes, denial, group_changes, lease, log_changes, signal, webhook_changes)
HOMES = {module.__name__ for module in MODULES}


def declared(word: str) -> set[type]:
    return {
        one
        for _, one in inspect.getmembers(changes, inspect.isclass)
        if one.__module__ in HOMES and (one.__doc__ or "").startswith(f"{word}:")
    }


def test_every_class_that_says_claim_is_one_and_every_write_is_one() -> None:
    assert set(get_args(changes.Claim)) == declared("Claim")
    assert set(get_args(changes.Write)) == declared("Write")
    assert not declared("Claim") & declared("Write")


def test_every_change_can_be_imported_by_name() -> None:
    classes = {name for name, one in inspect.getmembers(changes, inspect.isclass) if one.__module__ in HOMES}
    assert set(changes.__all__) == classes | {"Claim", "Rest", "Write"}


def test_equal_claims_are_equal_so_that_a_batch_can_reduce_them() -> None:
    first = changes.UseJti("agt_1", "once", 5)
    assert first == changes.UseJti("agt_1", "once", 5)
    assert first != dataclasses.replace(first, jti="twice")
    assert len({first, changes.UseJti("agt_1", "once", 5)}) == 1
