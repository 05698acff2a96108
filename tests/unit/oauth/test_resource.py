"""Which server a token is for: exactly one, in its one form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.oauth.errors import ErrorCode, Refusal
from accredit.oauth.resource import target
from tests.unit.oauth.world import RESOURCE


def test_one_resource_is_returned_in_its_canonical_form() -> None:
    assert target((RESOURCE,)) == RESOURCE
    assert target(("HTTPS://Ledger.Example:443/mcp",)) == RESOURCE


@pytest.mark.parametrize("resources", [(), (RESOURCE, RESOURCE), (RESOURCE, "https://evil.example")])
def test_none_or_several_are_invalid_target_also_the_same_twice(resources: tuple[str, ...]) -> None:
    found = target(resources)
    assert isinstance(found, Refusal)
    assert found.code is ErrorCode.INVALID_TARGET


@pytest.mark.parametrize(
    "uri",
    [
        "mcp",
        "//ledger.example/mcp",
        "http://ledger.example/mcp",
        RESOURCE + "#x",
        RESOURCE + "?x=1",
        "https://user@ledger.example/mcp",
        "https://ledger.example/a/../mcp",
        "https://ledger.example/%2e%2e/mcp",
        "https://ledger.example\\@evil.example/mcp",
        "javascript:alert(1)",
        "https://l\u0435dger.example/mcp",
        "https://",
    ],
)
def test_what_two_readers_could_read_differently_names_no_server(uri: str) -> None:
    found = target((uri,))
    assert isinstance(found, Refusal)
    assert found.code is ErrorCode.INVALID_TARGET


@given(st.text(max_size=40) | st.text(max_size=20).map("https://".__add__))
def test_any_text_names_a_server_or_is_refused_without_being_quoted(uri: str) -> None:
    found = target((uri,))
    if isinstance(found, Refusal):
        assert found.code is ErrorCode.INVALID_TARGET
        assert found.description.isascii()
        assert len(found.description) + len(found.reason) < 400
    else:
        assert target((found,)) == found
