"""A proxy that adds a valid access token to every request, for clients that have none, and renews it in time.

It changes nothing else, not a byte of a header: requests pass as they were written, and each connection ends with its
first answer. `python -m tests.conformance.token_proxy --help`.
"""

import argparse
import asyncio
import contextlib
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx2

_LARGEST_HEAD: Final = 64 * 1024
_CONNECTION: Final = re.compile(rb"^connection:[^\r\n]*\r\n", re.IGNORECASE | re.MULTILINE)
_CHUNK: Final = 64 * 1024


@dataclass
class Tokens:
    """Gets tokens for `resource` as RFC 6749, 4.4 says, and a new one when half of the old one's life is over."""

    issuer: str
    client_id: str
    secret: str = field(repr=False)
    resource: str
    scope: str
    _token: str = field(default="", repr=False)
    _renewal: float = 0.0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def current(self) -> str:
        """Return a token that lives for a while."""
        async with self._lock:
            if time.monotonic() >= self._renewal:
                await self._renew()
            return self._token

    async def _renew(self) -> None:
        form = {"grant_type": "client_credentials", "resource": self.resource, "scope": self.scope}
        async with httpx2.AsyncClient(trust_env=False) as http:
            answer = await http.post(f"{self.issuer}/token", data=form, auth=(self.client_id, self.secret))
        answer.raise_for_status()
        told = answer.json()
        self._token, self._renewal = told["access_token"], time.monotonic() + told["expires_in"] / 2


def with_token(head: bytes, token: str) -> bytes:
    """Return the head of an HTTP/1.1 request with the token, and the wish that the connection ends with the answer."""
    first, end, rest = head.partition(b"\r\n")
    return b"%b%bAuthorization: Bearer %b\r\nConnection: close\r\n%b" % (
        first,
        end,
        token.encode(),
        _CONNECTION.sub(b"", rest),
    )


class Proxy:
    """Passes each connection on to `port` on this machine."""

    def __init__(self, tokens: Tokens, port: int) -> None:
        self._tokens = tokens
        self._port = port

    async def serve(self, port: int) -> None:
        """Listen on `port` of this machine, for ever."""
        async with await asyncio.start_server(self._connected, "127.0.0.1", port, limit=_LARGEST_HEAD) as server:
            await server.serve_forever()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            head = await reader.readuntil(b"\r\n\r\n")
            behind, before = await asyncio.open_connection("127.0.0.1", self._port)
            before.write(with_token(head, await self._tokens.current()))
            there, back = asyncio.create_task(_copied(reader, before)), asyncio.create_task(_copied(behind, writer))
            # Whoever hangs up first ends both: for MCP, a client that goes away cancels what it had asked.
            _, left = await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
            for task in left:
                task.cancel()
            before.close()
        writer.close()


async def _copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()


def main() -> None:
    """Run the proxy until it is ended."""
    arguments = argparse.ArgumentParser(description=__doc__)
    for name in ("issuer", "client-id", "resource", "scope"):
        arguments.add_argument(f"--{name}", required=True)
    arguments.add_argument("--port", type=int, required=True, help="where it listens")
    arguments.add_argument("--behind", type=int, required=True, help="where the guard listens")
    arguments.add_argument("--secret-file", type=Path, required=True)
    given = arguments.parse_args()
    secret = given.secret_file.read_text().strip()
    tokens = Tokens(given.issuer, given.client_id, secret, given.resource, given.scope)
    asyncio.run(Proxy(tokens, given.behind).serve(given.port))


if __name__ == "__main__":
    main()
