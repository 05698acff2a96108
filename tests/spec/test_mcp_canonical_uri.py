"""MCP authorization, "Canonical Server URI": one server has one identifier, however it was written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.oauth import resource as requested
from accredit_sdk import resource
from accredit_sdk.errors import ResourceError

# The examples of the specification.
VALID = [
    "https://mcp.example.com/mcp",
    "https://mcp.example.com",
    "https://mcp.example.com:8443",
    "https://mcp.example.com/server/mcp",
]
INVALID = ["mcp.example.com", "https://mcp.example.com#fragment"]


@pytest.mark.requirement("MCP-AUTH-resource-canonical")
@pytest.mark.parametrize("uri", VALID)
def test_the_canonical_uris_of_the_specification_are_ours(uri: str) -> None:
    assert resource.canonical(uri) == uri


@pytest.mark.requirement("MCP-AUTH-resource-canonical")
@pytest.mark.parametrize("uri", INVALID)
def test_the_invalid_uris_of_the_specification_are_refused(uri: str) -> None:
    with pytest.raises(ResourceError):
        resource.canonical(uri)


@pytest.mark.requirement("MCP-AUTH-resource-canonical")
@given(st.sampled_from(VALID), st.data())
def test_scheme_and_host_are_understood_in_any_case(uri: str, data: st.DataObject) -> None:
    scheme, _, rest = uri.partition("://")
    host, slash, path = rest.partition("/")
    cased = "".join(data.draw(st.sampled_from([one.lower(), one.upper()])) for one in f"{scheme}://{host}")
    assert resource.canonical(cased + slash + path) == uri
    assert requested.target((cased + slash + path,)) == uri


@pytest.mark.requirement("MCP-AUTH-resource-canonical")
@pytest.mark.parametrize("uri", ["https://mcp.example.com", "https://mcp.example.com:8443", "http://localhost:8000"])
def test_a_server_without_a_path_is_named_without_a_final_slash(uri: str) -> None:
    assert resource.canonical(uri + "/") == resource.canonical(uri) == uri
    assert requested.target((uri + "/",)) == uri


@pytest.mark.requirement("MCP-AUTH-resource-canonical")
def test_a_path_keeps_its_case_and_its_final_slash_since_they_may_mean_something() -> None:
    spelt = ["https://mcp.example.com/mcp", "https://mcp.example.com/mcp/", "https://mcp.example.com/MCP"]
    assert len({resource.canonical(one) for one in spelt}) == 3
