"""A decision: allowed or denied, with a code that does not change its spelling."""

import pytest

from accredit_sdk.decision import Decision, Effect, Reason


@pytest.mark.parametrize("reason", list(Reason))
@pytest.mark.parametrize("effect", list(Effect))
def test_a_call_goes_on_only_if_the_effect_is_allow(effect: Effect, reason: Reason) -> None:
    assert Decision(id="dec_1", effect=effect, reason=reason, server="srv_1").allowed == (effect is Effect.ALLOW)


def test_a_decision_about_nobody_names_nobody_and_promises_nothing() -> None:
    found = Decision(id="dec_1", effect=Effect.DENY, reason=Reason.NO_TOKEN, server="srv_1")
    assert (found.subject, found.client_id, found.actors, found.grant_id) == (None, None, (), None)
    assert (found.method, found.tool, found.problem, found.policy_version) == (None, None, None, 0)
    assert found.needed == found.missing == frozenset()
    assert (found.grantable, found.destructive) == (True, False)


@pytest.mark.parametrize("kind", [Effect, Reason])
def test_codes_are_written_like_their_names(kind: type[Effect] | type[Reason]) -> None:
    assert {one.value for one in kind} == {one.name.lower() for one in kind}
