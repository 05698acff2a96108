"""The form of a token request: repeated, blank, unknown and endless parameters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.oauth import client_assertion, token_request
from accredit.oauth.client_auth import Method
from accredit.oauth.errors import ErrorCode, Refusal
from accredit.oauth.parameters import MAX_VALUE
from accredit.oauth.token_request import TokenRequest, parse
from accredit_sdk import scopes as words
from tests.unit.oauth.world import AGENT, RESOURCE, SECRET, assertion, basic, form

AUTHORIZED = basic(AGENT.client_id, SECRET)


def code(found: TokenRequest | Refusal) -> ErrorCode | None:
    return found.code if isinstance(found, Refusal) else None


def test_a_sound_request_is_read() -> None:
    found = parse(form(scope="b a a:b", resource=RESOURCE), AUTHORIZED)
    assert isinstance(found, TokenRequest)
    assert found.grant_type == "client_credentials"
    assert found.resources == (RESOURCE,)
    assert found.scope == {"a", "b", "a:b"}
    assert found.client.method is Method.BASIC


@pytest.mark.parametrize(
    "name", ["grant_type", "scope", "client_id", "client_secret", "client_assertion", "client_assertion_type"]
)
def test_parser_strictness_a_repeated_parameter_is_refused_even_with_the_same_value(name: str) -> None:
    fields = [*form(), (name, "same"), (name, "same")]
    assert code(parse(fields, None)) is ErrorCode.INVALID_REQUEST


@pytest.mark.parametrize("name", ["audience", "x", "Grant_Type", "\u00e9", "", "__class__"])
def test_a_repeated_unknown_parameter_is_refused_and_not_quoted(name: str) -> None:
    found = parse([*form(), (name, "1"), (name, "2")], AUTHORIZED)
    assert isinstance(found, Refusal)
    assert found.code is ErrorCode.INVALID_REQUEST
    assert found.description == "a parameter appears more than once"


def test_resource_alone_may_repeat_and_keeps_its_order() -> None:
    found = parse([*form(), ("resource", "https://b.example"), ("resource", "")], AUTHORIZED)
    assert isinstance(found, TokenRequest)
    assert found.resources == (RESOURCE, "https://b.example")


@pytest.mark.parametrize("name", sorted(token_request._KNOWN))
@pytest.mark.parametrize("value", ["a\0b", "a\nb", "a\u2028b", "a\u202eb", "a\ud800b", "\u200b", "x" * (MAX_VALUE + 1)])
def test_a_value_that_is_not_printable_or_endless_is_refused(name: str, value: str) -> None:
    fields = [(n, v) for n, v in form() if n != name]
    assert code(parse([*fields, (name, value)], AUTHORIZED)) is ErrorCode.INVALID_REQUEST


@pytest.mark.parametrize("value", ["a\0b", "x" * (MAX_VALUE + 1), "\ud800"])
def test_an_unknown_parameter_is_ignored_whatever_it_holds(value: str) -> None:
    assert parse([*form(), ("x", value)], AUTHORIZED) == parse(form(), AUTHORIZED)


@pytest.mark.parametrize("name", ["Grant_Type", "grant_type ", "GRANT_TYPE", "grant\u200b_type"])
def test_names_are_exact(name: str) -> None:
    assert code(parse([(name, "client_credentials")], AUTHORIZED)) is ErrorCode.INVALID_REQUEST


@pytest.mark.parametrize("blank", ["scope", "client_id", "client_secret", "client_assertion", "client_assertion_type"])
def test_a_parameter_without_value_counts_as_absent(blank: str) -> None:
    assert parse([*form(), (blank, ""), (blank, "")], AUTHORIZED) == parse(form(), AUTHORIZED)


def test_no_scope_and_an_empty_scope_are_both_none() -> None:
    for fields in (form(), form(scope="")):
        found = parse(fields, AUTHORIZED)
        assert isinstance(found, TokenRequest)
        assert found.scope is None


@pytest.mark.parametrize("fields", [[], [("grant_type", "")], [("scope", "a")]])
def test_a_request_without_grant_type_is_invalid(fields: list[tuple[str, str]]) -> None:
    assert code(parse(fields, AUTHORIZED)) is ErrorCode.INVALID_REQUEST


@pytest.mark.parametrize(
    "scope",
    [
        " ",
        "a  b",
        " a",
        "a ",
        'a"b',
        "a\\b",
        "a::b",
        ":a",
        "a:",
        "\u00e9",
        "a" * 129,
        " ".join(["a"] * (words.MOST + 1)),
    ],
)
def test_a_malformed_scope_is_invalid_scope(scope: str) -> None:
    assert code(parse(form(scope=scope), AUTHORIZED)) is ErrorCode.INVALID_SCOPE


def test_a_refusal_of_the_client_is_passed_on() -> None:
    assert code(parse(form(), None)) is ErrorCode.INVALID_CLIENT


NAMES = st.sampled_from([*sorted(token_request._KNOWN), "audience", "x", ""]) | st.text(max_size=4)
VALUES = (
    st.sampled_from(
        ["", "client_credentials", "a", "a b:c", " ", AGENT.client_id, SECRET, RESOURCE, client_assertion.TYPE]
    )
    | st.just(assertion())
    | st.text(max_size=8)
)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=9), st.none() | st.just(AUTHORIZED) | st.text(max_size=20))
def test_any_form_is_refused_or_read_in_its_only_meaning(fields: list[tuple[str, str]], header: str | None) -> None:
    found = parse(fields, header)
    if isinstance(found, Refusal):
        assert found.code in {ErrorCode.INVALID_REQUEST, ErrorCode.INVALID_SCOPE, ErrorCode.INVALID_CLIENT}
        assert found.description.isascii()
        assert not set('"\\') & set(found.description)
        return
    sent = [(name, value) for name, value in fields if value]
    once = {name: value for name, value in sent if name != "resource"}
    assert len(once) == len([name for name, _ in sent if name != "resource"])
    assert found.grant_type == once["grant_type"]
    assert found.resources == tuple(value for name, value in sent if name == "resource")
    assert (found.scope is None) == ("scope" not in once)
    assert found.scope is None or words.render(found.scope) == " ".join(sorted(set(once["scope"].split(" "))))
    assert once.get("client_id", found.client.client_id) == found.client.client_id
    ways = {Method.BASIC: header is not None, Method.POST: "client_secret" in once}
    ways[Method.PRIVATE_KEY_JWT] = "client_assertion" in once
    assert [method for method, used in ways.items() if used] == [found.client.method]


@pytest.mark.parametrize("leaked", [SECRET, f"ledger:read {SECRET}", "eyJhbGciOiJFUzI1NiJ9.e30.AA"])
def test_secret_in_log_a_secret_as_scope_or_as_client_id_is_refused_before_anything_is_recorded(leaked: str) -> None:
    assert code(parse(form(scope=leaked), AUTHORIZED)) is ErrorCode.INVALID_SCOPE
    assert code(parse(form(), basic(leaked, AGENT.client_id))) is ErrorCode.INVALID_CLIENT
    assert code(parse(form(client_id=leaked, client_secret=AGENT.client_id), None)) is ErrorCode.INVALID_CLIENT
