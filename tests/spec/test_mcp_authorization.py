"""MCP authorization 2026-07-28: discovery over HTTP, and no plain http off loopback."""

from pathlib import Path

import pytest

from accredit import config
from accredit_sdk.errors import ConfigurationError
from accredit_sdk.guard import Guard
from tests.support.guarded import Inner
from tests.support.house import ISSUER, House

PLAIN = ["http://id.example", "http://10.0.0.1", "http://127.0.0.1.evil.example", "http://localhost.evil.example",
         "http://[::2]", "HTTP://id.example", "ws://127.0.0.1"]  # fmt: skip


@pytest.mark.requirement("MCP-AUTH-overview-discovery", "RFC8414-3.2-json")
async def test_the_metadata_document_is_a_200_with_json_and_has_no_empty_member(deployed: House) -> None:
    answer = await deployed.public.get("/.well-known/oauth-authorization-server")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    document = answer.json()
    assert document["issuer"] == ISSUER
    # RFC 8414, 2 requires response_types_supported; it is empty as long as there is no authorization endpoint.
    empty = [name for name, value in document.items() if value in (None, "", [], {})]
    assert empty in ([], ["response_types_supported"])
    assert (await deployed.public.get(document["jwks_uri"])).json()["keys"]
    form = {"grant_type": "client_credentials", "resource": "https://tools.example/mcp"}
    token = await deployed.public.post(
        document["token_endpoint"], data=form, auth=(deployed.client_id, deployed.secret)
    )
    assert token.status_code == 200


@pytest.mark.requirement("MCP-AUTH-overview-discovery")
async def test_the_metadata_of_a_guarded_server_leads_to_the_metadata_of_its_issuer(deployed: House) -> None:
    path = "/.well-known/oauth-protected-resource/mcp"
    (issuer,) = (await deployed.site.send(method="GET", path=path, body=b"")).json()["authorization_servers"]
    found = await deployed.public.get(issuer + "/.well-known/oauth-authorization-server")
    assert found.json()["issuer"] == issuer


@pytest.mark.requirement("MCP-AUTH-https")
@pytest.mark.parametrize("plain", PLAIN)
async def test_an_issuer_or_a_resource_on_plain_http_is_refused_off_loopback(
    deployed: House, tmp_path: Path, plain: str
) -> None:
    with pytest.raises(config.ConfigurationProblems):
        config.load(issuer=plain)
    body = {"slug": "plain", "resource": f"{plain}/mcp"}
    assert await deployed.admin.refused("POST", "/servers", json=body) == (422, "invalid")
    for issuer, resource in ((plain, "https://tools.example/mcp"), (ISSUER, f"{plain}/mcp")):
        with pytest.raises(ConfigurationError):
            Guard(Inner(), issuer=issuer, resource=resource, folder=tmp_path / "guard", code="x")
