"""Servers that mean no good, or are none: reading them ends in a sentence, in bounded time, with nothing registered."""

import asyncio
import gzip
import time
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import pytest

from tests.support.stranger import Stranger, at_home, tool
from tests.support.terminal import CommandLine, Ran, free_port


def refused(cli: CommandLine, url: str, *words: str) -> Ran:
    """Import a server that must not be registered, and return how that ended."""
    before = cli.data("server", "list")
    began = time.monotonic()
    ran = cli.run("server", "add", url, "--name", "b", "--import", "--yes", *words)
    assert time.monotonic() - began < 20
    assert ran.out == ""
    assert len(ran.err) < 1000
    assert ran.err.startswith("✘ ")
    assert cli.data("server", "list") == before
    return ran


async def _zeros() -> AsyncIterator[bytes]:
    while True:
        yield b" " * 65_536


async def _packed() -> AsyncIterator[bytes]:
    yield gzip.compress(b" " * 100_000_000)


async def _silence() -> AsyncIterator[bytes]:
    yield b"{"
    await asyncio.Event().wait()


async def _comments() -> AsyncIterator[bytes]:
    for _ in count():
        yield b": still here\n\n" * 1000


async def _deep() -> AsyncIterator[bytes]:
    yield b'{"jsonrpc":"2.0","id":2,"result":' + b"[" * 1_000_000


async def _html() -> AsyncIterator[bytes]:
    yield b"<script>alert(1)</script>"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "headers", "code"),
    [
        (_zeros, {}, 1),
        (_comments, {"content-type": "text/event-stream"}, 1),
        (_packed, {"content-encoding": "gzip"}, 3),
        (_silence, {}, 3),
        (_silence, {"content-type": "text/event-stream"}, 3),
        (_deep, {}, 3),
        (_html, {}, 3),
        (_html, {"content-type": "text/html"}, 3),
    ],
)
def test_an_answer_without_end_or_sense_ends_in_a_sentence(
    settled: CommandLine, body: Any, headers: dict[str, str], code: int
) -> None:
    with at_home(Stranger(body=body, headers=headers)) as url:
        assert refused(settled, url, "--timeout", "2").code == code


def _endless(cursor: str | None) -> dict[str, Any]:
    number = int(cursor or 0) + 1
    return {"tools": [tool(f"t{number}")], "nextCursor": str(number)}


def _circle(cursor: str | None) -> dict[str, Any]:
    return {"tools": [], "nextCursor": "b" if cursor == "a" else "a"}


def _many(cursor: str | None) -> dict[str, Any]:
    return {"tools": [tool(f"t{number}") for number in range(10_000)]}


@pytest.mark.parametrize(("page", "most"), [(_endless, 101), (_circle, 5), (_many, 1)])
def test_lists_without_end_are_refused_and_not_read_for_ever(settled: CommandLine, page: Any, most: int) -> None:
    stranger = Stranger(page=page)
    with at_home(stranger) as url:
        assert refused(settled, url).code == 1
    assert stranger.asked.count("tools/list") <= most


@pytest.mark.parametrize(
    ("page", "code"),
    [
        ({"tools": "none"}, 3),
        ({"tools": [{"name": 7}]}, 3),
        ({"tools": [tool("a") | {"inputSchema": []}]}, 3),
        ({"nothing": []}, 3),
    ],
)
def test_a_list_that_is_none_is_refused(settled: CommandLine, page: dict[str, Any], code: int) -> None:
    with at_home(Stranger(page=lambda _: page)) as url:
        assert refused(settled, url).code == code


def test_nobody_there_is_said_so(settled: CommandLine) -> None:
    ran = refused(settled, f"http://127.0.0.1:{free_port()}/mcp")
    assert (ran.code, "cannot be reached" in ran.err) == (3, True)


@pytest.mark.parametrize(
    ("status", "told"),
    [(401, "--token-file"), (403, "403"), (404, "is not an MCP server"), (500, "500"), (307, "leads elsewhere")],
)
def test_a_server_that_does_not_let_us_in_is_said_so(settled: CommandLine, status: int, told: str) -> None:
    headers = {"location": "https://elsewhere.example/mcp"} if status == 307 else {"content-type": "text/plain"}
    stranger = Stranger(status=status, headers=headers)
    with at_home(stranger) as url:
        ran = refused(settled, url)
    assert (ran.code, told in ran.err) == (3, True), ran.err


def test_a_token_that_is_refused_is_said_so(settled: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCP_SERVER_TOKEN", "a-token")
    with at_home(Stranger(status=401, headers={"content-type": "text/plain"})) as url:
        ran = refused(settled, url)
    assert (ran.code, "401" in ran.err, "a-token" in ran.err) == (3, True, False)


HOSTILE = (
    tool("ok", description="<script>alert(1)</script>\x1b]0;owned\x07\n\u202egnp.exe " + "x" * 1_000_000),
    tool("\x1b[2Jclear", description="moves the cursor"),
    tool("a\nb"),
    tool(""),
    tool("x" * 300),
    tool("twice", annotations={"readOnlyHint": True}),
    tool("twice", annotations={"destructiveHint": True}),
    tool("openid"),
    tool("two words"),
    tool("账本"),
    tool("both", annotations={"readOnlyHint": True, "destructiveHint": True}),
    tool("'; DROP TABLE tools; --"),
)


def test_names_and_texts_of_a_stranger_are_shown_and_never_obeyed(cli: CommandLine) -> None:
    stranger = Stranger()
    stranger.tools(*HOSTILE)
    with at_home(stranger) as url:
        ran = cli.run("server", "add", url, "--name", "b", "--import", "--yes")
        assert ran.code == 0, ran.err
        assert cli.run("server", "sync", "b").code == 0
    for text in (ran.out, ran.err, cli.ok("server", "show", "b")):
        assert all(line.isprintable() for line in text.splitlines())
        assert max(map(len, text.splitlines()), default=0) < 1000
    shown = cli.data("server", "show", "b")
    assert {item["name"] for item in shown["tools"]} == {
        "ok", "openid", "two words", "账本", "both", "'; DROP TABLE tools; --",
    }  # fmt: skip
    assert shown["name"] == "A [31m stranger"
    assert shown["default_scopes"] == []
    assert [item["destructive"] for item in shown["tools"] if item["name"] == "both"] == [True]
    assert max(len(item["description"]) for item in shown["tools"]) <= 240
    assert "listed more than once" in ran.err


def test_as_many_as_can_be_registered_are(cli: CommandLine) -> None:
    stranger = Stranger()
    stranger.tools(*(tool(f"t{number}", description="Does " + "x" * 300) for number in range(1000)))
    with at_home(stranger) as url:
        made = cli.data("server", "add", url, "--name", "b", "--import", "--yes")["server"]
    assert len(made["tools"]) == len(made["scopes"]) == 1000
