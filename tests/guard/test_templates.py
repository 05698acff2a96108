"""Resources are judged by templates after one normalisation, and what climbs out of them reaches no server."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from accredit_sdk.snapshot import TargetEntry
from tests.support.authority import FakeAccredit
from tests.support.guarded import Guarded, call, guarded

TARGETS = (
    TargetEntry("resource", "file://Disk/public/{name}", ["disk:public"]),
    TargetEntry("resource", "file://disk/private/{+path}", ["disk:private"]),
    TargetEntry("resource", "file://disk/public/index", ["disk:index"]),
    TargetEntry("resource", "db://{table}/rows{?limit}", ["db"], visibility="conceal"),
)


@pytest.fixture
async def site(tmp_path: Path, accredit: FakeAccredit) -> AsyncIterator[Guarded]:
    """A guard of a server with templates."""
    accredit.targets = TARGETS
    async with guarded(tmp_path / "guard", accredit) as found:
        yield found


async def read(site: Guarded, accredit: FakeAccredit, uri: str, scope: str) -> int:
    status = (await site.send(call(uri, "resources/read"), token=accredit.token(scope))).status
    before: Any = {"jsonrpc": "2.0", "id": 7, "method": "resources/read", "params": {"uri": uri}}
    old = await site.before(before, token=accredit.token(scope))
    assert old.status == {400: 200}.get(status, status)
    return status


@pytest.mark.parametrize(
    ("uri", "scope", "status"),
    [
        ("file://disk/public/a", "disk:public", 200),
        ("FILE://DISK/public/%61", "disk:public", 200),
        ("file://disk/public/a", "disk:private", 403),
        ("file://disk/public/index", "disk:public", 403),
        ("file://disk/public/ind%65x", "disk:public", 403),
        ("file://disk/public/index", "disk:public disk:index", 200),
        ("file://disk/private/a/b", "disk:private", 200),
        ("file://disk/private/a/b", "disk:public", 403),
        ("db://users/rows?limit=1", "db", 200),
        ("db://users/rows", "db:read", 400),
        ("db://users/rows?limit=1", "disk", 400),
        ("file://disk/public/a/b", "disk", 400),
        ("file://disk/PUBLIC/a", "disk", 400),
        ("file://disk/secret", "disk", 400),
        ("disk/public/a", "disk", 400),
    ],
)
async def test_a_uri_needs_the_scopes_of_all_that_it_fits(
    site: Guarded, accredit: FakeAccredit, uri: str, scope: str, status: int
) -> None:
    assert await read(site, accredit, uri, scope) == status


@pytest.mark.parametrize(
    "tail",
    [
        "public/../private/a",
        "public/%2e%2e/private",
        "public/..",
        "public/%2E",
        "private/../secret",
        "private/a/%2e%2e/%2e%2e/secret",
        "private/..%2fsecret",
        "private/..%5csecret",
        "private/..\\secret",
        "private/%252e%252e/secret",
        "private/%25%32%65%25%32%65/secret",
        "private/%%32e%%32e/secret",
        "private/..;x=y/secret",
        "private/..%3b/secret",
        "private/a%00",
        "private/a\n",
        "private/a b",
    ],
)
async def test_what_climbs_reaches_no_server(site: Guarded, accredit: FakeAccredit, tail: str) -> None:
    assert await read(site, accredit, f"file://disk/{tail}", "disk") == 400
    listening = call(method="subscriptions/listen", notifications={"resourceSubscriptions": [f"file://disk/{tail}"]})
    assert (await site.send(listening, token=accredit.token("disk"))).status == 400
    assert site.inner.calls == []


async def test_the_server_gets_the_uri_as_it_was_sent(site: Guarded, accredit: FakeAccredit) -> None:
    await site.send(call("FILE://disk/public/%61", "resources/read"), token=accredit.token("disk"))
    assert site.inner.messages()[0]["params"]["uri"] == "FILE://disk/public/%61"


async def test_a_concealed_template_is_answered_like_one_that_is_not_there(
    site: Guarded, accredit: FakeAccredit
) -> None:
    token = accredit.token("disk")
    concealed = await site.send(call("db://users/rows", "resources/read"), token=token)
    unknown = await site.send(call("db://users/columns", "resources/read"), token=token)
    assert concealed.status == unknown.status
    assert concealed.body.replace(b"rows", b"columns") == unknown.body
    assert {**concealed.headers, "content-length": ""} == {**unknown.headers, "content-length": ""}


async def test_a_template_is_completed_with_its_own_scopes(site: Guarded, accredit: FakeAccredit) -> None:
    for scope, status in (("disk:public", 200), ("disk:private", 403)):
        ref = {"type": "ref/resource", "uri": "file://Disk/public/{name}"}
        message = call(method="completion/complete", ref=ref, argument={"name": "name", "value": ""})
        assert (await site.send(message, token=accredit.token(scope))).status == status
