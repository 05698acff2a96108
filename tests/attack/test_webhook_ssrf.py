"""webhook ssrf: no webhook leads inside: no address, name, redirect or answer; and its secret is nowhere to be read."""

import asyncio
import base64
import os
import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from accredit.identity.address import Inside
from accredit.outbound.fetch import GuardedFetch, trust
from tests.support.admin import Admin, administration
from tests.support.certified import Authority, Heard, Say, authority, ok, saying, server
from tests.support.until import eventually

HOST = "hooks.example.org"
INSIDE = {
    "loopback": "127.0.0.1",
    "loopback-net": "127.9.9.9",
    "this-host": "0.0.0.0",
    "private-10": "10.0.0.1",
    "private-172": "172.20.1.1",
    "private-192": "192.168.1.1",
    "cgnat": "100.64.0.1",
    "link-local": "169.254.1.1",
    "metadata": "169.254.169.254",
    "metadata-alibaba": "100.100.100.200",
    "metadata-azure": "168.63.129.16",
    "benchmark": "198.18.0.1",
    "documentation": "203.0.113.7",
    "multicast": "224.0.0.1",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "loopback-6": "::1",
    "unspecified-6": "::",
    "unique-local": "fd12:3456::1",
    "metadata-6": "fd00:ec2::254",
    "link-local-6": "fe80::1",
    "site-local": "fec0::1",
    "multicast-6": "ff02::1",
    "mapped": "::ffff:127.0.0.1",
    "mapped-metadata": "::ffff:a9fe:a9fe",
    "compatible": "::127.0.0.1",
    "translated": "64:ff9b::7f00:1",
    "translated-here": "64:ff9b:1::7f00:1",
    "six-to-four": "2002:7f00:1::",
    "teredo": "2001::7f00:1",
    "documentation-6": "2001:db8::1",
}
"""Addresses that are nobody's in public, by their family."""


class Names:
    """A server of names in the hands of an attacker: each look-up gets the next of its answers."""

    def __init__(self) -> None:
        self.answers: list[Sequence[str]] = []
        self.asked = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def ca(tmp_path: Path) -> Authority:
    return authority(tmp_path / "ca")


@pytest.fixture
def names() -> Names:
    return Names()


@pytest.fixture
async def admin(tmp_path: Path, names: Names) -> AsyncIterator[Admin]:
    """A node with the real way out, and the attacker's names."""
    async with administration(tmp_path / "data", outside=GuardedFetch(names, Inside(), trust())) as found:
        yield found


async def tried(admin: Admin, url: str) -> Any:
    await admin.ok("POST", "/webhooks", json={"slug": "hook", "url": url})
    return await admin.ok("POST", "/webhooks/hook/test")


async def test_no_address_inside_is_taken(admin: Admin) -> None:
    for family, address in INSIDE.items():
        url = f"https://[{address}]/" if ":" in address else f"https://{address}/"
        answer = await admin.refused("POST", "/webhooks", json={"slug": "hook", "url": url})
        assert answer == (422, "invalid"), family


async def test_no_address_inside_is_reached_by_a_name_alone_or_beside_a_public_one(admin: Admin, names: Names) -> None:
    names.answers = [["127.0.0.1"]]
    assert (await tried(admin, f"https://{HOST}/"))["failure"] == "forbidden"
    for family, address in INSIDE.items():
        for answer in ([address], ["93.184.215.14", address], [address, "2606:2800:21f:cb07:6820:80da:af6b:8b2c"]):
            names.answers = [answer]
            assert (await admin.ok("POST", "/webhooks/hook/test"))["failure"] == "forbidden", family


HIDING = [
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://127.0.0.1:1@evil.example/",
    "https://evil.example@127.0.0.1/",
    "https://evil.example#@127.0.0.1/",
    "https://evil.example\\@127.0.0.1/",
    "https://[::ffff:127.0.0.1%25lo]/",
    "https://127。0。0。1/",
    "https://①②⑦.0.0.1/",
    "http://evil.example/",
    "gopher://evil.example/",
    "file:///etc/passwd",
    "https://evil.example:22/",
    "https://evil.example:25/",
    "https://evil.example/\r\nX-Injected: 1",
]
"""Addresses that two readers could read in two ways, or that no webhook has."""


async def test_an_address_that_hides_where_it_leads_makes_no_webhook(admin: Admin, names: Names) -> None:
    for url in HIDING:
        answer = await admin.refused("POST", "/webhooks", json={"slug": "hook", "url": url})
        assert answer == (422, "invalid"), url
    assert names.asked == 0


class Trap:
    """A server inside that must hear nothing, or one outside whose answer is a weapon."""

    def __init__(self, ca: Authority, names: Names, seconds: float = 5.0) -> None:
        # What stands for the public here is 127.0.0.2: all else of loopback is inside.
        self.ca = ca
        self.fetch = GuardedFetch(names, Inside.parse(["127.0.0.2/32"]), trust(ca.file), seconds=seconds)

    def serving(self, say: Say, host: str = "127.0.0.2") -> Any:
        return server(self.ca.context(HOST), say, host)


async def test_a_name_that_is_bound_anew_leads_where_it_led_when_it_was_judged(
    tmp_path: Path, ca: Authority, names: Names
) -> None:
    trap = Trap(ca, names)
    names.answers = [["127.0.0.2"], ["127.0.0.1"]]
    async with trap.serving(saying(ok())) as public, administration(tmp_path / "data", outside=trap.fetch) as admin:
        assert (await tried(admin, f"https://{HOST}:{public.port}/"))["delivered"] is True
        assert names.asked == 1
        assert (await admin.ok("POST", "/webhooks/hook/test"))["failure"] == "forbidden"
        assert public.connections == 1


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_no_redirect_is_followed(tmp_path: Path, ca: Authority, names: Names, status: str) -> None:
    trap = Trap(ca, names)
    names.answers = [["127.0.0.2"]]
    async with trap.serving(saying(ok())) as inner:
        where = f"Location: https://{HOST}:{inner.port}/"
        outer = trap.serving(saying(ok(b"", status, where)))
        async with outer as public, administration(tmp_path / "data", outside=trap.fetch) as admin:
            found = await tried(admin, f"https://{HOST}:{public.port}/")
        assert (found["delivered"], found["status"]) == (False, int(status[:3]))
        assert inner.connections == 0


