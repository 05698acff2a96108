"""Webhooks of a server in a process of its own: what it had in hand when it was killed comes again, and says so."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.certified import Heard, authority, ok, server
from tests.support.process import free_port, up
from tests.support.until import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]


def ids(heard: Heard) -> list[bytes]:
    return [line for sent in heard.requests for line in sent.split(b"\r\n") if line.startswith(b"webhook-id: ")]


@pytest.fixture
async def hanging(tmp_path: Path) -> AsyncIterator[tuple[Heard, asyncio.Event, dict[str, str]]]:
    """A receiver that answers only once it may, and the settings with which a server reaches it."""
    may, ca = asyncio.Event(), authority(tmp_path / "ca")

    async def say(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await may.wait()
        writer.write(ok())
        await writer.drain()

    async with server(ca.context("localhost"), say) as heard:
        yield heard, may, {"fetch_allow": '["127.0.0.1", "::1"]', "fetch_ca": str(ca.file)}


async def test_kill_nine_loses_nothing_and_the_receiver_can_tell_a_repetition(
    tmp_path: Path, hanging: tuple[Heard, asyncio.Event, dict[str, str]]
) -> None:
    heard, may, settings = hanging
    where = f"https://localhost:{heard.port}/in"
    with up(tmp_path / "data", free_port(), issuer="https://id.example", **settings) as node:
        await asyncio.to_thread(node.made, "/webhooks", slug="pager", url=where, kinds=["key.rotated"])
        answer = await asyncio.to_thread(node.admin().post, "/keys/access/rotate")
        assert answer.is_success
        await eventually(lambda: len(heard.requests) == 1)
        node.kill()
    may.set()
    with up(tmp_path / "data", free_port(), issuer="https://id.example", **settings) as node:
        await eventually(lambda: len(heard.requests) == 2, 90)

        async def settled() -> bool:
            found = (await asyncio.to_thread(node.admin().get, "/webhooks/pager")).json()
            return [(one["state"], one["attempts"]) for one in found["deliveries"]] == [("delivered", 2)]

        await eventually(settled)
    first, second = ids(heard)
    assert first == second
    assert json.loads(heard.requests[1].partition(b"\r\n\r\n")[2])["type"] == "key.rotated"
