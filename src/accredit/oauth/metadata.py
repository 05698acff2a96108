"""RFC 8414: authorization server metadata, computed from the handlers that are really there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from accredit.oauth.client_auth import Method
from accredit.oauth.client_credentials import GRANT_TYPE
from accredit_sdk.jws import Algorithm

WELL_KNOWN: Final = ("oauth-authorization-server", "openid-configuration")
"""The documents under `/.well-known/` (RFC 8414, 3; OpenID Connect Discovery 1.0, 4)."""

GRANT_TYPES: Final = (GRANT_TYPE,)
"""Every grant type that the token endpoint knows."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Paths of the registered handlers, relative to the issuer; None when there is no such handler."""

    token: str | None = None
    jwks: str | None = None
    revocation: str | None = None
    introspection: str | None = None


def document(issuer: str, endpoints: Endpoints) -> Mapping[str, Any]:
    """Return the metadata document (RFC 8414, 2) of `issuer`.

    What is not built is not named. `response_types_supported` is required by the RFC and empty while there is no
    authorization endpoint.
    """
    found: dict[str, Any] = {"issuer": issuer, "response_types_supported": []}
    if endpoints.token is not None:
        found["token_endpoint"] = issuer + endpoints.token
        found |= _authentication("token_endpoint")
        found["grant_types_supported"] = list(GRANT_TYPES)
    if endpoints.revocation is not None:
        found["revocation_endpoint"] = issuer + endpoints.revocation
        found |= _authentication("revocation_endpoint")
    if endpoints.introspection is not None:
        found["introspection_endpoint"] = issuer + endpoints.introspection
        found["introspection_endpoint_auth_methods_supported"] = ["Bearer"]
    if endpoints.jwks is not None:
        found["jwks_uri"] = issuer + endpoints.jwks
    return found


def _authentication(endpoint: str) -> Mapping[str, Any]:
    """Return how clients may authenticate at an endpoint."""
    return {
        f"{endpoint}_auth_methods_supported": sorted(method.value for method in Method),
        f"{endpoint}_auth_signing_alg_values_supported": sorted(algorithm.value for algorithm in Algorithm),
    }


def paths(issuer: str) -> Sequence[str]:
    """Return every path under which clients look for the document (RFC 8414, 3.1; OpenID Connect Discovery 1.0, 4.1).

    For an issuer with a path: the well-known part inserted before it, and appended to it, as OpenID Connect has it and
    some clients do for both documents.
    """
    path = urlsplit(issuer).path.rstrip("/")
    found = {f"/.well-known/{name}{path}" for name in WELL_KNOWN}
    if path:
        found |= {f"{path}/.well-known/{name}" for name in WELL_KNOWN}
    return sorted(found)
