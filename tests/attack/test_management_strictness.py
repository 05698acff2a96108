"""management_strictness: no operation of the public management API reads two meanings, runs a text, or answers 5xx."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from accredit.web.api.application import document
from tests.api.test_permissions import database
from tests.attack.test_parser_strictness import NO_JSON
from tests.attack.test_sql_and_template_injection import PAYLOADS
from tests.support.admin import administration
from tests.support.management import Staff, staffed

JSON = "application/json"
REAL = {"slug": "ledger", "server": "ledger", "agent": "bot", "use": "access", "word": "ledger:read", "kind": "agent"}
OPERATIONS = [
    (method.upper(), path.removeprefix("/api/v1"), operation)
    for path, item in document("1")["paths"].items()
    for method, operation in item.items()
]
WITH_BODY = [
    (method, path, operation["requestBody"]["content"][JSON]["example"])
    for method, path, operation in OPERATIONS
    if "requestBody" in operation
]


@pytest.fixture
async def root(tmp_path: Path) -> AsyncIterator[Staff]:
    """A node with an administrator who comes with a token."""
    async with administration(tmp_path / "data") as admin, staffed(admin) as staff:
        yield staff


def address(path: str, **given: str) -> str:
    """Return the address of an operation, with `given` in place of what is there."""
    names = {name: quote((REAL | given).get(name, "x"), safe="") for name in _names(path)}
    return path.format_map(names)


def _names(path: str) -> list[str]:
    return [part.partition("}")[0] for part in path.split("{")[1:]]


async def send(staff: Staff, method: str, where: str, **more: Any) -> int:
    """Send a request as the administrator; whatever is wrong with it is told as a problem of theirs."""
    headers = {"if-match": "*"} | more.pop("headers", {})
    answer = await staff.clients["root"].request(method, where, headers=headers, **more)
    assert answer.status_code < 500, (method, where, more)
    assert answer.is_success or answer.headers["content-type"] == "application/problem+json"
    assert "Traceback" not in answer.text
    return int(answer.status_code)


async def test_a_body_that_two_parsers_could_read_in_two_ways_does_nothing(root: Staff, tmp_path: Path) -> None:
    assert len(WITH_BODY) > 15
    before = database(tmp_path / "data")
    for method, path, example in WITH_BODY:
        where, whole = address(path), json.dumps(example).encode()
        first = json.dumps(next(iter(example))).encode()
        twice = b"{%b: null, %b" % (first, whole[1:])
        sloppy = (*(body for body in NO_JSON if body not in (b"", b"null")), twice, whole.decode().encode("utf-16"))
        for body in (*sloppy, b"\xef\xbb\xbf" + whole, whole + b"\0"):
            status = await send(root, method, where, content=body, headers={"content-type": JSON})
            assert status in (400, 403, 413, 422), (path, body[:40])
        for kind in ("", "text/plain", f"{JSON}, {JSON}", "application/jsonx", "multipart/form-data"):
            assert await send(root, method, where, content=whole, headers={"content-type": kind}) == 415
        huge = b'{"a":"' + b"x" * (16 * 1024 * 1024 if path in ("/plan", "/apply", "/replay") else 1024 * 1024) + b'"}'
        assert await send(root, method, where, content=huge, headers={"content-type": JSON}) == 413
    assert database(tmp_path / "data") == before


def _with(value: Any, payload: str) -> list[Any]:
    """Return copies of a JSON value, each with another text in it, or name of a member, replaced by `payload`."""
    if isinstance(value, str):
        return [payload]
    if isinstance(value, list):
        return [[*value[:at], one, *value[at + 1 :]] for at, item in enumerate(value) for one in _with(item, payload)]
    if isinstance(value, dict):
        inside = [value | {name: one} for name, item in value.items() for one in _with(item, payload)]
        return [*inside, value | {payload: 1}]
    return [payload]


@pytest.mark.slow
@pytest.mark.parametrize("payload", [*PAYLOADS, "a\0b", "\ud800"], ids=[str(n) for n in range(len(PAYLOADS) + 2)])
async def test_a_text_does_nothing_wherever_it_stands(root: Staff, payload: str) -> None:
    for method, path, example in WITH_BODY:
        for body in _with(example, payload):
            raw = json.dumps(body).encode()
            await send(root, method, address(path), content=raw, headers={"content-type": JSON})
    spelled = payload.encode("utf-8", "surrogatepass")
    for method, path, operation in OPERATIONS:
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "query":
                assert await send(root, method, f"{address(path)}?{parameter['name']}={quote(spelled)}") < 500
            elif parameter["in"] == "path":
                where = path.format_map({name: quote(spelled, safe="") for name in _names(path)})
                assert await send(root, method, where) in (403, 404, 400, 422) or method != "GET"
            elif payload.isprintable() and payload.isascii():
                await send(root, method, address(path), headers={parameter["name"]: payload})
    assert (await root.admin.ok("GET", "/audit/verify"))["ok"]
    assert {"ledger", "archive"} <= {item["slug"] for item in (await root.admin.ok("GET", "/servers"))["items"]}


async def test_parameters_that_are_there_twice_are_refused(root: Staff) -> None:
    for query in ("limit=1&limit=1", "limit=1&%6cimit=2", "cursor=a&cursor=b", "&".join(f"a{n}=1" for n in range(40))):
        assert await send(root, "GET", f"/servers?{query}") == 400
    answer = await root.clients["root"].get("/servers", headers=[("authorization", "Bearer x"), ("a", "b")])
    assert answer.status_code == 401


async def test_no_other_way_into_the_public_api_carries_a_token(root: Staff) -> None:
    token = await root.token("root")
    nobody = root.clients["nobody"]
    for where, more in (
        (f"/servers?access_token={token}", {}),
        ("/servers", {"headers": {"cookie": f"access_token={token}"}}),
        ("/servers", {"headers": {"x-authorization": f"Bearer {token}"}}),
        ("/servers", {"headers": {"authorization": f"Basic {token}"}}),
        ("/servers", {"headers": [("authorization", f"Bearer {token}"), ("authorization", f"Bearer {token}")]}),
    ):
        assert (await nobody.get(where, **more)).status_code == 401, where
    for where in ("//servers", "/../v1/servers", "/%2e%2e/v1/servers", "/servers;x", "/SERVERS", "/servers/"):
        url = httpx2.URL(str(nobody.base_url).rstrip("/") + where)
        assert (await nobody.get(url)).status_code in (401, 404)
