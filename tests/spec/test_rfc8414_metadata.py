"""RFC 8414: where the document is, and that each word of it is true."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit import config
from accredit.identity.principal import Principal
from accredit.oauth import metadata, token_request
from accredit.oauth.client_credentials import Issue
from accredit.oauth.metadata import Endpoints, document, paths
from accredit.oauth.token_request import TokenRequest
from accredit_sdk import keys
from accredit_sdk.jws import Algorithm
from tests.unit.oauth.world import (
    AGENT,
    ISSUER,
    SECRET,
    answer,
    assertion,
    basic,
    by_assertion,
    facts,
    form,
    key_of,
    secret_of,
)

ALL = Endpoints(token="/token", jwks="/jwks", revocation="/revoke", introspection="/introspect")
ISSUERS = st.sampled_from([ISSUER, ISSUER + "/one", ISSUER + "/one/two", "http://127.0.0.1:8700", "http://[::1]:8700"])


@pytest.mark.requirement("RFC8414-2-issuer")
@pytest.mark.parametrize(
    "issuer",
    [
        "http://id.example",
        "https://id.example?x=1",
        "https://id.example#x",
        "https://user@id.example",
        "https://id.example/",
        "id.example",
        "ftp://id.example",
        "https://",
        "https://ID.example",
        " https://id.example",
        "https://id.example:443",
        "https://id.example:99999",
        "https://id.example/a/../b",
        "https://id.example/a?",
        "https://id.example/a#",
        "https://id.example/a/",
        "https://id.example\\@evil.example",
        "https://id.ex\u00e4mple",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
    ],
)
def test_what_is_no_issuer_does_not_start(issuer: str) -> None:
    with pytest.raises(config.ConfigurationProblems) as refused:
        config.load(issuer=issuer)
    assert any("issuer" in problem for problem in refused.value.problems)


@pytest.mark.requirement("RFC8414-2-issuer")
def test_without_an_issuer_the_loopback_listener_is_one() -> None:
    assert config.load(port=8123).origin == "http://127.0.0.1:8123"
    assert config.load(issuer="http://id.example", danger_http=True).origin == "http://id.example"


@pytest.mark.requirement("RFC8414-2-issuer")
@given(ISSUERS)
def test_an_https_origin_with_a_path_or_a_loopback_origin_is_an_issuer(issuer: str) -> None:
    assert config.load(issuer=issuer).origin == issuer


@pytest.mark.requirement("RFC8414-2-required-members")
@given(ISSUERS)
def test_the_required_members_and_every_endpoint_that_exists_are_there(issuer: str) -> None:
    found = document(issuer, ALL)
    assert {"issuer", "response_types_supported", "token_endpoint", "jwks_uri"} <= found.keys()
    assert found["token_endpoint"].startswith(issuer + "/")
    assert found["jwks_uri"].startswith(issuer + "/")


@pytest.mark.requirement("RFC8414-3.3-issuer-identical")
@given(ISSUERS)
def test_the_issuer_is_byte_for_byte_the_one_that_was_configured(issuer: str) -> None:
    assert document(issuer, ALL)["issuer"] == issuer


@pytest.mark.requirement("RFC8414-3.1-path-insert")
@given(ISSUERS)
def test_the_well_known_part_goes_between_host_and_path(issuer: str) -> None:
    origin, _, path = issuer.partition("://")[2].partition("/")
    assert origin
    assert "/.well-known/oauth-authorization-server" + (f"/{path}" if path else "") in paths(issuer)


# ---------------------------------------------------------------- what is advertised works


def works(fields: dict[str, str | None], authorization: str | None, known: Any) -> bool:
    request = token_request.parse(form(**fields), authorization)
    return isinstance(request, TokenRequest) and isinstance(answer(request, known), Issue)


@pytest.mark.requirement("RFC8414-2-true")
def test_each_advertised_method_authenticates_and_nothing_else_is_advertised() -> None:
    keyed = facts(principal=Principal(AGENT, (key_of(AGENT), secret_of(AGENT)[0])))
    ways: dict[str, tuple[dict[str, str | None], str | None]] = {
        "client_secret_basic": ({}, basic(AGENT.client_id, SECRET)),
        "client_secret_post": ({"client_id": AGENT.client_id, "client_secret": SECRET}, None),
        "private_key_jwt": (by_assertion(assertion()), None),
    }
    assert set(document(ISSUER, ALL)["token_endpoint_auth_methods_supported"]) == ways.keys()
    assert all(works(fields, header, keyed) for fields, header in ways.values())


@pytest.mark.requirement("RFC8414-2-true")
def test_each_advertised_algorithm_signs_assertions_and_nothing_else_is_advertised() -> None:
    advertised = document(ISSUER, ALL)["token_endpoint_auth_signing_alg_values_supported"]
    assert set(advertised) == {algorithm.value for algorithm in Algorithm}
    for name in advertised:
        key = keys.generate(Algorithm(name))
        assert works(by_assertion(assertion(key=key)), None, facts(principal=Principal(AGENT, (key_of(AGENT, key),))))


@pytest.mark.requirement("RFC8414-2-true")
def test_the_advertised_grant_type_is_granted() -> None:
    assert document(ISSUER, ALL)["grant_types_supported"] == list(metadata.GRANT_TYPES) == ["client_credentials"]
    assert works({"grant_type": "client_credentials"}, basic(AGENT.client_id, SECRET), facts())


@pytest.mark.requirement("RFC8414-2-true")
def test_what_is_not_built_is_not_advertised() -> None:
    promises = {"authorization_endpoint", "registration_endpoint", "userinfo_endpoint"}
    assert not document(ISSUER, ALL).keys() & promises
    assert not document(ISSUER, Endpoints(token="/token")).keys() & {"revocation_endpoint", "introspection_endpoint"}
    assert document(ISSUER, ALL)["response_types_supported"] == []
