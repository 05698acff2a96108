"""RFC 8707, 2: a token request names the one server that the token is for, and the token is good there alone."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.identity.server import Server
from accredit.oauth import token_request
from accredit.oauth.client_credentials import Facts
from accredit.oauth.errors import ErrorCode
from accredit.oauth.resource import target
from accredit.oauth.token_request import TokenRequest
from accredit_sdk import claims, jws
from accredit_sdk.errors import InvalidToken, Problem
from accredit_sdk.verify import Verifier
from tests.unit.oauth.world import (
    AGENT,
    GUARD_API,
    ISSUER,
    KEY,
    NOW,
    RESOURCE,
    SECRET,
    SERVER,
    basic,
    facts,
    form,
    held,
    issued,
    new,
    parsed,
    refusal,
)

OTHER = replace(SERVER, id=new("server", 8), slug="archive", resource="https://archive.example/mcp")
REGISTERED = {server.resource: server for server in (SERVER, OTHER, GUARD_API)}


def looked_up(*resources: str) -> Facts:
    """Facts as the service finds them: the server whose resource was named."""
    found = target(resources)
    server = REGISTERED.get(found) if isinstance(found, str) else None
    return facts(server=server, roles=(held("ledger"), held("ledger", server=OTHER)))


def asking(*resources: str) -> TokenRequest:
    fields = [*form(resource=None), *(("resource", one) for one in resources)]
    found = token_request.parse(fields, basic(AGENT.client_id, SECRET))
    assert isinstance(found, TokenRequest)
    return found


def code(*resources: str) -> ErrorCode:
    return refusal(asking(*resources), looked_up(*resources)).code


@pytest.mark.requirement("RFC8707-2-absolute")
@pytest.mark.parametrize(
    "resource",
    ["/mcp", "mcp", "//ledger.example/mcp", "ledger.example/mcp", "https:", "https:ledger.example", "?a", "."],
)
def test_a_resource_that_is_no_absolute_uri_is_invalid_target(resource: str) -> None:
    assert code(resource) is ErrorCode.INVALID_TARGET


@pytest.mark.requirement("RFC8707-2-no-fragment")
@pytest.mark.parametrize("fragment", ["#", "#tools", "#/../other"])
def test_a_resource_with_a_fragment_is_invalid_target(fragment: str) -> None:
    assert code(RESOURCE + fragment) is ErrorCode.INVALID_TARGET


@pytest.mark.requirement("RFC8707-2-unknown")
@pytest.mark.parametrize(
    "resource",
    [
        "https://unknown.example/mcp",
        GUARD_API.resource,
        RESOURCE + "/",
        RESOURCE + "/deeper",
        RESOURCE[:-1],
        RESOURCE.replace("/mcp", "/MCP"),
        RESOURCE.replace("https://", "https://www."),
        RESOURCE.replace("https", "http"),
        RESOURCE.replace(".example", ".example:8443"),
    ],
)
def test_audience_confusion_what_only_resembles_a_resource_is_invalid_target(resource: str) -> None:
    assert code(resource) is ErrorCode.INVALID_TARGET


@pytest.mark.requirement("RFC8707-2-unknown")
def test_resource_choice_no_resource_is_invalid_target_and_no_scope_chooses_one() -> None:
    assert refusal(parsed(resource=None, scope="ledger:read"), looked_up()).code is ErrorCode.INVALID_TARGET


@pytest.mark.requirement("RFC8707-2-audience")
@pytest.mark.parametrize("spelt", [RESOURCE, "HTTPS://LEDGER.example/mcp", "https://ledger.example:443/mcp"])
def test_the_audience_is_the_resource_in_its_canonical_form(spelt: str) -> None:
    assert issued(asking(spelt), looked_up(spelt)).claims.aud == RESOURCE


@pytest.mark.requirement("RFC8707-2-audience")
@given(st.sampled_from([SERVER, OTHER]), st.sampled_from([SERVER, OTHER, GUARD_API]))
def test_a_token_is_accepted_by_the_server_that_was_named_and_by_no_other(named: Server, other: Server) -> None:
    granted = issued(asking(named.resource), looked_up(named.resource)).claims
    token = jws.sign(KEY, claims.ACCESS_TOKEN_TYPE, claims.encode(granted))
    verifier = Verifier(ISSUER, other.resource)
    if named is other:
        assert verifier.verify(token, {KEY.kid: KEY.verifying()}, NOW) == granted
    else:
        with pytest.raises(InvalidToken) as refused:
            verifier.verify(token, {KEY.kid: KEY.verifying()}, NOW)
        assert refused.value.problem is Problem.AUDIENCE


@pytest.mark.requirement("RFC8707-2.2-several")
@pytest.mark.parametrize("resources", [(RESOURCE, OTHER.resource), (RESOURCE, RESOURCE), (RESOURCE, "nonsense")])
def test_several_resources_are_invalid_target(resources: tuple[str, ...]) -> None:
    assert code(*resources) is ErrorCode.INVALID_TARGET
