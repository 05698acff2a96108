"""Claims: what an access token says comes out as it went in, and is read in one way only."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit_sdk import claims
from accredit_sdk.claims import AccessClaims, Actor
from accredit_sdk.errors import InvalidToken, Problem, ScopeError

LEAST: dict[str, Any] = {
    "iss": "https://id.example", "sub": "usr_1", "aud": "https://ledger.example/mcp", "client_id": "app_1",
    "scope": "ledger:read report", "iat": 1_900_000_000, "exp": 1_900_000_300, "jti": "tok_1",
}  # fmt: skip
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
ACTORS = st.recursive(st.none(), lambda inner: st.builds(Actor, TEXT, TEXT, st.none() | TEXT, inner), max_leaves=4)
CLAIMS = st.builds(
    AccessClaims,
    **dict.fromkeys(("iss", "sub", "aud", "client_id", "scope", "jti"), TEXT),
    **{name: st.integers(-(2**62), 2**62) for name in ("iat", "exp", "ver")},
    **{name: st.none() | TEXT for name in ("grant_id", "sub_profile", "client_profile", "acr")},
    **{name: st.none() | st.integers(0, 2**40) for name in ("auth_time", "nbf")},
    rev=st.lists(TEXT, max_size=3).map(tuple),
    act=ACTORS,
    amr=st.none() | st.lists(TEXT, max_size=3).map(tuple),
    cnf=st.none() | st.dictionaries(TEXT, TEXT, max_size=2),
)


def said(**changes: object) -> bytes:
    return msgspec.json.encode(LEAST | changes)


def problem(payload: bytes) -> Problem | None:
    try:
        claims.decode(payload)
    except InvalidToken as refused:
        return refused.problem
    return None


@given(CLAIMS)
def test_claims_come_out_as_they_went_in(said: AccessClaims) -> None:
    assert claims.decode(claims.encode(said)) == said


@given(CLAIMS)
def test_a_claim_without_a_value_is_not_written(said: AccessClaims) -> None:
    written = msgspec.json.decode(claims.encode(said))
    assert None not in written.values()
    assert LEAST.keys() <= written.keys()


def test_the_least_that_a_token_says_is_enough_and_means_no_more() -> None:
    found = claims.decode(said())
    assert (found.ver, found.rev, found.act, found.grant_id, found.cnf, found.nbf) == (0, (), None, None, None, None)


@pytest.mark.parametrize("name", LEAST)
def test_a_token_without_one_of_the_required_claims_misses_it(name: str) -> None:
    payload = msgspec.json.encode({one: value for one, value in LEAST.items() if one != name})
    assert problem(payload) is Problem.MISSING_CLAIM


@pytest.mark.parametrize("name", LEAST)
@pytest.mark.parametrize("value", [None, True, [], {}, 1.5, ["https://ledger.example/mcp"]])
def test_a_required_claim_of_another_type_is_malformed(name: str, value: object) -> None:
    assert problem(said(**{name: value})) is Problem.MALFORMED


@pytest.mark.parametrize(
    ("name", "value"),
    [("iat", "1"), ("exp", "1"), ("sub", 1), ("ver", "1"), ("rev", "x"), ("rev", [1]), ("act", "x"), ("act", {}),
     ("act", {"iss": "x"}), ("cnf", "x"), ("cnf", {"jkt": 1}), ("nbf", "x"), ("amr", "pwd"), ("grant_id", 1)],
)  # fmt: skip
def test_any_claim_that_we_read_has_its_type(name: str, value: object) -> None:
    assert problem(said(**{name: value})) in (Problem.MALFORMED, Problem.MISSING_CLAIM)


@given(st.dictionaries(TEXT.map("x-{}".format), st.none() | st.integers() | TEXT, max_size=3))
def test_claims_of_others_are_ignored(extra: dict[str, Any]) -> None:
    assert claims.decode(said(**extra)) == claims.decode(said())


@pytest.mark.parametrize("name", LEAST)
@pytest.mark.parametrize("place", ["first", "last"])
def test_a_repeated_claim_is_refused_wherever_it_stands(name: str, place: str) -> None:
    again = msgspec.json.encode({name: LEAST[name]})[1:-1]
    whole = said()
    payload = b"{" + again + b"," + whole[1:] if place == "first" else whole[:-1] + b"," + again + b"}"
    assert problem(payload) is Problem.MALFORMED


@pytest.mark.parametrize("text", [b'"x":1,"x":1', b'"x":{"y":1,"y":2}', b'"act":{"iss":"a","sub":"b","sub":"c"}'])
def test_a_repeated_name_inside_of_a_claim_or_in_one_that_we_ignore_is_refused_too(text: bytes) -> None:
    assert problem(said()[:-1] + b"," + text + b"}") is Problem.MALFORMED


@pytest.mark.parametrize("payload", [b"", b"null", b"[]", b'"x"', b"1", b"{", b"noise", b"\xff", b"[" * 100_000])
def test_claims_are_a_json_object(payload: bytes) -> None:
    assert problem(payload) is Problem.MALFORMED


@pytest.mark.parametrize("text", [b'"x":"\xff"', b'"\xff":1', b'"x":' + b"[" * 100_000 + b"]" * 100_000, b'"x":NaN'])
def test_what_is_no_json_is_found_also_in_claims_that_we_ignore(text: bytes) -> None:
    assert problem(said()[:-1] + b"," + text + b"}") is Problem.MALFORMED


@pytest.mark.parametrize("indent", [1, 4])
def test_white_space_and_another_order_change_nothing(indent: int) -> None:
    turned = msgspec.json.encode(dict(reversed(LEAST.items())))
    assert claims.decode(msgspec.json.format(turned, indent=indent)) == claims.decode(said())


def test_scopes_are_the_words_of_the_scope_claim() -> None:
    assert claims.decode(said()).scopes() == {"ledger:read", "report"}
    assert claims.decode(said(scope="")).scopes() == frozenset()
    with pytest.raises(ScopeError):
        claims.decode(said(scope="a  b")).scopes()


def test_the_chain_is_the_client_itself_unless_somebody_acts() -> None:
    assert claims.decode(said()).chain() == ("app_1",)


def test_the_chain_of_actors_is_newest_first() -> None:
    act = {"iss": "i", "sub": "newest", "act": {"iss": "i", "sub": "middle", "act": {"iss": "i", "sub": "oldest"}}}
    assert claims.decode(said(act=act)).chain() == ("newest", "middle", "oldest")
