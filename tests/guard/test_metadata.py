"""RFC 9728: the metadata of the protected resource, as the guard serves it."""

from pathlib import Path

import pytest

from tests.support.authority import FakeAccredit
from tests.support.guarded import Guarded, guarded

PATH = "/.well-known/oauth-protected-resource/mcp"


@pytest.mark.requirement(
    "RFC9728-2-resource",
    "RFC9728-2-authorization-servers",
    "RFC9728-2-bearer-methods",
    "RFC9728-3.1-path-insert",
    "RFC9728-3.2-json",
    "RFC9728-3.3-resource-identical",
    "MCP-AUTH-overview-prm",
    "MCP-AUTH-no-offline-access",
)
async def test_it_is_public_and_says_what_a_client_needs(site: Guarded) -> None:
    response = await site.send(method="GET", path=PATH, body=b"", headers={"origin": "https://anywhere.example"})
    assert response.status == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.json() == {
        "resource": "https://tools.example/mcp",
        "authorization_servers": ["https://id.example"],
        "scopes_supported": ["ledger:read"],
        "bearer_methods_supported": ["header"],
    }


async def test_a_browser_may_ask_first(site: Guarded) -> None:
    asked = {"origin": "https://anywhere.example", "access-control-request-headers": "mcp-protocol-version"}
    response = await site.send(method="OPTIONS", path=PATH, body=b"", headers=dict(asked))
    assert (response.status, response.headers["access-control-allow-origin"]) == (204, "*")
    assert "mcp-protocol-version" in response.headers["access-control-allow-headers"]


async def test_head_has_the_headers_alone_and_other_methods_are_refused(site: Guarded) -> None:
    head = await site.send(method="HEAD", path=PATH, body=b"")
    assert (head.status, head.body) == (200, b"")
    assert int(head.headers["content-length"]) > 0
    assert (await site.send(method="POST", path=PATH, body=b"")).status == 405


async def test_the_root_form_is_served_only_for_a_resource_that_is_the_origin(tmp_path: Path) -> None:
    accredit = FakeAccredit(resource="https://tools.example")
    async with guarded(tmp_path / "guard", accredit, name="Ledger") as site:
        response = await site.send(method="GET", path="/.well-known/oauth-protected-resource", body=b"")
        assert response.json()["resource"] == "https://tools.example"
        assert response.json()["resource_name"] == "Ledger"
        assert (await site.send(method="GET", path=PATH, body=b"")).status == 401


async def test_it_is_served_before_anything_is_known_and_leaves_out_what_is_not(tmp_path: Path) -> None:
    accredit = FakeAccredit(away=False)
    async with guarded(tmp_path / "guard", accredit):
        pass
    (tmp_path / "guard" / "snapshot.jwt").unlink()
    accredit.away = True
    async with guarded(tmp_path / "guard", accredit) as site:
        response = await site.send(method="GET", path=PATH, body=b"")
        assert response.status == 200
        assert "scopes_supported" not in response.json()
