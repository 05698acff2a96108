"""Errors: all of one family, said in full, and the same after a copy or a trip to another process."""

import copy
import pickle

import pytest

from accredit_sdk import errors, record, snapshot
from accredit_sdk.errors import AccreditError, ConfigurationError, InvalidToken, Problem, ResourceError, ScopeError

EXAMPLES = [
    AccreditError("text"),
    ConfigurationError(["no issuer", "no audience"]),
    ConfigurationError([]),
    ScopeError("text"),
    ResourceError("text"),
    InvalidToken(Problem.EXPIRED, "the token has expired"),
    record.BrokenChain(7, "the header was changed"),
    snapshot.SnapshotError("text"),
    snapshot.Gap("text"),
    snapshot.Reread("text"),
]


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_every_error_is_one_of_the_family_and_survives_copying_and_pickling(error: AccreditError) -> None:
    assert isinstance(error, AccreditError)
    for again in (copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
        assert type(again) is type(error)
        assert (str(again), vars(again)) == (str(error), vars(error))


@pytest.mark.parametrize("kind", [ScopeError, ResourceError])
def test_what_is_wrong_with_a_text_is_a_value_error_too(kind: type[Exception]) -> None:
    assert issubclass(kind, ValueError)


def test_a_configuration_error_has_one_line_for_each_problem() -> None:
    error = ConfigurationError(iter(["no issuer", "no audience"]))
    assert error.problems == ("no issuer", "no audience")
    assert str(error).splitlines() == list(error.problems)


def test_a_refused_token_says_why_by_a_code_and_in_words() -> None:
    error = InvalidToken(Problem.EXPIRED, "too old")
    assert (error.problem, error.detail, str(error)) == (Problem.EXPIRED, "too old", "expired: too old")


def test_a_broken_chain_says_where_and_why() -> None:
    error = record.BrokenChain(7, "torn")
    assert (error.seq, error.why, str(error)) == (7, "torn", "torn")


def test_a_problem_is_written_by_its_code() -> None:
    assert {problem.value for problem in errors.Problem} == {problem.name.lower() for problem in errors.Problem}
