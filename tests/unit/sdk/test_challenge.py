"""The challenge: one scheme, each parameter once and quoted, and no text that could end its quotes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit_sdk.challenge import Challenge, parse
from tests.unit.sdk.forge import refused

METADATA = "https://ledger.example/.well-known/oauth-protected-resource/mcp"
PARAMETER = re.compile(r'([a-z_]+)="([ !#-\[\]-~]*)"')
WORD = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='"\\:'), min_size=1, max_size=9)
PLAIN = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters='"\\'), max_size=30)
HOSTILE = ['"', "\\", "\r\nSet-Cookie: a=b", "\n", "\t", "\x00", "\x7f", "é", "\u2028", 'x", realm="y']


def read(header: str) -> list[tuple[str, str]]:
    """A reader that knows quoted strings without escapes and nothing else."""
    scheme, _, rest = header.partition(" ")
    assert scheme == "Bearer"
    found = PARAMETER.findall(rest)
    assert ", ".join(f'{name}="{value}"' for name, value in found) == rest
    return found


def test_without_a_token_there_is_the_metadata_and_no_error() -> None:
    assert Challenge(METADATA).header() == f'Bearer resource_metadata="{METADATA}"'


def test_a_full_challenge_is_written_in_one_order() -> None:
    challenge = Challenge(METADATA, {"b", "a:b"}, "insufficient_scope", "more is needed")
    assert challenge.header() == (
        f'Bearer resource_metadata="{METADATA}", error="insufficient_scope", '
        'error_description="more is needed", scope="a:b b"'
    )


@given(st.frozensets(WORD, max_size=5), st.none() | PLAIN, st.none() | PLAIN)
def test_every_challenge_says_what_it_was_told(
    scope: frozenset[str], error: str | None, description: str | None
) -> None:
    expected = {"resource_metadata": METADATA, "error": error, "error_description": description}
    found = read(Challenge(METADATA, scope, error, description).header())
    said = {name: value for name, value in expected.items() if value is not None}
    assert dict(found) == (said | {"scope": " ".join(sorted(scope))} if scope else said)
    assert len(dict(found)) == len(found)


@pytest.mark.parametrize("text", HOSTILE)
def test_header_injection_a_text_that_could_end_its_quotes_or_its_line_is_refused(text: str) -> None:
    assert refused(Challenge(METADATA + text).header)
    assert refused(Challenge(METADATA, error=text).header)
    assert refused(Challenge(METADATA, error="invalid_token", error_description=text).header)
    assert refused(Challenge(METADATA, frozenset({"a", f"b{text}"})).header)


@pytest.mark.parametrize("word", ["", " ", "a b", "a ", ":", "a::b"])
def test_a_scope_of_the_challenge_is_one_word(word: str) -> None:
    assert refused(Challenge(METADATA, {word}).header)


# ---------------------------------------------------------------- read


@given(st.frozensets(WORD, max_size=5), st.none() | PLAIN, st.none() | PLAIN)
def test_what_is_written_is_read_again(scope: frozenset[str], error: str | None, description: str | None) -> None:
    header = Challenge(METADATA, scope, error, description).header()
    assert parse(header) == dict(read(header))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", {}), ("Bearer", {}), ("Basic realm=x", {}), ("bearer a=b", {"a": "b"}), ("BEARER A=b", {"a": "b"}),
        ('Bearer a="b, c", d=e', {"a": "b, c", "d": "e"}), (r'Bearer a="b\"c\\d"', {"a": r'b"c\d'}),
        ('Basic realm="x", Bearer a=b', {"a": "b"}), ("Bearer a=b, Basic realm=x", {"a": "b"}),
        ("Bearer a=1, a=2, A=3", {"a": "1"}), ("Bearer a = b ,  c = d", {"a": "b", "c": "d"}),
        ('Bearer a="b', {}), ("Bearer a", {}), ("Bearer token68==", {}), ("NotBearer a=b", {}), ("Bearer a=b;c=d", {}),
        ('Bearer a=""', {"a": ""}),
    ],
)  # fmt: skip
def test_the_parameters_of_the_bearer_challenge_are_found(header: str, expected: dict[str, str]) -> None:
    assert parse(header) == expected


def test_a_header_that_is_too_long_says_nothing() -> None:
    assert parse("Bearer a=" + "b" * 8183) == {"a": "b" * 8183}
    assert parse("Bearer a=" + "b" * 8184) == {}


@given(st.text(max_size=40) | st.text('Bearer ,="\\a', max_size=40).map("Bearer {}".format))
def test_no_header_makes_reading_crash(header: str) -> None:
    assert all(name == name.lower() for name in parse(header))
