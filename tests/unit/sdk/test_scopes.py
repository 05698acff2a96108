"""Scopes: an order of words, and sets of them, against a model that spells everything out."""

import itertools
from collections.abc import Set as AbstractSet

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit_sdk import scopes
from accredit_sdk.errors import ScopeError

WORDS = [":".join(parts) for length in (1, 2, 3) for parts in itertools.product("ab", repeat=length)] + ["aa", "a-b"]
ONE = st.sampled_from(WORDS)
SETS = st.frozensets(ONE, max_size=6)
OUTSIDE = [chr(code) for code in [*range(0x21), 0x22, 0x5C, 0x7F, 0x80, 0xE9, 0x212A]]


def model(wide: str, narrow: str) -> bool:
    """Whether `wide` covers `narrow`: its segments are the first ones of `narrow`."""
    a, b = wide.split(":"), narrow.split(":")
    return b[: len(a)] == a


def allows(held: AbstractSet[str]) -> frozenset[str]:
    """All words of the little world that a set allows."""
    return frozenset(one for one in WORDS if any(model(wide, one) for wide in held))


# ---------------------------------------------------------------- the order of words


@given(ONE, ONE)
def test_a_word_covers_what_continues_it_after_a_colon(a: str, b: str) -> None:
    assert scopes.covers(a, b) == model(a, b)


@given(ONE, ONE, ONE)
def test_covering_is_a_partial_order(a: str, b: str, c: str) -> None:
    assert scopes.covers(a, a)
    assert not (scopes.covers(a, b) and scopes.covers(b, a)) or a == b
    assert not (scopes.covers(a, b) and scopes.covers(b, c)) or scopes.covers(a, c)


@pytest.mark.parametrize(("wide", "narrow"), [("a", "ab"), ("a:b", "a"), ("a:b", "a:bc"), ("a:b", "a-b"), ("A", "a")])
def test_a_common_beginning_is_not_enough(wide: str, narrow: str) -> None:
    assert not scopes.covers(wide, narrow)
    assert not scopes.satisfied({wide}, narrow)


@given(SETS, ONE)
def test_a_set_satisfies_what_one_of_its_words_covers(held: frozenset[str], needed: str) -> None:
    assert scopes.satisfied(held, needed) == any(model(wide, needed) for wide in held)


# ---------------------------------------------------------------- sets


@given(SETS)
def test_the_smallest_form_means_the_same_and_nothing_can_be_left_out(words: frozenset[str]) -> None:
    small = scopes.smallest(words)
    assert small <= words
    assert allows(small) == allows(words)
    assert all(allows(small - {one}) != allows(words) for one in small)
    assert scopes.smallest(small) == small


@given(SETS, SETS)
def test_sets_that_mean_the_same_have_one_smallest_form(a: frozenset[str], b: frozenset[str]) -> None:
    assert (scopes.smallest(a) == scopes.smallest(b)) == (allows(a) == allows(b))


@given(SETS, SETS)
def test_missing_is_what_the_smallest_need_holds_and_nobody_covers(
    held: frozenset[str], needed: frozenset[str]
) -> None:
    lost = scopes.missing(held, needed)
    assert lost == {one for one in scopes.smallest(needed) if one not in allows(held)}
    assert (not lost) == (allows(needed) <= allows(held))
    assert not scopes.missing(held | lost, needed)


@given(SETS, SETS)
def test_two_sets_meet_in_exactly_what_both_allow(a: frozenset[str], b: frozenset[str]) -> None:
    assert allows(scopes.meet(a, b)) == allows(a) & allows(b)
    assert scopes.meet(a, b) <= a | b


@given(SETS, SETS, SETS)
def test_meeting_is_commutative_associative_and_idempotent(
    a: frozenset[str], b: frozenset[str], c: frozenset[str]
) -> None:
    def meet(x: frozenset[str], y: frozenset[str]) -> frozenset[str]:
        return scopes.smallest(scopes.meet(x, y))

    assert meet(a, b) == meet(b, a)
    assert meet(meet(a, b), c) == meet(a, meet(b, c))
    assert scopes.meet(a, a) == a
    assert scopes.meet(a, frozenset()) == frozenset()


@given(SETS, SETS, SETS)
def test_meeting_never_grows_when_a_side_shrinks(a: frozenset[str], b: frozenset[str], c: frozenset[str]) -> None:
    assert allows(scopes.meet(a & c, b)) <= allows(scopes.meet(a, b))


# ---------------------------------------------------------------- text


@given(SETS)
def test_what_is_rendered_is_parsed_again_and_sorted(words: frozenset[str]) -> None:
    assert scopes.parse(scopes.render(words)) == words
    assert scopes.render(words).split() == sorted(words)


@given(
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='"\\:'), min_size=1, max_size=128)
)
def test_any_scope_token_of_the_rfc_is_a_word(text: str) -> None:
    assert scopes.word(text) == text
    assert scopes.parse(text) == {text}


@pytest.mark.parametrize("character", OUTSIDE)
@pytest.mark.parametrize("form", ["{}", "a{}", "{}a", "a{}b", "a:{}"])
def test_a_character_outside_of_the_rfc_is_in_no_word(character: str, form: str) -> None:
    with pytest.raises(ScopeError):
        scopes.word(form.format(character))


@pytest.mark.parametrize("text", ["", ":", "a:", ":a", "a::b", "a" * 129, "a b"])
def test_what_is_empty_long_or_more_than_one_is_no_word(text: str) -> None:
    with pytest.raises(ScopeError):
        scopes.word(text)


def test_a_word_has_at_most_128_characters() -> None:
    assert scopes.word("a" * 128) == "a" * 128


def test_the_empty_text_lists_nothing_and_a_repeated_word_counts_once() -> None:
    assert scopes.parse("") == frozenset()
    assert scopes.parse("a a") == {"a"}


@pytest.mark.parametrize("text", [" ", " a", "a ", "a  b", "a\tb", "a\nb", "a,b\\"])
def test_words_are_separated_by_single_spaces_and_nothing_else(text: str) -> None:
    with pytest.raises(ScopeError):
        scopes.parse(text)


@given(st.integers(1, 300), st.integers(1, 300))
def test_more_words_than_the_limit_are_refused(count: int, limit: int) -> None:
    text = " ".join(["a"] * count)
    if count <= limit:
        assert scopes.parse(text, limit) == {"a"}
    else:
        with pytest.raises(ScopeError):
            scopes.parse(text, limit)


def test_without_a_word_about_it_the_limit_is_256() -> None:
    assert scopes.parse(" ".join(["a"] * 256)) == {"a"}
    with pytest.raises(ScopeError):
        scopes.parse(" ".join(["a"] * 257))


@given(st.text(max_size=20))
def test_any_text_is_a_list_of_words_or_refused(text: str) -> None:
    try:
        found = scopes.parse(text)
    except ScopeError:
        return
    assert all(scopes.word(one) == one for one in found)
