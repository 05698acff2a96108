"""The agent's own HTTP: the questions of a flow, with limits of time and size, and without redirects or cookies."""

from collections.abc import AsyncIterator, Callable, Generator
from typing import Final, TypeVar, cast

import anyio
import httpx2

from accredit_sdk.agent import trace
from accredit_sdk.agent.flow import LARGEST, Request, Response
from accredit_sdk.agent.identity import AgentError, shown

T = TypeVar("T")

_TIMEOUT: Final = httpx2.Timeout(10, connect=5)
_DEADLINE: Final = 15.0
_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")


def client() -> httpx2.AsyncClient:
    """Return a client for metadata and tokens. Proxies of the environment apply, except towards this machine."""
    direct = {f"all://{host}": None for host in _LOOPBACK}
    return httpx2.AsyncClient(timeout=_TIMEOUT, mounts=direct)


async def drive(make: Callable[[], httpx2.AsyncClient], work: Generator[Request, Response, T]) -> T:
    """Send what a flow yields, until it returns. Raises AgentError, also when all of it takes too long."""
    try:
        with anyio.fail_after(_DEADLINE):
            async with make() as http:
                return await _driven(http, work)
    except TimeoutError:
        raise AgentError(f"metadata and token took longer than {_DEADLINE:.0f} seconds; try again later") from None


async def _driven(http: httpx2.AsyncClient, work: Generator[Request, Response, T]) -> T:
    try:
        question = next(work)
        while True:
            question = work.send(await _sent(http, question))
    except StopIteration as done:
        result: T = done.value
        return result


async def _sent(http: httpx2.AsyncClient, question: Request) -> Response:
    try:
        return await _answered(http, question)
    except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
        trouble = type(error).__name__
    # Raised out here: the error of the client holds the request, and so the credential.
    raise AgentError(f"{shown(question.url)} cannot be reached ({trouble})")


def _traced() -> dict[str, str]:
    found = trace.parent()
    return {} if found is None else {trace.HEADER: found}


async def _answered(http: httpx2.AsyncClient, question: Request) -> Response:
    request = http.build_request(
        question.method,
        question.url,
        headers={**question.headers, "accept-encoding": "identity", **_traced()},
        content=question.content or None,
    )
    answer = await http.send(request, auth=None, follow_redirects=False, stream=True)
    try:
        body = b"".join(
            [chunk async for chunk in _bounded(aiter(cast(httpx2.AsyncByteStream, answer.stream)), LARGEST + 1)]
        )
    finally:
        await answer.aclose()
    encoded = answer.headers.get("content-encoding", "identity").lower() != "identity"
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Response(answer.status_code, headers, b"" if encoded else body)


class Shortened(httpx2.AsyncByteStream):
    """The body of a refusal that is answered: read as far as it is of a sensible size, and no further."""

    def __init__(self, whole: httpx2.AsyncByteStream) -> None:
        self._whole = whole

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the beginning."""
        async for chunk in _bounded(aiter(self._whole), LARGEST):
            yield chunk

    async def aclose(self) -> None:
        """Let go of the connection."""
        await self._whole.aclose()


async def _bounded(chunks: AsyncIterator[bytes], most: int) -> AsyncIterator[bytes]:
    left = most
    async for chunk in chunks:
        yield chunk[:left]
        left -= len(chunk)
        if left <= 0:
            return
