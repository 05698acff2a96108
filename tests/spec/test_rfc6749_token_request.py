"""RFC 6749, 3.2, 3.3, 4.4 and 5.2: the request of the client credentials grant and the errors it can meet."""

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.identity.server import Scope
from accredit.oauth import token_request
from accredit.oauth.errors import ErrorCode, Refusal
from accredit.oauth.token_request import TokenRequest
from tests.unit.oauth.world import (
    AGENT,
    RESOURCE,
    SECRET,
    SERVER,
    answer,
    basic,
    facts,
    form,
    held,
    issued,
    parsed,
    refusal,
)

AUTHORIZED = basic(AGENT.client_id, SECRET)
WRONG = basic(AGENT.client_id, "guess")


def read(*extra: tuple[str, str]) -> TokenRequest | Refusal:
    return token_request.parse([*form(), *extra], AUTHORIZED)


def code(found: object) -> ErrorCode | None:
    return found.code if isinstance(found, Refusal) else None


# ---------------------------------------------------------------- 3.2


@pytest.mark.requirement("RFC6749-3.2-empty-is-absent")
@given(st.lists(st.sampled_from(["scope", "resource", "client_id", "client_secret", "state", "x"]), max_size=6))
def test_parameters_without_a_value_change_nothing(names: list[str]) -> None:
    assert read(*((name, "") for name in names)) == read()


@pytest.mark.requirement("RFC6749-3.2-empty-is-absent")
def test_an_empty_required_parameter_is_a_missing_one() -> None:
    assert code(token_request.parse([("grant_type", "")], AUTHORIZED)) is ErrorCode.INVALID_REQUEST


@pytest.mark.requirement("RFC6749-3.2-unknown-ignored")
@given(st.dictionaries(st.text(min_size=1).filter(lambda n: n not in token_request._KNOWN), st.text(), max_size=5))
def test_unknown_parameters_change_nothing(unknown: dict[str, str]) -> None:
    assert read(*unknown.items()) == read()


@pytest.mark.requirement("RFC6749-3.2-no-repeats")
@given(st.sampled_from(sorted(token_request._KNOWN - {"resource"})) | st.text(min_size=1), st.text(min_size=1))
def test_any_parameter_but_resource_may_be_there_once(name: str, value: str) -> None:
    if name != "resource":
        assert code(read((name, value), (name, value))) is ErrorCode.INVALID_REQUEST


# ---------------------------------------------------------------- 3.3


@pytest.mark.requirement("RFC6749-3.3-syntax")
@given(st.text(max_size=12))
def test_a_scope_is_read_exactly_if_it_is_words_of_the_permitted_characters(scope: str) -> None:
    permitted = {chr(number) for number in (0x21, *range(0x23, 0x5C), *range(0x5D, 0x7F))}
    words = scope.split(" ")
    sound = all(word and set(word) <= permitted and "" not in word.split(":") for word in words)
    found = token_request.parse(form(scope=scope or None), AUTHORIZED)
    if not scope:
        assert isinstance(found, TokenRequest)
        assert found.scope is None
    elif sound:
        assert isinstance(found, TokenRequest)
        assert found.scope == set(words)
    else:
        assert code(found) in {ErrorCode.INVALID_SCOPE, ErrorCode.INVALID_REQUEST}


@pytest.mark.requirement("RFC6749-3.3-syntax")
def test_the_order_of_scopes_means_nothing_and_their_case_everything() -> None:
    orders = {" ".join(order) for order in permutations(["ledger:read", "report", "x"])}
    granted = {issued(parsed(scope=scope), facts()).claims.scope for scope in orders}
    assert granted == {"ledger:read"}
    assert refusal(parsed(scope="Ledger:Read"), facts()).code is ErrorCode.INVALID_SCOPE


@pytest.mark.requirement("RFC6749-3.3-default")
def test_without_scope_the_defaults_of_the_server_are_granted_or_the_request_fails() -> None:
    server = replace(SERVER, default_scopes=frozenset({"report"}))
    assert issued(parsed(), facts(server=server, roles=(held("report", "ledger"),))).claims.scope == "report"
    assert refusal(parsed(), facts(server=server, roles=(held("ledger"),))).code is ErrorCode.INVALID_SCOPE
    assert refusal(parsed(), facts(server=replace(server, default_scopes=frozenset()))).code is ErrorCode.INVALID_SCOPE


# ---------------------------------------------------------------- 4.4


@pytest.mark.requirement("RFC6749-4.4-confidential-only")
@pytest.mark.parametrize(
    "fields", [{}, {"client_id": AGENT.client_id}, {"client_id": AGENT.client_id, "client_secret": ""}]
)
def test_a_client_that_shows_only_its_name_gets_nothing(fields: dict[str, str]) -> None:
    assert code(token_request.parse(form(**fields), None)) is ErrorCode.INVALID_CLIENT


@pytest.mark.requirement("RFC6749-4.4.2-authenticate")
@pytest.mark.parametrize("resource", [RESOURCE, "https://unknown.example", "nonsense", None])
@pytest.mark.parametrize("scope", ["ledger:read", "unknown", None])
def test_who_did_not_authenticate_learns_nothing_about_the_grant(resource: str | None, scope: str | None) -> None:
    server = SERVER if resource == RESOURCE else None
    found = refusal(parsed(WRONG, resource=resource, scope=scope), facts(server=server))
    assert (found.code, found.description) == (ErrorCode.INVALID_CLIENT, "client authentication failed")


# ---------------------------------------------------------------- 5.2


@pytest.mark.requirement("RFC6749-5.2-invalid-request")
@pytest.mark.parametrize(
    "found",
    [
        token_request.parse([("resource", RESOURCE)], AUTHORIZED),
        read(("grant_type", "client_credentials")),
        read(("scope", "a\nb")),
        read(("client_secret", SECRET)),
        read(("client_id", "somebody-else")),
    ],
    ids=["lacks grant_type", "repeats", "line break", "two ways", "contradicts itself"],
)
def test_what_lacks_repeats_or_contradicts_is_invalid_request(found: TokenRequest | Refusal) -> None:
    assert code(found) is ErrorCode.INVALID_REQUEST


@pytest.mark.requirement("RFC6749-5.2-invalid-scope")
@pytest.mark.parametrize("scope", ["unknown", "ledger:write", "openid", "ledger", "ledger:readx"])
def test_a_scope_that_is_unknown_or_beyond_is_invalid_scope(scope: str) -> None:
    narrow = replace(SERVER, scopes=(Scope("ledger:write"), Scope("ledger:read:own")))
    known = facts(server=narrow, roles=(held("ledger:read"),))
    assert code(answer(parsed(scope=scope), known)) is (None if scope == "ledger" else ErrorCode.INVALID_SCOPE)


@pytest.mark.requirement("RFC6749-5.2-invalid-scope")
def test_a_malformed_scope_is_invalid_scope() -> None:
    for scope in ("a  b", 'a"', "a\\", "a::b", "\u00e9", " "):
        assert code(read(("scope", scope))) is ErrorCode.INVALID_SCOPE
