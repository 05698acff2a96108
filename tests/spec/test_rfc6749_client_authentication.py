"""RFC 6749, 2.3 and 10.10: a client shows who it is, in one way, with something that cannot be guessed."""

import base64
from collections.abc import Mapping
from itertools import combinations
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.identity import credential as credentials
from accredit.oauth import token_request
from accredit.oauth.client_credentials import Issue
from accredit.oauth.errors import ErrorCode, Refusal
from accredit.oauth.token_request import TokenRequest
from tests.unit.oauth.world import AGENT, SECRET, answer, assertion, basic, by_assertion, facts, form, new

IN_HEADER: Mapping[str, str] = {"authorization": basic(AGENT.client_id, SECRET)}
IN_BODY: Mapping[str, str] = {"client_id": AGENT.client_id, "client_secret": SECRET}
BY_KEY: Mapping[str, str | None] = by_assertion(assertion())


def sent(ways: Mapping[str, str | None]) -> TokenRequest | Refusal:
    fields = {name: value for name, value in ways.items() if name != "authorization"}
    return token_request.parse(form(**fields), ways.get("authorization"))


@pytest.mark.requirement("RFC6749-2.3-one-method")
@pytest.mark.parametrize("pair", list(combinations([IN_HEADER, IN_BODY, BY_KEY], 2)))
def test_two_ways_at_once_are_refused_although_each_alone_is_read(pair: tuple[Mapping[str, str], ...]) -> None:
    assert all(isinstance(sent(way), TokenRequest) for way in pair)
    found = sent({**pair[0], **pair[1]})
    assert isinstance(found, Refusal)
    assert found.code is ErrorCode.INVALID_REQUEST


@pytest.mark.requirement("RFC6749-2.3.1-basic")
def test_a_client_authenticates_with_basic() -> None:
    request = sent(IN_HEADER)
    assert isinstance(request, TokenRequest)
    assert isinstance(answer(request, facts()), Issue)


@pytest.mark.requirement("RFC6749-2.3.1-basic")
@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1), st.text())
def test_identifier_and_secret_are_form_urlencoded_before_they_are_joined(client_id: str, secret: str) -> None:
    joined = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    request = sent({"authorization": "Basic " + base64.b64encode(joined.encode()).decode()})
    assert isinstance(request, TokenRequest)
    assert (request.client.client_id, request.client.proof) == (client_id, secret)


@pytest.mark.requirement("RFC6749-2.3.1-post")
def test_a_client_authenticates_with_its_secret_in_the_body() -> None:
    request = sent(IN_BODY)
    assert isinstance(request, TokenRequest)
    assert isinstance(answer(request, facts()), Issue)


@pytest.mark.requirement("RFC6749-10.10-unguessable")
@given(st.binary(min_size=32, max_size=32), st.integers(0, 255))
def test_every_bit_of_256_random_ones_makes_another_secret(random: bytes, bit: int) -> None:
    other = (int.from_bytes(random, "big") ^ 1 << bit).to_bytes(32, "big")
    assert credentials.secret(new("credential"), random) != credentials.secret(new("credential"), other)


@pytest.mark.requirement("RFC6749-10.10-unguessable")
@pytest.mark.parametrize("length", range(32))
def test_a_secret_of_less_than_256_bits_cannot_be_made(length: int) -> None:
    with pytest.raises(ValueError, match="32"):
        credentials.secret(new("credential"), bytes(length))
