"""redirect: prefix, user, traversal, junk, another loopback host, a script scheme: refused, or no match."""

from pathlib import Path

import pytest

from accredit.oauth.redirect_uri import matches
from tests.support.admin import administration

REGISTERED = ("https://allowed.example/cb", "http://127.0.0.1:8000/cb", "http://[::1]/cb", "com.example.app:/cb")

UNLIKE = {
    "redirect_prefix_suffix": [
        "https://allowed.example.evil.example/cb", "https://evil-allowed.example/cb", "https://evil.example/allowed.example/cb",
        "https://allowed.example/cb/sub", "https://allowed.example/cbx", "https://allowed.example/c", "https://allowed.example",
        "https://sub.allowed.example/cb", "https://allowed.example/cb?next=https://evil.example", "https://allowed.example:444/cb",
    ],
    "redirect_loopback_swap": [
        "https://127.0.0.1:8000/cb", "http://127.0.0.1:8000/", "http://127.0.0.1:8000/cb/x", "http://127.0.0.1:8000/cb?x",
        "http://localhost:8000/cb", "https://[::1]/cb", "http://[::1]/CB", "https://allowed.example:8443/cb",
    ],
}  # fmt: skip
"""What could itself be registered, and is not what was."""

REFUSED = {
    "redirect_userinfo_loopback": [
        "http://127.0.0.1:1@evil.example/cb", "http://127.0.0.1@evil.example/cb", "http://[::1]@evil.example/cb",
        "https://allowed.example@evil.example/cb", "https://allowed.example:pw@evil.example/cb",
        "http://127.0.0.1:8000\\@evil.example/cb", "https://evil.example\\@allowed.example/cb",
    ],
    "redirect_traversal": [
        "https://allowed.example/cb/../x", "https://allowed.example/cb/..;/x", "https://allowed.example/cb%2f..%2fx",
        "https://allowed.example/cb/%2e%2e/x", "https://allowed.example/cb/%252e%252e/x", "https://allowed.example/./cb",
        "https://allowed.example/x/../cb", "https://allowed.example/%63b", "com.example.app:/x/../cb",
    ],
    "redirect_case_and_junk": [
        "HTTPS://allowed.example/cb", "https://ALLOWED.example/cb", "https://allowed.example/cb\t",
        "https://allowed.example/cb ", "https://allowed.example/cb\r\nx", "https://allowed.example\\cb",
        "https://allowed.example/\t//evil.example", "https://allowed.example//evil.example", "https://allowed.example/cb#x",
        "https://allowed.example./cb", "https://allowed.ex\u0430mple/cb", "https://allowed\u3002example/cb", "https://*.example/cb",
    ],
    "redirect_loopback_swap": [
        "http://127.0.0.2:8000/cb", "http://0.0.0.0:8000/cb", "http://127.1:8000/cb", "http://2130706433:8000/cb",
        "http://evil.example:8000/cb", "http://[::ffff:127.0.0.1]:8000/cb", "http://127.0.0.1.evil.example/cb",
        "http://127.0.0.1:0/cb", "http://127.0.0.1:65536/cb",
    ],
    "redirect_script_scheme": [
        "javascript:alert(1)", "JavaScript:alert(1)", "java\tscript:alert(1)", "javascript://allowed.example/%0aalert(1)",
        "data:text/html,<script>", "vbscript:x", "file:///etc/passwd", "blob:https://allowed.example/x", "about:blank",
        "myapp:/cb",
    ],
}  # fmt: skip
"""What nobody can register."""

ROWS = [(row, uri) for table in (UNLIKE, REFUSED) for row, uris in table.items() for uri in uris]


@pytest.mark.parametrize(("row", "uri"), ROWS, ids=[f"{row}-{n}" for n, (row, _) in enumerate(ROWS)])
def test_what_looks_like_a_registered_redirect_is_none(row: str, uri: str) -> None:
    assert not matches(REGISTERED, uri), row


@pytest.mark.parametrize("port", ["", ":1", ":8000", ":65535"])
def test_only_the_port_of_a_loopback_redirect_may_differ(port: str) -> None:
    assert matches(REGISTERED, f"http://127.0.0.1{port}/cb")
    assert matches(REGISTERED, f"http://[::1]{port}/cb")


async def test_no_interface_registers_what_the_validator_refuses(tmp_path: Path) -> None:
    async with administration(tmp_path / "data") as admin:
        body = {"slug": "portal", "owner": "dana", "type": "public", "redirect_uris": list(REGISTERED)}
        await admin.ok("POST", "/applications", json=body)
        before = await admin.ok("GET", "/applications/portal")
        for row, uris in REFUSED.items():
            for uri in uris:
                fresh = body | {"slug": "other", "redirect_uris": [*REGISTERED, uri]}
                assert await admin.refused("POST", "/applications", json=fresh) == (422, "invalid"), (row, uri)
                edit = {"redirect_uris": [uri]}
                assert await admin.refused("PATCH", "/applications/portal", json=edit) == (422, "invalid"), (row, uri)
        assert (await admin.ok("GET", "/applications"))["items"] == [
            {key: value for key, value in before.items() if key not in ("credentials", "roles")}
        ]
