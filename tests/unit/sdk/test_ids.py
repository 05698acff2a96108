"""Ids: a prefix and a UUIDv7 in base32hex."""

import base64
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit_sdk import ids

TIMES = st.integers(0, 2**48 - 1)
DICE = st.binary(min_size=16, max_size=16)


def decoded(text: str) -> uuid.UUID:
    return uuid.UUID(bytes=base64.b32hexdecode(text.upper() + "======"))


@given(TIMES, DICE)
def test_an_id_is_a_uuid_of_version_7_made_at_that_millisecond(unix_ms: int, random: bytes) -> None:
    text = ids.encode("dec_", unix_ms, random)
    value = decoded(text.removeprefix("dec_"))
    assert len(text) == 30
    assert value.version == 7
    assert value.variant == uuid.RFC_4122
    assert value.int >> 80 == unix_ms


@given(TIMES, TIMES, DICE, DICE)
def test_ids_sort_by_the_time_they_were_made(first: int, second: int, a: bytes, b: bytes) -> None:
    if first < second:
        assert ids.encode("x_", first, a) < ids.encode("x_", second, b)


@given(DICE)
def test_each_of_74_random_bits_makes_another_id(random: bytes) -> None:
    flipped = [(int.from_bytes(random, "big") ^ 1 << bit).to_bytes(16, "big") for bit in range(128)]
    assert len({ids.encode("", 0, one) for one in flipped} - {ids.encode("", 0, random)}) == 74


@pytest.mark.parametrize("length", [0, 10, 15, 17])
def test_another_number_of_random_bytes_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="sixteen"):
        ids.encode("x_", 0, bytes(length))


@pytest.mark.parametrize("unix_ms", [-1, 2**48])
def test_a_time_outside_of_48_bits_is_refused(unix_ms: int) -> None:
    with pytest.raises(ValueError, match="48"):
        ids.encode("x_", unix_ms, bytes(16))
