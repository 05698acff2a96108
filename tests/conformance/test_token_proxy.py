"""What the proxy does to a request: it adds a token, and nothing that a check could be about changes."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from demo.stage import free_port
from tests.conformance.token_proxy import Proxy, Tokens, with_token

pytestmark = pytest.mark.anyio

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(serve: Serve) -> AsyncIterator[int]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def issuing(lifetime: int) -> AsyncIterator[Tokens]:
    """Stand in for a token endpoint that numbers its tokens."""
    issued = 0

    async def issue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal issued
        issued += 1
        await reader.readuntil(b"\r\n\r\n")
        body = json.dumps({"access_token": f"token-{issued}", "expires_in": lifetime}).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        writer.close()

    async with listening(issue) as port:
        yield Tokens(f"http://127.0.0.1:{port}", "client", "secret", "http://127.0.0.1/mcp", "tools")


@asynccontextmanager
async def proxy(tokens: Tokens, behind: int) -> AsyncIterator[int]:
    port = free_port()
    work = asyncio.create_task(Proxy(tokens, behind).serve(port))
    while True:
        with contextlib.suppress(ConnectionRefusedError):
            (await asyncio.open_connection("127.0.0.1", port))[1].close()
            break
        await asyncio.sleep(0)
    yield port
    work.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await work


async def test_every_header_keeps_its_case_and_its_blanks() -> None:
    head = b"POST /mcp HTTP/1.1\r\nHost: evil.example.com\r\nMCP-METHOD:   tools/list  \r\n\r\n"
    assert with_token(head, "token") == (
        b"POST /mcp HTTP/1.1\r\nAuthorization: Bearer token\r\nConnection: close\r\n"
        b"Host: evil.example.com\r\nMCP-METHOD:   tools/list  \r\n\r\n"
    )


async def test_the_connection_ends_with_the_answer_so_that_each_request_gets_its_token() -> None:
    head = b"GET /mcp HTTP/1.1\r\nconnection: keep-alive\r\nHost: 127.0.0.1\r\n\r\n"
    told = with_token(head, "token")
    assert told.lower().count(b"connection:") == 1
    assert b"Connection: close\r\n" in told


async def test_a_token_is_used_again_while_it_lives_and_renewed_before_it_dies() -> None:
    async with issuing(lifetime=300) as tokens:
        assert [await tokens.current(), await tokens.current()] == ["token-1", "token-1"]
    async with issuing(lifetime=0) as tokens:
        assert [await tokens.current(), await tokens.current()] == ["token-1", "token-2"]


async def test_a_request_goes_through_with_its_token_and_a_client_that_hangs_up_is_noticed_behind() -> None:
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await heard.put(await reader.readuntil(b"\r\n\r\n") + await reader.readexactly(4))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\ndata: 1\n\n")
        await heard.put(await reader.read())
        writer.close()

    async with issuing(300) as tokens, listening(stream) as behind, proxy(tokens, behind) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /mcp HTTP/1.1\r\nHost: a\r\n\r\nbody")
        request = await heard.get()
        assert b"Authorization: Bearer token-1\r\n" in request
        assert request.endswith(b"\r\n\r\nbody")
        assert (await reader.readuntil(b"\n\n")).endswith(b"data: 1\n\n")
        writer.close()
        assert await asyncio.wait_for(heard.get(), 5) == b""
