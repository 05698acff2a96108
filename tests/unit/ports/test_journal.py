"""The journal's errors: what callers are told when something was not written, and when nobody knows."""

import copy
import pickle

import pytest

from accredit.ports.journal import Overloaded, StoreError, Unstorable, WriterStopped


def test_a_store_error_was_not_written_unless_it_says_that_nobody_knows() -> None:
    assert not StoreError("IntegrityError: jti").unknown
    assert StoreError("ConnectionLost", unknown=True).unknown


@pytest.mark.parametrize("unknown", [True, False])
def test_a_store_error_keeps_its_text_and_its_doubt_when_it_travels(unknown: bool) -> None:
    error = StoreError("ConnectionLost", unknown=unknown)
    for again in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert (str(again), again.unknown) == ("ConnectionLost", unknown)


def test_the_journals_errors_are_told_apart_by_their_types() -> None:
    kinds = [Overloaded, WriterStopped, Unstorable, StoreError]
    assert not [(a, b) for a in kinds for b in kinds if a is not b and issubclass(a, b)]
    assert issubclass(Unstorable, ValueError)
