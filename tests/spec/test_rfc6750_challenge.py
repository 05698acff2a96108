"""RFC 6750, 3: the characters and parameters of a challenge."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit_sdk import scopes
from accredit_sdk.challenge import Challenge
from tests.unit.sdk.forge import refused

METADATA = "https://ledger.example/.well-known/oauth-protected-resource/mcp"
WORD = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='"\\:'), min_size=1, max_size=9)
PLAIN = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters='"\\'), max_size=20)
CODES = st.sampled_from(["invalid_request", "invalid_token", "insufficient_scope"])
OUTSIDE = ['"', "\\", "\n", "\r", "\t", "\x00", "\x1f", "\x7f", "\x80", "é", "\u2028", "\U0001f600"]
PARAMETER = re.compile(r'([a-z_]+)="([^"]*)"')
CHALLENGES = st.builds(
    Challenge, st.just(METADATA), st.frozensets(WORD, max_size=5), st.none() | CODES, st.none() | PLAIN
)


@pytest.mark.requirement("RFC6750-3-parameters-once")
@given(CHALLENGES)
def test_no_parameter_of_a_challenge_appears_twice(challenge: Challenge) -> None:
    names = [name for name, _ in PARAMETER.findall(challenge.header())]
    assert len(names) == len(set(names)) == challenge.header().count('="')
    assert set(names) <= {"resource_metadata", "error", "error_description", "scope"}


@pytest.mark.requirement("RFC6750-3-parameters-once")
@pytest.mark.parametrize("text", ['x", error="invalid_token', 'x", scope="admin', 'x\\", scope=\\"admin'])
def test_header_injection_no_text_can_add_a_parameter(text: str) -> None:
    assert refused(Challenge(METADATA, frozenset(), "invalid_token", text).header)
    assert refused(Challenge(METADATA, frozenset(), text).header)
    assert refused(Challenge(METADATA, frozenset({text})).header)
    assert refused(Challenge(METADATA + text).header)


@pytest.mark.requirement("RFC6750-3-scope-characters")
@given(st.frozensets(WORD, min_size=1, max_size=6))
def test_scope_is_words_with_single_spaces_between_them(words: frozenset[str]) -> None:
    said = dict(PARAMETER.findall(Challenge(METADATA, words).header()))["scope"]
    assert re.fullmatch(r"[!#-\[\]-~]+(?: [!#-\[\]-~]+)*", said)
    assert scopes.parse(said) == words


@pytest.mark.requirement("RFC6750-3-scope-characters")
@pytest.mark.parametrize("character", [*OUTSIDE, " ", "  "])
@pytest.mark.parametrize("form", ["{}", "a{}", "{}a", "a{}b"])
def test_a_scope_with_any_other_character_is_in_no_challenge(character: str, form: str) -> None:
    assert refused(Challenge(METADATA, frozenset({"ok", form.format(character)})).header)


@pytest.mark.requirement("RFC6750-3-error-characters")
@given(CHALLENGES)
def test_error_and_description_are_printable_ascii_without_quote_and_backslash(challenge: Challenge) -> None:
    said = dict(PARAMETER.findall(challenge.header()))
    assert (said.get("error"), said.get("error_description")) == (challenge.error, challenge.error_description)
    assert re.fullmatch(r"[ !#-\[\]-~]*", said.get("error", "") + said.get("error_description", ""))


@pytest.mark.requirement("RFC6750-3-error-characters")
@pytest.mark.parametrize("character", OUTSIDE)
def test_an_error_or_description_with_any_other_character_is_in_no_challenge(character: str) -> None:
    assert refused(Challenge(METADATA, frozenset(), f"invalid{character}token").header)
    assert refused(Challenge(METADATA, frozenset(), "invalid_token", f"the {character} token").header)
