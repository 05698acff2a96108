"""The guarded fetch: https only, to the address that was judged, within bounds of size, time and number.

A name is looked up once. Every address that it leads to must be public or allowed, and the connection goes to one of
these: whatever the name leads to a moment later is of no consequence. TLS is verified against the name. Redirects are
answers like any other, and no proxy of the environment comes in between.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing, closing, contextmanager
from pathlib import Path
from typing import Final

import httpcore2

from accredit.identity import address
from accredit.identity.address import Inside
from accredit.identity.web_address import WebAddress
from accredit.outbound.resolving import SystemResolver
from accredit.ports.fetch import Errand, Fetched, FetchFailed, FetchFailure

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a host. Raises OSError when there are none."""

AT_ONCE: Final = 32
"""How many errands are run at a time, unless it is said otherwise."""

SECONDS: Final = 10.0
"""How long an errand takes at the most, from the wait for its turn to the last byte."""

_TRIED: Final = 3
"""How many addresses of a host are tried."""


class CannotTrust(Exception):
    """The file of authorities is of no use; the message says which, and why."""


class _Judged(httpcore2.AsyncNetworkBackend):
    """Connects to the addresses that were judged, in their order, whatever host is named."""

    def __init__(self, addresses: Sequence[str], within: float) -> None:
        self._addresses = addresses[:_TRIED]
        self._each = within / len(self._addresses)
        self._network = httpcore2.AnyIOBackend()
        self._opened: list[httpcore2.AsyncNetworkStream] = []

    async def connect_tcp(
        self,
        host: str,  # noqa: ARG002  (the addresses were found before)
        port: int,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109  (the interface's; the time is shared out among them)
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Return a connection to the first one that answers."""
        failed: Exception = httpcore2.ConnectError()
        for one in self._addresses:
            try:
                stream = await self._network.connect_tcp(one, port, self._each, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failed = error
            else:
                self._opened.append(stream)
                return stream
        raise failed

    async def aclose(self) -> None:
        """Let go of every connection, also of one that was cut off before anything was said over it."""
        for stream in self._opened:
            await stream.aclose()


class GuardedFetch:
    """Implements `ports.fetch.Fetch`. `trust` says whose certificates are believed; None: those that the system has."""

    def __init__(
        self,
        resolve: Resolver,
        inside: Inside,
        trust: ssl.SSLContext | None = None,
        *,
        at_once: int = AT_ONCE,
        seconds: float = SECONDS,
    ) -> None:
        self._resolve = resolve
        self._inside = inside
        self._trust = trust
        self._turns = asyncio.Semaphore(at_once)
        self._seconds = seconds

    def forbids(self, where: WebAddress) -> bool:
        """Tell whether the host is an address that may not be reached; of a name nothing is known yet."""
        return not address.is_name(where.host) and not self._inside.permits(where.host, address.read(where.host))

    async def fetch(self, errand: Errand) -> Fetched:
        """Return the answer. Raises FetchFailed."""
        waiting = True
        try:
            async with asyncio.timeout(self._seconds), self._turns:
                waiting = False
                addresses = await self._judged(errand.address)
                return await self._asked(errand, addresses)
        except TimeoutError:
            raise FetchFailed(FetchFailure.BUSY if waiting else FetchFailure.TIMEOUT) from None

    async def _judged(self, where: WebAddress) -> list[str]:
        """Return the addresses that the host leads to. Raises FetchFailed unless all of them may be reached."""
        try:
            found = [address.read(text) for text in await self._resolve(where.host, where.port)]
        except OSError:
            raise FetchFailed(FetchFailure.UNKNOWN_HOST) from None
        except ValueError:  # an address with a zone, which is of a link
            raise FetchFailed(FetchFailure.FORBIDDEN) from None
        if not found:
            raise FetchFailed(FetchFailure.UNKNOWN_HOST)
        if not all(self._inside.permits(where.host, one) for one in found):
            raise FetchFailed(FetchFailure.FORBIDDEN)
        return [str(one) for one in found]

    async def _asked(self, errand: Errand, addresses: Sequence[str]) -> Fetched:
        where = errand.address
        if self._trust is None:  # reading them takes a while, and most nodes never ask anybody
            self._trust = await asyncio.to_thread(trust)
        request = httpcore2.Request(
            "GET" if errand.body is None else "POST",
            httpcore2.URL(scheme="https", host=where.host, port=where.port, target=where.target),
            headers=_headers(errand),
            content=errand.body,
        )
        backend = _Judged(addresses, self._seconds)
        connection = httpcore2.AsyncHTTPConnection(request.url.origin, self._trust, network_backend=backend)
        try:
            async with aclosing(backend), aclosing(connection):
                return await _answer(await connection.handle_async_request(request), errand)
        except httpcore2.ConnectTimeout:
            raise FetchFailed(FetchFailure.TIMEOUT) from None
        except httpcore2.ConnectError as error:
            raise FetchFailed(_refusal(error)) from None
        except httpcore2.NetworkError:
            raise FetchFailed(FetchFailure.UNREACHABLE) from None
        except httpcore2.ProtocolError:
            raise FetchFailed(FetchFailure.BROKEN) from None


async def _answer(response: httpcore2.Response, errand: Errand) -> Fetched:
    body = bytearray()
    async for piece in response.aiter_stream():
        body += piece
        if len(body) > errand.most:
            if not errand.cut:
                raise FetchFailed(FetchFailure.TOO_LARGE)
            break
    headers = {name.lower().decode("latin-1"): value.decode("latin-1") for name, value in response.headers}
    return Fetched(response.status, headers, bytes(body[: errand.most]))


def _headers(errand: Errand) -> list[tuple[str, str]]:
    length = [] if errand.body is None else [("Content-Length", str(len(errand.body)))]
    usual = {"Accept-Encoding": "identity", "User-Agent": "Accredit", "Connection": "close"}
    return [("Host", errand.address.authority), *length, *(usual | dict(errand.headers)).items()]


def _refusal(error: httpcore2.ConnectError) -> FetchFailure:
    """Tell a server that is not the one that was meant from one that is not there."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return FetchFailure.UNTRUSTED
        cause = cause.__cause__ or cause.__context__
    return FetchFailure.UNREACHABLE


@contextmanager
def opened(allowed: Iterable[str], ca_file: Path | None = None) -> Iterator[GuardedFetch]:
    """Go where the public is, and what is `allowed`, until the block ends. Raises CannotTrust."""
    with closing(SystemResolver()) as resolver:
        yield GuardedFetch(resolver, Inside.parse(allowed), None if ca_file is None else trust(ca_file))


def trust(ca_file: Path | None = None) -> ssl.SSLContext:
    """Return whose certificates are believed: the system's authorities, and those of `ca_file` (PEM) besides.

    Raises CannotTrust when that file cannot be read, or holds no certificate.
    """
    found = ssl.create_default_context()
    if ca_file is not None:
        try:
            found.load_verify_locations(ca_file)
        except OSError:
            raise CannotTrust(f"fetch_ca: {ca_file} cannot be read, or holds no certificate in PEM") from None
    return found
