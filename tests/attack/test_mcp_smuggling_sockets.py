"""mcp_smuggling, as bytes over a real socket: lies about where a message ends, and who it is for."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.authority import FakeAccredit
from tests.support.guarded_site import Site, guarded_site
from tests.support.ledgers import TARGETS, Ledger
from tests.support.raw import NEW, request_of

CALL = json.dumps(request_of("tools/call", 7, name="read", arguments={})).encode()
PURGE = json.dumps(request_of("tools/call", 8, name="purge", arguments={})).encode()
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """A guarded server behind a real HTTP server."""
    async with guarded_site(tmp_path, Ledger("official"), FakeAccredit(targets=TARGETS), json=True) as found:
        yield found


def head(site: Site, *more: bytes, name: bytes = b"read", token: bool = True) -> bytes:
    """Return request line and headers of a call, `more` lines among them, without what frames the body."""
    lines = [
        b"POST /mcp HTTP/1.1",
        b"Host: " + urlsplit(site.url).netloc.encode(),
        b"Content-Type: application/json",
        b"Accept: application/json, text/event-stream",
        b"MCP-Protocol-Version: " + NEW.encode(),
        b"Mcp-Method: tools/call",
        b"Mcp-Name: " + name,
    ]
    if token:
        lines.append(b"Authorization: Bearer " + site.accredit.token().encode())
    return b"\r\n".join([*lines, *more, b"", b""])


async def talk(site: Site, sent: bytes, *, hang_up: bool = False) -> list[int]:
    """Send bytes and return the status of every answer until the connection is closed.

    With `hang_up`, nothing more is said, as it must be when the message is not finished.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(sent)
    if hang_up:
        writer.write_eof()
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    return [int(status) for status in STATUS.findall(answer)]


async def nothing_ran(site: Site) -> None:
    """Assert that no tool has run before this honest call of one."""
    assert await talk(site, head(site, length(CALL), CLOSE) + CALL) == [200]
    assert site.ledger.started == ["tool read"]


def length(body: bytes, wrong: int = 0) -> bytes:
    """Return a Content-Length that lies by `wrong`."""
    return b"Content-Length: %d" % (len(body) + wrong)


def chunks(*pieces: bytes) -> bytes:
    """Return a chunked body."""
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (*pieces, b""))


CLOSE = b"Connection: close"
CHUNKED = b"Transfer-Encoding: chunked"


async def test_an_honest_message_is_served_in_one_piece_and_in_chunks(site: Site) -> None:
    assert await talk(site, head(site, length(CALL), CLOSE) + CALL) == [200]
    pieces = [CALL[at : at + 7] for at in range(0, len(CALL), 7)]
    assert await talk(site, head(site, CHUNKED, CLOSE) + chunks(*pieces)) == [200]
    assert site.ledger.started == ["tool read"] * 2


@pytest.mark.parametrize("wrong", [-1, -10, -(len(CALL) - 1)])
async def test_a_length_that_is_too_small_cuts_the_message_and_what_is_left_is_no_request(
    site: Site, wrong: int
) -> None:
    statuses = await talk(site, head(site, length(CALL, wrong)) + CALL, hang_up=True)
    assert statuses in ([400], [400, 400])
    await nothing_ran(site)


@pytest.mark.parametrize("wrong", [1, 1000])
async def test_a_length_that_is_too_large_is_an_unfinished_message(site: Site, wrong: int) -> None:
    statuses = await talk(site, head(site, length(CALL, wrong)) + CALL, hang_up=True)
    assert statuses in ([], [400])
    await nothing_ran(site)


@pytest.mark.parametrize("value", [b"-1", b"+1", b"0x10", b"1e3", b"9" * 30, b"", b"1, 1", b"%d, 5", b"\xc2\xb2"])
async def test_a_length_that_is_no_number_is_refused(site: Site, value: bytes) -> None:
    statuses = await talk(site, head(site, b"Content-Length: " + value, CLOSE) + CALL)
    assert set(statuses) <= {400, 413}
    await nothing_ran(site)


