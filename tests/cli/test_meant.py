"""A name that is not known is told with the one that was probably meant, of those that are there."""

from typing import Any

import httpx2
import pytest

from tests.support.terminal import CommandLine

# The transport of httpx2 leaves the socket of a connection that failed to the collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("server", "show", "ledgr"), "ledger"),
        (("server", "scope", "leger", "ledger:more"), "ledger"),
        (("guard", "enrol", "ledgers"), "ledger"),
        (("role", "show", "raeder"), "reader"),
        (("role", "assign", "readr", "bot"), "reader"),
        (("role", "assign", "reader", "bto"), "bot"),
        (("agent", "show", "bott"), "bot"),
        (("agent", "suspend", "bt", "--yes"), "bot"),
        (("agent", "add", "new", "--owner", "dana", "--role", "readers"), "reader"),
        (("role", "add", "new", "--scope", "ledgre=ledger:read"), "ledger"),
    ],
)
def test_a_slip_is_told_with_the_name_that_was_meant(settled: CommandLine, words: tuple[str, ...], meant: str) -> None:
    ran = settled.run(*words)
    assert ran.code == 1
    assert ran.err.rstrip().endswith(f"did you mean {meant!r}?")
    assert settled.run(*words, "--json").trouble["type"] == "urn:accredit:problem:not_found"


def test_where_nothing_is_alike_nothing_is_proposed(settled: CommandLine) -> None:
    assert "did you mean" not in settled.run("server", "show", "completely-different").err


@pytest.mark.parametrize(
    "answers",
    [
        {"kind": "server", "name": "ledgr"},
        {"kind": "server", "name": "ledgr", "items": [{"slug": 5}, {}], "next": None},
        {"kind": "server", "name": "ledgr", "items": [{"slug": "elsewhere"}], "next": "again"},
        {"kind": 5, "name": []},
        {"kind": "../..", "name": "x" * 100_000},
    ],
    ids=["no list", "no slugs", "no end", "no text", "a way up"],
)
def test_whatever_answers_in_the_place_of_a_list_the_trouble_itself_is_told_once(
    settled: CommandLine, answers: dict[str, Any]
) -> None:
    asked: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url.path)
        return httpx2.Response(404, json={"detail": "it is not there", **answers})

    ran = settled.run("server", "show", "ledgr", transport=httpx2.MockTransport(answer))
    assert (ran.code, ran.err) == (1, "✘ it is not there\n")
    assert len(asked) <= 6
