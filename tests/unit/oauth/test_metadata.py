"""The metadata document: only what is there, at every place where clients look."""

import pytest

from accredit.oauth import metadata
from accredit.oauth.client_auth import Method
from accredit.oauth.client_credentials import GRANT_TYPE
from accredit.oauth.metadata import Endpoints, document, paths
from accredit_sdk.jws import Algorithm
from tests.unit.oauth.world import ISSUER

ALL = Endpoints(token="/token", jwks="/jwks", revocation="/revoke", introspection="/introspect")


def test_a_server_without_endpoints_names_none() -> None:
    assert document(ISSUER, Endpoints()) == {"issuer": ISSUER, "response_types_supported": []}


def test_each_endpoint_is_named_only_when_it_is_there() -> None:
    assert document(ISSUER, Endpoints(jwks="/jwks")).keys() == {"issuer", "response_types_supported", "jwks_uri"}
    assert "jwks_uri" not in document(ISSUER, Endpoints(token="/token"))
    assert document(ISSUER, ALL)["token_endpoint"] == ISSUER + "/token"
    assert document(ISSUER, ALL)["jwks_uri"] == ISSUER + "/jwks"


def test_methods_algorithms_and_grants_are_those_of_the_code() -> None:
    found = document(ISSUER, ALL)
    assert set(found["token_endpoint_auth_methods_supported"]) == {method.value for method in Method}
    assert set(found["token_endpoint_auth_signing_alg_values_supported"]) == {alg.value for alg in Algorithm}
    assert found["grant_types_supported"] == [GRANT_TYPE]
    assert "none" not in found["token_endpoint_auth_methods_supported"]


def test_no_member_is_empty_but_the_required_one() -> None:
    assert [name for name, value in document(ISSUER, ALL).items() if not value] == ["response_types_supported"]


@pytest.mark.parametrize(
    ("issuer", "expected"),
    [
        (ISSUER, ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"]),
        (
            ISSUER + "/tenants/one",
            [
                "/.well-known/oauth-authorization-server/tenants/one",
                "/.well-known/openid-configuration/tenants/one",
                "/tenants/one/.well-known/oauth-authorization-server",
                "/tenants/one/.well-known/openid-configuration",
            ],
        ),
    ],
)
def test_the_document_is_where_clients_look(issuer: str, expected: list[str]) -> None:
    assert paths(issuer) == expected


def test_a_final_slash_is_not_doubled_in_a_path() -> None:
    assert paths(ISSUER + "/") == paths(ISSUER)
    assert paths(ISSUER + "/a/") == paths(ISSUER + "/a")
    assert all("//" not in path for path in paths(ISSUER + "/a/"))


def test_every_grant_type_that_is_known_is_advertised() -> None:
    assert metadata.GRANT_TYPES == (GRANT_TYPE,)
