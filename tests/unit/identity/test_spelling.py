"""What somebody probably meant by a word that is not known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.identity.spelling import nearest, suggestion

WORDS = ("servers", "roles", "agents", "expires", "default_scopes")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("servrs", "servers"),
        ("serverss", "servers"),
        ("agnets", "agents"),
        ("Roles", "roles"),
        ("expiry", "expires"),
        ("default_scope", "default_scopes"),
        ("defualt_scopse", "default_scopes"),
        ("xpires", "expires"),
        ("purpose", None),
        ("", None),
        ("x" * 65, None),
        ("agents" * 20, None),
    ],
)
def test_a_slip_or_two_are_forgiven_and_more_are_not(typed: str, meant: str | None) -> None:
    assert nearest(typed, WORDS) == meant


def test_a_sentence_ends_with_the_word_that_was_meant_or_with_nothing() -> None:
    assert suggestion("agnets", WORDS) == "; did you mean 'agents'?"
    assert suggestion("nothing alike", WORDS) == ""
    assert suggestion("word", ["w" * 65]) == ""


@given(st.text(max_size=70), st.lists(st.text(max_size=70), max_size=5))
def test_only_a_known_word_is_ever_meant(typed: str, known: list[str]) -> None:
    assert nearest(typed, known) in {None, *known}


@given(st.text(min_size=1, max_size=64))
def test_a_word_is_nearest_to_itself(word: str) -> None:
    assert nearest(word, ["something else entirely, and quite long", word]) == word
