"""What makes the guard read a message of the server as a whole: never missed, wherever it stands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit_sdk.guard import outgoing

WORDS = ["tools", "resourceTemplates", "method", "requestState", "taskId", "elicitations", "cacheScope", "TOOLS"]


@given(st.binary(max_size=40), st.sampled_from(WORDS), st.binary(max_size=40))
def test_a_word_between_quotes_is_seen_wherever_it_stands(before: bytes, word: str, after: bytes) -> None:
    document = before + b'"' + word.encode() + b'"' + after
    assert outgoing._telling(document.lower())


@pytest.mark.parametrize("sign", [b"\\u", b"\0", "\u017f".encode(), "\u212a".encode()])
@given(before=st.binary(max_size=20), after=st.binary(max_size=20))
def test_what_could_hide_a_word_is_seen_too(sign: bytes, before: bytes, after: bytes) -> None:
    assert outgoing._telling((before + sign + after).lower())


@pytest.mark.parametrize("document", [b"", b"Not found", b'{"result":{"content":[{"text":"tools, method"}]}}'])
def test_what_holds_none_of_them_goes_on_as_it_is(document: bytes) -> None:
    assert not outgoing._telling(document)
