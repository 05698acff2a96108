"""`python -m accredit_sdk.guard enrol`: a code becomes an identity, once, and nothing of it is ever shown."""

import base64
import io
import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from accredit.testing.serving import Served, serve
from accredit_sdk import keys
from accredit_sdk.guard.__main__ import main
from accredit_sdk.guard.fetch import HttpFetch, Reply, Unreachable
from accredit_sdk.jws import Algorithm
from tests.support.terminal import free_port

RESOURCE = "http://127.0.0.1:9000/mcp"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A node with one server."""
    with serve(tmp_path_factory.mktemp("node") / "data", port=free_port()) as found:
        ask(found, "/servers", {"slug": "ledger", "resource": RESOURCE})
        yield found


def ask(node: Served, where: str, body: object) -> dict[str, str]:
    with httpx2.Client(transport=httpx2.HTTPTransport(uds=str(node.socket)), base_url="http://accredit/api/v1") as http:
        answer = http.post(where, json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, str] = answer.json()
    return found


@pytest.fixture
def code(node: Served) -> str:
    """A code that was not used yet."""
    return ask(node, "/servers/ledger/enrolments", {})["code"]


def enrol(issuer: str, folder: Path, *more: str) -> int:
    return main(["enrol", "--issuer", issuer, "--folder", str(folder), *more])


def given(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_a_code_from_standard_input_becomes_an_identity_that_only_its_owner_reads(
    node: Served, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given(monkeypatch, code + "\n")
    assert enrol(node.issuer, tmp_path / "guard") == 0
    identity = tmp_path / "guard" / "identity.json"
    stored = json.loads(identity.read_text())
    assert (stored["issuer"], stored["resource"]) == (node.issuer, RESOURCE)
    assert identity.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "guard").stat().st_mode & 0o777 == 0o700
    said = capsys.readouterr()
    assert stored["client_id"] in said.out
    assert code not in said.out + said.err + identity.read_text()
    assert stored["key"] not in said.out + said.err


def test_a_code_from_a_file_is_as_good(node: Served, code: str, tmp_path: Path) -> None:
    (tmp_path / "code").write_text(code + "\n")
    assert enrol(node.issuer, tmp_path / "guard", "--code-file", str(tmp_path / "code")) == 0
    assert (tmp_path / "guard" / "identity.json").exists()


def test_a_code_that_was_used_makes_no_second_identity(
    node: Served, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given(monkeypatch, code)
    assert enrol(node.issuer, tmp_path / "first") == 0
    given(monkeypatch, code)
    assert enrol(node.issuer, tmp_path / "second") == 1
    assert not (tmp_path / "second" / "identity.json").exists()


@pytest.mark.parametrize("text", ["ace_" + "a" * 43, "", "\n", "x" * 300, "caf\u00e9", "a\x1b[31mb", "\0"])
def test_what_is_no_code_makes_no_identity(
    node: Served, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given(monkeypatch, text)
    assert enrol(node.issuer, tmp_path / "guard") == 1
    assert not (tmp_path / "guard" / "identity.json").exists()
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("guard: ")
    assert "\x1b" not in said.err


def test_an_identity_that_is_there_is_kept_and_no_code_is_spent(
    node: Served, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given(monkeypatch, code)
    assert enrol(node.issuer, tmp_path / "guard") == 0
    before = (tmp_path / "guard" / "identity.json").read_bytes()
    another = ask(node, "/servers/ledger/enrolments", {})["code"]
    given(monkeypatch, another)
    assert enrol(node.issuer, tmp_path / "guard") == 1
    assert (tmp_path / "guard" / "identity.json").read_bytes() == before
    given(monkeypatch, another)
    assert enrol(node.issuer, tmp_path / "other") == 0


def test_a_broken_identity_is_not_written_over(
    node: Served, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "identity.json").write_text("{}")
    given(monkeypatch, code)
    assert enrol(node.issuer, tmp_path) == 1
    assert (tmp_path / "identity.json").read_text() == "{}"


def test_an_issuer_that_does_not_answer_leaves_the_code_good(
    node: Served, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        given(monkeypatch, code)
        assert enrol(f"http://127.0.0.1:{closed.getsockname()[1]}", tmp_path / "guard") == 1
    given(monkeypatch, code)
    assert enrol(node.issuer, tmp_path / "guard") == 0


def test_an_answer_that_is_lost_on_its_way_costs_no_code(
    node: Served, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = HttpFetch.send

    async def lost(fetch: HttpFetch, *request: Any) -> Reply:
        await whole(fetch, *request)
        raise Unreachable("the line broke")

    with monkeypatch.context() as broken:
        broken.setattr(HttpFetch, "send", lost)
        given(broken, code)
        assert enrol(node.issuer, tmp_path / "guard") == 1
    assert "the code is still good, try again" in capsys.readouterr().err
    assert (tmp_path / "guard" / "enrol.key").stat().st_mode & 0o777 == 0o600
    given(monkeypatch, code)
    assert enrol(node.issuer, tmp_path / "guard") == 0
    assert not (tmp_path / "guard" / "enrol.key").exists()


@pytest.mark.parametrize("spoilt", ["nonsense", ""])
def test_a_key_that_cannot_be_read_is_made_anew(
    node: Served, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoilt: str
) -> None:
    (tmp_path / "enrol.key").write_text(spoilt)
    (tmp_path / "enrol.key").chmod(0o600)
    given(monkeypatch, code)
    assert enrol(node.issuer, tmp_path) == 0


def test_a_key_that_others_could_read_is_not_used(
    node: Served, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = keys.private_bytes(keys.generate(Algorithm.ES256))
    (tmp_path / "enrol.key").write_bytes(key)
    (tmp_path / "enrol.key").chmod(0o644)
    given(monkeypatch, code)
    assert enrol(node.issuer, tmp_path) == 0
    stored = json.loads((tmp_path / "identity.json").read_text())["key"]
    assert base64.b64decode(stored) != key


@pytest.mark.parametrize("issuer", ["not a url", "http://id.example.com", "https://ID.example.com/", "ftp://x", ""])
def test_an_issuer_in_another_spelling_is_refused_before_the_code_is_read(
    issuer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Unread(io.StringIO):
        def readline(self, *_: object) -> str:
            raise AssertionError("the code was read")

    monkeypatch.setattr(sys, "stdin", Unread())
    assert enrol(issuer, tmp_path / "guard") == 1


def test_a_folder_that_cannot_be_made_or_a_file_that_is_not_there_is_a_sentence(
    node: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert enrol(node.issuer, tmp_path / "file" / "guard") == 1
    assert enrol(node.issuer, tmp_path / "guard", "--code-file", str(tmp_path / "nothing")) == 1
    (tmp_path / "code").write_bytes(b"\xff\xfe")
    assert enrol(node.issuer, tmp_path / "guard", "--code-file", str(tmp_path / "code")) == 1
    assert capsys.readouterr().err.count("guard: ") == 3


def test_the_command_line_has_no_place_for_the_code() -> None:
    with pytest.raises(SystemExit) as ended:
        main(["enrol", "--issuer", "https://id.example.com", "--folder", "x", "--code", "ace_x"])
    assert ended.value.code == 2
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2
