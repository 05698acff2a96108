"""A guard as it runs in somebody's server."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from accredit_sdk import Guard
from accredit_sdk.guard.folder import Folder
from accredit_sdk.guard.moment import now
from bench.running import BUILD
from bench.tool_call import App, Message, lifespan
from tests.support.authority import FakeAccredit

_PATIENCE: Final = 30.0
_ANSWER: Final = (
    b'{"jsonrpc":"2.0","id":1,"result":{"content":[{"text":"ok","type":"text"}],"isError":false,'
    b'"resultType":"complete","structuredContent":{"result":"ok"},'
    b'"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"bench","version":""}}}}'
)


async def trivial(scope: Message, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
    """Serve as the app behind the guard: read the body, and give an answer of the MCP SDK's without making it."""
    if scope["type"] == "http":
        await receive()
        headers = [(b"content-length", b"%d" % len(_ANSWER)), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": _ANSWER})


@asynccontextmanager
async def begun_guard(app: App = trivial) -> AsyncIterator[tuple[Guard, FakeAccredit]]:
    """Begin a guard around `app` with a spool under build/, and everything on: feed, flusher, shipper, real clock.

    Accredit is in this process too; it takes and checks the records whenever the event loop comes round.
    """
    (BUILD / "bench").mkdir(parents=True, exist_ok=True)
    accredit = FakeAccredit(clock=now)
    with tempfile.TemporaryDirectory(dir=BUILD / "bench") as name:
        await accredit.enrol(Folder(Path(name) / "guard"))
        fetch = accredit.fetch()
        guard = Guard(app, issuer=accredit.issuer, resource=accredit.resource, folder=Path(name) / "guard", fetch=fetch)
        async with lifespan(guard):
            await _first_knowledge(guard)
            yield guard, accredit
        await fetch.close()


async def _first_knowledge(guard: Guard) -> None:
    """Wait for the first snapshot: a guard begins without it when that takes long, as on a machine that is busy."""
    async with asyncio.timeout(_PATIENCE):
        while guard._gate.knowledge is None:  # noqa: ASYNC110, SLF001  (a guard tells nobody but by its answers)
            await asyncio.sleep(0.01)
