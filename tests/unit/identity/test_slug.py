"""Slugs: the names for people, the CLI and files."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.identity.slug import SlugError, slug


@given(st.lists(st.text("abc019", min_size=1, max_size=5), min_size=1, max_size=9))
def test_words_of_letters_and_digits_joined_by_hyphens_are_a_slug(parts: list[str]) -> None:
    text = "-".join(parts)
    assert slug(text) == text


@given(st.text(max_size=70) | st.text("ab9-", max_size=70))
def test_any_text_is_returned_as_it_is_or_refused(text: str) -> None:
    plain = re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", text) is not None and len(text) <= 64
    try:
        assert slug(text) == text
        assert plain
    except SlugError:
        assert not plain


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "a-",
        "-a",
        "a--b",
        "A",
        "a b",
        "a_b",
        "a.b",
        "a/b",
        "..",
        "a\n",
        "\u0430bc",
        "\u00e9",
        "a" * 65,
        "\u0661",
    ],
)
def test_what_could_be_mistaken_for_a_path_an_option_or_another_name_is_refused(text: str) -> None:
    with pytest.raises(SlugError):
        slug(text)


def test_64_characters_are_the_most() -> None:
    assert slug("a" * 64) == "a" * 64