async def test_two_lengths_or_a_length_beside_chunks_are_refused(site: Site) -> None:
    for more in (
        (length(CALL), length(CALL)),
        (length(CALL), length(CALL, -5)),
        (length(CALL), CHUNKED),
        (CHUNKED, length(CALL)),
        (CHUNKED, CHUNKED),
        (b"Transfer-Encoding: identity", length(CALL)),
        (b"Transfer-Encoding: gzip, chunked",),
        (b"Transfer-Encoding: chunked, identity",),
        (b"Transfer-Encoding: xchunked",),
        (b"Transfer-Encoding : chunked",),
        (b"Transfer-Encoding:\x0bchunked",),
    ):
        for body in (CALL, chunks(CALL)):
            statuses = await talk(site, head(site, *more, CLOSE) + body)
            assert 200 not in statuses, more
    await nothing_ran(site)


async def test_chunks_with_lies_in_their_sizes_are_refused(site: Site) -> None:
    size = b"%x" % len(CALL)
    for body in (
        size + b"\r\n" + CALL,
        b"0x" + size + b"\r\n" + CALL + b"\r\n0\r\n\r\n",
        b"-1\r\n" + CALL + b"\r\n0\r\n\r\n",
        b"f" * 17 + b"\r\n" + CALL + b"\r\n0\r\n\r\n",
        b"1\r\n" + CALL + b"\r\n0\r\n\r\n",
        size + b" \r\n" + CALL[:-1] + b"\r\n0\r\n\r\n",
        b"\r\n" + CALL + b"\r\n0\r\n\r\n",
    ):
        statuses = await talk(site, head(site, CHUNKED, CLOSE) + body, hang_up=True)
        assert 200 not in statuses, body[:20]
    await nothing_ran(site)


async def test_a_request_hidden_behind_another_is_judged_by_itself(site: Site) -> None:
    hidden = head(site, length(PURGE), CLOSE, name=b"purge") + PURGE
    nobody = head(site, length(CALL), CLOSE, token=False) + CALL
    assert await talk(site, head(site, length(CALL)) + CALL + hidden) == [200, 403]
    assert await talk(site, head(site, length(CALL)) + CALL + nobody) == [200, 401]
    assert await talk(site, head(site, CHUNKED) + chunks(CALL) + nobody) == [200, 401]
    assert site.ledger.started == ["tool read"] * 3


async def test_a_trailer_is_no_second_header(site: Site) -> None:
    for trailer in (b"Authorization: Bearer other", b"Mcp-Name: purge", b"Mcp-Method: x", b"Host: evil.example"):
        body = chunks(CALL)[:-2] + trailer + b"\r\n\r\n"
        assert await talk(site, head(site, CHUNKED, CLOSE) + body) == [400]
    await nothing_ran(site)


async def test_headers_that_can_be_read_in_two_ways_are_refused(site: Site) -> None:
    good = b"Host: " + urlsplit(site.url).netloc.encode()
    for more in (
        (good,),
        (b"Host: evil.example",),
        (b"Host : evil.example",),
        (b"Mcp-Name: purge",),
        (b"Mcp-Name : purge",),
        (b"Mcp-Method: tools/list",),
        (b"Authorization: Bearer other",),
        (b"X-Folded: a", b" Mcp-Name: purge"),
        (b"X-Nul: a\x00b",),
        (b"X-Return: a\rMcp-Name: purge",),
        (b": nameless",),
        (b"nameless",),
    ):
        statuses = await talk(site, head(site, *more, length(CALL), CLOSE) + CALL)
        assert 200 not in statuses, more
    without = head(site, length(CALL), CLOSE).replace(good + b"\r\n", b"")
    assert 200 not in await talk(site, without + CALL)
    await nothing_ran(site)


async def test_a_body_without_end_is_cut_off_at_the_limit(site: Site) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(head(site, CHUNKED) + chunks(b'{"a":"' + b"x" * 2_000_000)[:-5])
    async with asyncio.timeout(10):
        assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
    writer.close()
    await nothing_ran(site)
