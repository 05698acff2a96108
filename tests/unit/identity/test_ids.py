"""Ids of nouns: a prefix that tells the kind, and a UUIDv7."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.identity import ids

KINDS = st.sampled_from(sorted(ids.PREFIXES))
TIMES = st.integers(0, 2**48 - 1)
DICE = st.binary(min_size=16, max_size=16)


@given(KINDS, KINDS, TIMES, DICE)
def test_an_id_is_of_its_own_kind_and_of_no_other(kind: str, other: str, unix_ms: int, random: bytes) -> None:
    made = ids.encode(kind, unix_ms, random)
    assert ids.is_id(made, other) is (kind == other)


def test_no_two_kinds_share_a_prefix_and_each_is_three_letters() -> None:
    assert len(set(ids.PREFIXES.values())) == len(ids.PREFIXES)
    assert all(len(prefix) == 4 and prefix[:3].isalpha() and prefix[3] == "_" for prefix in ids.PREFIXES.values())


GOOD = ids.encode("agent", 1_900_000_000_000, bytes(range(16)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "agt_",
        GOOD[:-1],
        GOOD + "0",
        GOOD + "\n",
        " " + GOOD,
        GOOD.upper(),
        GOOD[:-1] + "w",
        GOOD[:-1] + "\u0660",
        GOOD.replace("_", "-"),
        "agt_" + "0" * 25 + "/",
        "agt_../../../../../../../etc/pa",
    ],
)
def test_what_only_looks_like_an_id_is_none(text: str) -> None:
    assert ids.is_id(GOOD, "agent")
    assert not ids.is_id(text, "agent")


@given(st.text(max_size=32))
def test_any_text_can_be_asked_about(text: str) -> None:
    assert ids.is_id(text, "agent") is False


def test_an_unknown_kind_is_an_error() -> None:
    with pytest.raises(KeyError):
        ids.encode("tenant", 0, bytes(16))
    with pytest.raises(KeyError):
        ids.is_id(GOOD, "tenant")


@pytest.mark.parametrize(("unix_ms", "random"), [(0, bytes(15)), (0, bytes(17)), (-1, bytes(16)), (2**48, bytes(16))])
def test_wrong_dice_or_time_make_no_id(unix_ms: int, random: bytes) -> None:
    with pytest.raises(ValueError, match="id"):
        ids.encode("agent", unix_ms, random)
