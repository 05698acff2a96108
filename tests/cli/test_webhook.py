"""`accredit webhook`, and the settings that say what may be reached."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from accredit import config
from accredit.cli.main import main
from accredit.config import ConfigurationProblems
from accredit.outbound.fetch import CannotTrust, trust
from accredit.testing.serving import serve
from tests.support.certified import Authority, Heard, authority, ok, saying, server
from tests.support.terminal import CommandLine, free_port

URL = "https://hooks.example.com/in"


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def receiver(ca: Authority) -> Iterator[Heard]:
    """A receiver on loopback that takes everything."""
    started, stop, found = threading.Event(), asyncio.Event(), []

    async def run() -> None:
        async with server(ca.context("localhost"), saying(ok())) as heard:
            found.append((heard, asyncio.get_running_loop()))
            started.set()
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    assert started.wait(10)
    heard, loop = found[0]
    yield heard
    loop.call_soon_threadsafe(stop.set)
    thread.join()


@pytest.fixture
def here(tmp_path: Path, ca: Authority, receiver: Heard, capsys: pytest.CaptureFixture[str]) -> Iterator[CommandLine]:
    """The command line of a node that may reach loopback."""
    allowed = ("127.0.0.0/8", "::1/128")
    with serve(tmp_path / "data", port=free_port(), fetch_allow=allowed, fetch_ca=ca.file) as node:
        yield CommandLine(node.folder, capsys)


def test_a_webhook_is_added_tried_shown_and_removed(here: CommandLine, receiver: Heard, tmp_path: Path) -> None:
    assert "webhook add" in here.ok("webhook", "list")
    url = f"https://localhost:{receiver.port}/in"
    made = here.data("webhook", "add", "pager", url, "--kind", "credential.expiring", "--kind", "key.rotated")
    assert made["secret"].startswith("whsec_")
    kept = tmp_path / "secret"
    told = here.ok("webhook", "add", "other", url, "--secret-file", str(kept))
    assert "whsec_" not in told
    assert kept.read_text().startswith("whsec_")
    before = len(receiver.requests)
    assert "has taken it" in here.ok("webhook", "test", "pager")
    assert here.data("webhook", "test", "other")["status"] == 200
    assert len(receiver.requests) == before + 2
    assert "it was told nothing yet" in here.ok("webhook", "show", "pager")
    assert here.data("webhook", "show", "pager")["kinds"] == ["credential.expiring", "key.rotated"]
    assert "pager" in here.ok("webhook", "list")
    assert here.run("webhook", "remove", "pager").code == 2
    assert here.data("webhook", "remove", "pager", "--yes") == {"webhook": "pager", "removed": True}
    assert [item["slug"] for item in here.data("webhook", "list")["items"]] == ["other"]
    assert here.run("webhook", "show", "pager").code == 1


def test_what_was_told_is_shown(here: CommandLine, receiver: Heard) -> None:
    here.ok("webhook", "add", "pager", f"https://localhost:{receiver.port}/in")
    here.ok("key", "rotate", "access", "--yes")
    assert "key.rotated" in here.ok("webhook", "show", "pager")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("add", "pager", "http://hooks.example.com/"), 1),
        (("add", "pager", "https://10.0.0.1/"), 1),
        (("add", "pager", URL, "--kind", "nothing"), 1),
        (("add", "Pager", URL), 1),
        (("add", "pager"), 2),
        (("test", "nobody"), 1),
        (("remove", "nobody", "--yes"), 1),
    ],
    ids=["http", "inside", "kind", "name", "no-url", "test-nobody", "remove-nobody"],
)
def test_what_cannot_be_meant_is_refused(settled: CommandLine, words: tuple[str, ...], code: int) -> None:
    assert settled.run("webhook", *words).code == code
    assert settled.data("webhook", "list")["items"] == []


def test_a_test_that_was_not_taken_ends_with_1_and_says_why(cli: CommandLine, receiver: Heard) -> None:
    cli.ok("webhook", "add", "pager", f"https://localhost:{receiver.port}/in")
    ran = cli.run("webhook", "test", "pager")
    assert (ran.code, "fetch_allow" in ran.err) == (1, True)
    ran = cli.run("webhook", "test", "pager", "--json")
    assert (ran.code, ran.data["failure"]) == (1, "forbidden")


# ------------------------------------------------------------------ settings
@pytest.mark.parametrize("text", ["10.0.0.1/8", "https://hooks.internal", "Hooks.internal", "169.254.169.254"])
def test_what_is_neither_a_host_nor_a_network_keeps_a_node_from_starting(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationProblems) as caught:
        config.load(data=tmp_path, fetch_allow=(text, "10.0.0.0/8"))
    (problem,) = caught.value.problems
    assert problem.startswith("fetch_allow:")
    assert text in problem


def test_a_file_without_a_certificate_is_no_file_of_authorities(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing\n")
    for name in ("empty.pem", "missing.pem"):
        with pytest.raises(CannotTrust, match=name):
            trust(tmp_path / name)


def test_a_node_whose_authorities_cannot_be_read_does_not_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCREDIT_FETCH_CA", str(tmp_path / "missing.pem"))
    assert main(["--data", str(tmp_path / "data"), "up", "--port", str(free_port())]) == 1
    assert "fetch_ca" in capsys.readouterr().err


def test_the_secret_of_a_webhook_outlives_a_new_master_key(
    tmp_path: Path, ca: Authority, receiver: Heard, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"fetch_allow": ("127.0.0.0/8", "::1/128"), "fetch_ca": ca.file, "issuer": "http://127.0.0.1:8700"}
    monkeypatch.setenv("ACCREDIT_ISSUER", "http://127.0.0.1:8700")
    line = CommandLine(tmp_path / "data", capsys)
    with serve(tmp_path / "data", port=free_port(), **given):
        line.ok("webhook", "add", "pager", f"https://localhost:{receiver.port}/in")
    line.ok("key", "rotate-master", "--yes")
    with serve(tmp_path / "data", port=free_port(), **given):
        assert line.data("webhook", "test", "pager")["delivered"] is True
