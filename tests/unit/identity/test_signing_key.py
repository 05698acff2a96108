"""Signing keys: one key never serves two uses, and its states have an order."""

from dataclasses import replace

import pytest

from accredit.identity.signing_key import PUBLISHED, KeyState, KeyUse, StoredKey, due
from accredit_sdk.jws import Algorithm

NOW = 1_900_000_000_000_000
AGE = 10 * PUBLISHED
ACTIVE = StoredKey("a", KeyUse.ACCESS, Algorithm.ES256, KeyState.ACTIVE, b"", b"", NOW - 20 * AGE, active_at=NOW - AGE)
UPCOMING = replace(ACTIVE, kid="u", state=KeyState.UPCOMING, created_at=NOW - PUBLISHED, active_at=None)


def test_the_life_of_a_key_is_in_this_order() -> None:
    assert list(KeyState) == [KeyState.UPCOMING, KeyState.ACTIVE, KeyState.RETIRED, KeyState.GONE]


def test_tokens_signals_and_checkpoints_have_keys_of_their_own() -> None:
    assert {use.value for use in KeyUse} == {"access", "signal", "checkpoint"}


@pytest.mark.parametrize(
    ("began", "published", "age", "found"),
    [
        (NOW - AGE, NOW - PUBLISHED, AGE, True),
        (NOW - AGE + 1, NOW - PUBLISHED, AGE, False),
        (NOW - AGE, NOW - PUBLISHED + 1, AGE, False),
        (None, NOW - PUBLISHED, AGE, True),
        (NOW - AGE, NOW - PUBLISHED, 0, False),
    ],
    ids=["due", "young", "successor-unknown", "old-and-undated", "never"],
)
def test_a_key_is_replaced_when_it_is_old_and_its_successor_is_known_everywhere(
    began: int | None, published: int, age: int, found: bool
) -> None:
    assert due(replace(ACTIVE, active_at=began), replace(UPCOMING, created_at=published), age, NOW) is found
