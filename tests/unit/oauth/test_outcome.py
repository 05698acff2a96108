"""Outcomes: an answer alone writes nothing."""

from dataclasses import FrozenInstanceError

import pytest

from accredit.oauth.outcome import Lost, Outcome, Won
from tests.unit.oauth.world import AGENT


def test_an_outcome_of_an_answer_alone_writes_and_claims_nothing() -> None:
    outcome = Outcome("answer")
    assert (outcome.claims, outcome.writes, outcome.events, outcome.signals) == ((), (), (), ())


def test_outcomes_and_verdicts_do_not_change() -> None:
    for value, name in ((Outcome(AGENT), "answer"), (Won(), "seq"), (Lost(None), "claim")):  # type: ignore[arg-type]
        with pytest.raises(FrozenInstanceError):
            setattr(value, name, None)
