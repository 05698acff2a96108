"""A guarded MCP server on a real socket, and the Accredit behind it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from accredit_sdk import Guard
from accredit_sdk.guard.folder import Folder
from tests.support.authority import FakeAccredit
from tests.support.ledgers import Ledger
from tests.support.served import listening, served


@dataclass(frozen=True)
class Site:
    """The guarded server: its MCP endpoint, its handlers, its Accredit."""

    url: str
    ledger: Ledger
    accredit: FakeAccredit
    guard: Guard

    @property
    def port(self) -> int:
        """Where it listens."""
        return urlsplit(self.url).port or 0


@asynccontextmanager
async def guarded_site(
    folder: Path,
    ledger: Ledger,
    accredit: FakeAccredit,
    *,
    json: bool = False,
    stateless: bool = False,
    port: int = 0,
    **more: Any,
) -> AsyncIterator[Site]:
    """Serve `ledger` behind a guard that was enrolled at `accredit`, or has a `code` to do it by itself.

    `port` is the one of an earlier run in the same folder; `more` are settings of the guard.
    """
    listener, origin = listening(port)
    accredit.resource = f"{origin}/mcp"
    if "code" in more:
        accredit.codes[more["code"]] = accredit.resource
    elif not port:
        await accredit.enrol(Folder(folder))
    settings = {"poll_interval": 0.1, "clock": accredit.clock, "fetch": accredit.fetch(), **more}
    app = ledger.app(json=json, stateless=stateless)
    guard = Guard(app, issuer=accredit.issuer, resource=accredit.resource, folder=folder, **settings)
    with served(guard, listener, lifespan="on"):
        yield Site(f"{origin}/mcp", ledger, accredit, guard)
