"""Methods: what is not in the table of an era is refused, and no method is wider in one era than in the other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit_sdk.methods import ASKS, HANDSHAKE, METHODS, MODERN, NOTIFICATIONS, Era, Treatment, treatment

NAMING = ["tools/call", "prompts/get", "resources/read", "completion/complete", "tasks/get", "tasks/cancel"]
ERAS = st.sampled_from(list(Era))


@given(ERAS, st.text(max_size=20) | st.sampled_from([name for table in METHODS.values() for name in table]))
def test_a_method_is_treated_as_its_era_says_and_refused_when_it_says_nothing(era: Era, method: str) -> None:
    assert treatment(era, method) is METHODS[era].get(method, Treatment.REFUSED)


@pytest.mark.parametrize("era", list(Era))
@pytest.mark.parametrize("method", NAMING)
def test_what_names_something_needs_its_scopes_in_both_eras(era: Era, method: str) -> None:
    assert treatment(era, method) is Treatment.SCOPED


@pytest.mark.parametrize("era", list(Era))
@pytest.mark.parametrize("method", ["", "x", "Tools/Call", "tools/call ", "tasks/list", *ASKS, *NOTIFICATIONS])
def test_what_is_unknown_or_the_servers_to_ask_is_refused_in_both_eras(era: Era, method: str) -> None:
    assert treatment(era, method) is Treatment.REFUSED


def test_a_method_in_both_eras_is_treated_alike() -> None:
    both = METHODS[Era.MODERN].keys() & METHODS[Era.HANDSHAKE].keys()
    assert both
    assert all(METHODS[Era.MODERN][name] is METHODS[Era.HANDSHAKE][name] for name in both)


@pytest.mark.parametrize(
    ("method", "modern", "handshake"),
    [
        ("server/discover", Treatment.FREE, Treatment.REFUSED),
        ("subscriptions/listen", Treatment.SCOPED, Treatment.REFUSED),
        ("initialize", Treatment.REFUSED, Treatment.FREE),
        ("ping", Treatment.REFUSED, Treatment.FREE),
        ("resources/subscribe", Treatment.REFUSED, Treatment.SCOPED),
    ],
)
def test_a_method_of_one_era_is_refused_in_the_other(method: str, modern: Treatment, handshake: Treatment) -> None:
    assert (treatment(Era.MODERN, method), treatment(Era.HANDSHAKE, method)) == (modern, handshake)


def test_a_revision_is_of_one_era() -> None:
    assert MODERN not in HANDSHAKE
    assert all(revision < MODERN for revision in HANDSHAKE)
