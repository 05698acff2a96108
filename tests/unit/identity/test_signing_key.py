"""Signing keys: one key never serves two uses, and its states have an order."""

from accredit.identity.signing_key import KeyState, KeyUse


def test_the_life_of_a_key_is_in_this_order() -> None:
    assert list(KeyState) == [KeyState.UPCOMING, KeyState.ACTIVE, KeyState.RETIRED, KeyState.GONE]


def test_tokens_signals_and_checkpoints_have_keys_of_their_own() -> None:
    assert {use.value for use in KeyUse} == {"access", "signal", "checkpoint"}