async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        await writer.drain()


async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX: ")
    await writer.drain()
    await reader.read()


@pytest.mark.parametrize(
    ("say", "failure"), [(endless, None), (dripping, "timeout"), (saying(b"\x00" * 200_000), "broken")],
    ids=["endless", "dripping", "rubbish"],
)  # fmt: skip
async def test_an_answer_that_is_a_weapon_costs_little_and_ends(
    tmp_path: Path, ca: Authority, names: Names, say: Say, failure: str | None
) -> None:
    trap = Trap(ca, names, seconds=0.5)
    names.answers = [["127.0.0.2"]]
    async with trap.serving(say) as public, administration(tmp_path / "data", outside=trap.fetch) as admin:
        found = await tried(admin, f"https://{HOST}:{public.port}/")
    assert found["failure"] == failure


async def test_the_answer_of_a_receiver_is_shown_to_nobody(tmp_path: Path, ca: Authority, names: Names) -> None:
    trap = Trap(ca, names)
    names.answers = [["127.0.0.2"]]
    said = saying(ok(b"INNER-SECRET", "500 No", "X-Inner: INNER-SECRET"))
    async with trap.serving(said) as public, administration(tmp_path / "data", outside=trap.fetch) as admin:
        await admin.ok("POST", "/webhooks", json={"slug": "hook", "url": f"https://{HOST}:{public.port}/"})
        for answer in (await admin.http.post("/webhooks/hook/test"), await admin.http.get("/webhooks/hook")):
            assert "INNER-SECRET" not in answer.text


async def told(admin: Admin, public: Heard, count: int) -> None:
    async def heard() -> bool:
        await admin.node.deliveries.round(admin.clock.now())
        return len(public.requests) >= count

    await eventually(heard)


async def test_the_secret_of_a_webhook_is_in_no_log_no_answer_no_file_and_not_in_the_database(
    tmp_path: Path, ca: Authority, names: Names, caplog: pytest.LogCaptureFixture
) -> None:
    trap = Trap(ca, names)
    names.answers = [["127.0.0.2"]]
    caplog.set_level("DEBUG")
    there = trap.serving(saying(ok(b"", "503 No")))
    async with there as public, administration(tmp_path / "data", outside=trap.fetch) as admin:
        body = {"slug": "hook", "url": f"https://{HOST}:{public.port}/PATH-TOKEN"}
        secret = (await admin.ok("POST", "/webhooks", json=body, headers={"Idempotency-Key": "k"}))["secret"]
        await admin.ledger()
        await admin.ok("POST", "/servers/ledger/denials", json={"reason": "attack"})
        await told(admin, public, 1)
        await admin.ok("POST", "/webhooks/hook/test")
        shown = [await admin.http.get(where) for where in ("/webhooks", "/webhooks/hook", "/audit", "/export", "/keys")]
        shown += [await admin.http.post("/webhooks", json=body, headers={"Idempotency-Key": "k"})]
        shown += [await admin.http.get("/audit/export")]
        measures = admin.node.measures.render()
    assert all(answer.is_success for answer in shown)
    text = (
        "".join(answer.text for answer in shown).encode()
        + caplog.text.encode()
        + b"".join([measures, *public.requests])
    )
    files = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())
    raw = base64.b64decode(secret.removeprefix("whsec_"))
    for spelling in (secret.removeprefix("whsec_").encode(), raw, raw.hex().encode()):
        assert spelling not in text
        assert spelling not in files
    audit = shown[2].text + shown[6].text
    assert "hook" in audit
    assert "PATH-TOKEN" not in audit, "an address can be a secret of its receiver"


async def test_a_secret_that_was_exchanged_in_the_database_signs_nothing(
    tmp_path: Path, ca: Authority, names: Names
) -> None:
    trap = Trap(ca, names)
    names.answers = [["127.0.0.2"]]
    async with trap.serving(saying(ok())) as public, administration(tmp_path / "data", outside=trap.fetch) as admin:
        for name in ("hook", "other"):
            await admin.ok("POST", "/webhooks", json={"slug": name, "url": f"https://{HOST}:{public.port}/"})
        _execute(tmp_path, "UPDATE webhooks SET sealed = (SELECT sealed FROM webhooks WHERE slug = 'other')")
        assert (await admin.ok("POST", "/webhooks/hook/test"))["failure"] == "sealed"
        assert public.connections == 0
        assert (await admin.ok("POST", "/webhooks/other/test"))["delivered"] is True


def _execute(tmp_path: Path, statement: str) -> None:
    with sqlite3.connect(tmp_path / "data" / "accredit.db") as conn:
        conn.execute(statement)
    conn.close()


async def test_no_proxy_of_the_environment_comes_in_between(
    tmp_path: Path, ca: Authority, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    names.answers = [["127.0.0.2"]]
    trap = Trap(ca, names)
    async with trap.serving(saying(ok())) as public, trap.serving(saying(ok()), "127.0.0.1") as proxy:
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert os.environ["HTTPS_PROXY"]
        async with administration(tmp_path / "data", outside=trap.fetch) as admin:
            assert (await tried(admin, f"https://{HOST}:{public.port}/"))["delivered"] is True
        assert proxy.connections == 0
