"""A node with an archive, and what is in that."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from accredit import app, config
from accredit.audit.export import Examination
from accredit_sdk import keys
from tests.support.admin import Admin, administration

_ASKED: ContextVar[object] = ContextVar("_ASKED", default=None)

FUTURE = "2999-01-01T00:00:00Z"


@dataclass
class Place:
    """A node with an archive, and checkpoints outside."""

    admin: Admin
    archive: Path
    outside: Path

    def verified(self, lines: list[bytes]) -> Any:
        """Verify lines with what is outside."""
        kept = [line for path in sorted(self.outside.glob("*.jws")) for line in path.read_bytes().splitlines()]
        examination = Examination(keys.parse_jwks((self.outside / "keys.json").read_bytes()), kept)
        for line in lines:
            examination.line(line)
        return examination.report()

    def files(self) -> dict[str, list[bytes]]:
        """Return the lines of every archived file."""
        return {path.name: path.read_bytes().splitlines() for path in sorted(self.archive.glob("*"))}

    def spoil(self) -> None:
        """Let the archive be no folder."""
        self.archive.write_text("")

    def held(self) -> list[tuple[str, int]]:
        """Return chain and number of each record in each file, as often as it is there."""
        headers = [json.loads(line).get("header") for lines in self.files().values() for line in lines]
        said = [json.loads(header) for header in headers if header is not None]
        return [(header["chain"], header["seq"]) for header in said]

    async def kept(self) -> list[tuple[str, int]]:
        """Return chain and number of each record that is in the database."""
        lines = (await self.admin.http.get("/audit/export")).content.splitlines()
        headers = [json.loads(line).get("header") for line in lines]
        said = [json.loads(header) for header in headers if header is not None]
        return [(header["chain"], header["seq"]) for header in said]


@asynccontextmanager
async def archiving(engine_url: str, folder: Path) -> AsyncIterator[Place]:
    """Run a node that has an archive, on the database with that address, until the block ends."""
    database = None if engine_url.startswith("sqlite") else engine_url
    archive, outside = folder / "archive", folder / "outside"
    if database is not None:
        await app.migrate_database(config.load(data=folder / "data", database=database))
    async with administration(folder / "data", database, archive=archive, checkpoints=outside) as admin:
        yield Place(admin, archive, outside)


async def records(admin: Admin) -> int:
    """Return how many records are in the database."""
    return sum(item["records"] for item in (await admin.ok("GET", "/audit/verify"))["chains"])


def between(
    monkeypatch: pytest.MonkeyPatch, owner: type, name: str, number: int, work: Callable[[], Awaitable[Any]]
) -> None:
    """Let `work` be done once, right behind the call of a method with that number, counted from 1.

    Only calls for this test count: jobs of the node come and go as they like.
    """
    real, calls, mine = getattr(owner, name), [0], object()
    _ASKED.set(mine)

    async def followed(self: Any, *given: Any) -> Any:
        answer = await real(self, *given)
        calls[0] += _ASKED.get() is mine
        if _ASKED.get() is mine and calls[0] == number:
            await work()
        return answer

    monkeypatch.setattr(owner, name, followed)
