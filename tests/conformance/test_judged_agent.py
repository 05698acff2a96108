"""A verdict about the agent holds only when the judge really ran, and liked everything."""

import pytest

from tests.conformance.judged_agent import APPLIES, AgentVerdict, reason
from tests.conformance.results import Check, Checks, numbered


def checks(*statuses: str) -> Checks:
    return numbered([Check("one", "one", status) for status in statuses])


def test_a_verdict_holds_when_every_scenario_passes_with_no_check_that_fails_or_warns() -> None:
    good = dict.fromkeys(APPLIES, checks("SUCCESS", "INFO"))
    assert AgentVerdict(good, {}).holds()
    for worse in (checks("SUCCESS", "FAILURE"), checks("SUCCESS", "WARNING"), checks("INFO"), checks()):
        assert not AgentVerdict({**good, APPLIES[-1]: worse}, {}).holds()


@pytest.mark.parametrize("name", APPLIES)
def test_a_scenario_that_left_no_result_is_not_passed(name: str) -> None:
    left = {one: checks("SUCCESS") for one in APPLIES if one != name}
    assert not AgentVerdict(left, {}).holds()


def test_every_scenario_that_is_not_run_has_its_reason() -> None:
    assert "DPoP" in reason("auth/dpop-nonce")
    assert "sign" in reason("auth/basic-cimd")
    assert "official client" in reason("request-metadata")
