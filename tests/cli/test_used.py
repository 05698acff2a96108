"""`accredit role suggest` and `accredit report unused-scopes`."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from accredit.cli.manifest_file import load
from tests.support.terminal import CommandLine

END = {
    "kind": "end", "records": 4, "clients": 1, "gaps": [{"gap": "rare", "sentence": "rare things"}],
    "document": {"accredit": 1, "agents": {"bot": {"roles": {}}}},
}  # fmt: skip


def scope(verdict: str, word: str = "ledger:read", **more: Any) -> dict[str, Any]:
    usual = {
        "server": "ledger", "scope": word, "verdict": verdict, "calls": 3, "allowed": 0, "observed": 0, "refused": 0,
        "last": "2030-01-01T00:00:00Z", "roles": [],
    }  # fmt: skip
    return usual | more


def answering(*lines: dict[str, Any] | bytes) -> httpx2.MockTransport:
    raw = b"".join(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines)
    return httpx2.MockTransport(lambda _: httpx2.Response(200, content=raw))


def client(*scopes: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "client", "client": "bot", "created_at": None, "calls": 3, "scopes": list(scopes)}


def test_verdicts_roles_and_what_cannot_be_seen_are_shown(settled: CommandLine) -> None:
    carrier = {"role": "reader", "group": "staff", "until": "2031-01-01T00:00:00Z"}
    lines = (
        {"kind": "progress", "records": 4, "clients": 0},
        client(
            scope("keep", roles=[carrier]),
            scope("wider"),
            scope("unused"),
            scope("unseen"),
            scope("missing", refused=3, observed=1),
            scope("missing"),
        ),
        {
            "kind": "role", "role": "suggested-1", "known": False, "scopes": {"ledger": ["ledger:read"]},
            "holders": [{"client": "bot", "until": "2031-01-01T00:00:00Z"}],
        },
        END,
    )  # fmt: skip
    said = settled.run("role", "suggest", transport=answering(*lines))
    assert said.code == 0
    for part in (
        "reader (group:staff) until 2031-01-01",
        "wider than needed",
        "unused, could go",
        "no calls recorded",
        "missing, refused 3 times, let through once",
        "missing, held no longer",
        "suggested-1",
        "ledger:read on ledger",
        "bot until 2031-01-01",
        "What 4 records of 1 client cannot tell:",
        "rare things",
    ):
        assert part in said.out, part


def test_more_than_anybody_reads_is_counted(settled: CommandLine) -> None:
    many = [scope("unused", f"scope-{number}") for number in range(130)]
    said = settled.run("report", "unused-scopes", transport=answering(client(*many), END))
    assert "30 more" in said.out
    data = settled.run("report", "unused-scopes", "--json", transport=answering(client(*many), END)).data
    assert len(data["items"][0]["scopes"]) == 130
    assert data["looked_at"] == {"records": 4, "clients": 1}


@pytest.mark.parametrize("lines", [(), (client(),), (client(), b'{"kind": "en')], ids=["none", "no-end", "half-a-line"])
def test_an_answer_that_breaks_off_is_not_taken_for_a_whole_one(settled: CommandLine, lines: tuple[Any, ...]) -> None:
    for words in (("role", "suggest"), ("report", "unused-scopes")):
        assert settled.run(*words, transport=answering(*lines)).code == 3


def test_the_file_is_written_once_and_only_when_there_is_something_to_write(
    settled: CommandLine, tmp_path: Path
) -> None:
    file = tmp_path / "accredit.yaml"
    words = ("role", "suggest", "--file", str(file))
    for document in (None, {"accredit": 1}):
        assert settled.run(*words, transport=answering(END | {"document": document})).code == 1
        assert not file.exists()
    said = settled.run(*words, transport=answering(END))
    assert (said.code, f"accredit plan {file}" in said.out) == (0, True)
    written = file.read_text()
    assert load(file).sound(file) == END["document"], "plan reads what was written"
    assert settled.run(*words, transport=answering(END)).code == 2
    assert file.read_text() == written
    assert settled.run(*words[:3], str(tmp_path / "no" / "where"), transport=answering(END)).code == 2


def test_a_real_node_is_asked_about_clients_and_servers(settled: CommandLine, tmp_path: Path) -> None:
    assert "no role can be made" in settled.ok("role", "suggest", "bot", "--server", "ledger", "--since", "12h")
    found = settled.data("role", "suggest")
    assert (found["clients"], found["roles"], found["document"]) == ([], [], {"accredit": 1})
    assert "no guard reported a call of ledger" in settled.ok("report", "unused-scopes")
    for words in (("nobody",), ("--server", "nowhere"), ("--since", "yesterday"), ("group:x",)):
        assert settled.run("role", "suggest", *words).code == 1
        assert settled.run("report", "unused-scopes", *words).code == 1
