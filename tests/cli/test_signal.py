"""`accredit signal`, and what is said of guards after something was ended."""

from pathlib import Path

import pytest

from accredit.cli import signal
from accredit.testing.serving import Served
from accredit_sdk import Guard
from accredit_sdk.guard import authority
from accredit_sdk.guard.fetch import HttpFetch
from accredit_sdk.guard.folder import Folder
from accredit_sdk.guard.identity import pending_key
from tests.cli.conftest import RESOURCE
from tests.support.served import listening, served
from tests.support.terminal import CommandLine
from tests.support.until import until


async def _nothing(*_: object) -> None:
    """Stand in for a server."""


async def enrol(node: Served, cli: CommandLine, folder: Path) -> Guard:
    code = cli.data("guard", "enrol", "ledger", "--name", "front")["code"]
    fetch = HttpFetch(node.issuer)
    place = Folder(folder)
    assert not place.problems(writable=True)
    (await authority.enrol(fetch, node.issuer, code, pending_key(place))).save(place)
    await fetch.close()
    return Guard(_nothing, issuer=node.issuer, resource=RESOURCE, folder=folder)


async def test_after_a_suspension_it_is_said_when_the_last_guard_had_it(
    ledger: CommandLine, node: Served, tmp_path: Path
) -> None:
    ledger.ok("agent", "add", "bot", "--owner", "dana")
    with served(await enrol(node, ledger, tmp_path / "guard"), listening()[0], lifespan="on"):
        until(lambda: [one["state"] for one in ledger.data("guard", "list")["items"][0]["processes"]] == ["live"])
        said = ledger.ok("agent", "suspend", "bot", "--yes")
        assert "dead everywhere" in said
        assert " ms" in said
        assert ledger.ok("agent", "suspend", "bot", "--yes", "--no-wait").count("\n") == 1
        reach = ledger.data("server", "suspend", "ledger", "--yes")["reach"]
        assert (reach["everywhere"], reach["acknowledged"]) == (True, 1)
        assert 0 <= reach["took_ms"] < 5000
        assert "gin_" in ledger.ok("guard", "list")
    assert "reach" not in ledger.data("server", "suspend", "ledger", "--yes", "--no-wait")
    assert "gone" in ledger.ok("guard", "list")


async def test_whatever_kills_tokens_tells_when_the_last_guard_had_it(
    ledger: CommandLine, node: Served, tmp_path: Path
) -> None:
    ledger.ok("agent", "add", "bot", "--owner", "dana")
    ledger.ok("app", "add", "portal", "--owner", "dana")
    key = next(one for one in ledger.data("key", "list")["items"] if (one["use"], one["state"]) == ("access", "active"))
    commands = (
        ("agent", "credential", "rotate", "bot", "--now", "--yes", "--json"),
        ("app", "credential", "rotate", "portal", "--now", "--yes", "--json"),
        ("key", "withdraw", "--yes", "--json", "--", key["kid"]),
        ("agent", "remove", "bot", "--yes", "--json"),
        ("app", "remove", "portal", "--yes", "--json"),
    )
    with served(await enrol(node, ledger, tmp_path / "guard"), listening()[0], lifespan="on"):
        until(lambda: [one["state"] for one in ledger.data("guard", "list")["items"][0]["processes"]] == ["live"])
        for words in commands:
            reach = ledger.run(*words).data["reach"]
            assert (reach["everywhere"], reach["acknowledged"]) == (True, 1), words
            assert 0 <= reach["took_ms"] < 5000
        ledger.ok("agent", "add", "bot", "--owner", "dana")
        assert "dead everywhere" in ledger.ok("agent", "credential", "rotate", "bot", "--now", "--yes")
        assert "reach" not in ledger.data("agent", "credential", "rotate", "bot")
        last = ledger.data("agent", "show", "bot")["credentials"][0]["id"]
        ledger.ok("agent", "credential", "revoke", "bot", last, "--yes")
        assert "reach" not in ledger.data("agent", "credential", "rotate", "bot", "--now", "--yes", "--no-wait")
        assert "dead everywhere" in ledger.ok("agent", "remove", "bot", "--yes")


def test_without_a_guard_nobody_is_waited_for(ledger: CommandLine) -> None:
    ledger.ok("agent", "add", "bot", "--owner", "dana")
    assert "no guard" in ledger.ok("agent", "suspend", "bot", "--yes")
    credential = ledger.data("agent", "show", "bot")["credentials"][0]["id"]
    found = ledger.data("agent", "credential", "revoke", "bot", credential, "--yes")
    assert (found["state"], found["reach"]["everywhere"]) == ("revoked", True)


@pytest.mark.parametrize("silent", [False, True], ids=["waiting", "silent"])
def test_a_guard_that_has_it_not_is_named_with_the_time_from_which_it_refuses(
    ledger: CommandLine, monkeypatch: pytest.MonkeyPatch, silent: bool
) -> None:
    late = [{"guard": "front", "instance": "gin_1", "refuses_at": "2098-01-01T00:00:00Z"}]
    answer = {"seq": 9, "everywhere": False, "acknowledged": 2, "took_ms": 12.4, "everywhere_at": None}
    answer |= {"waiting": [], "silent": late} if silent else {"waiting": late, "silent": []}
    monkeypatch.setattr("accredit.cli.client.Client.get", lambda *_, **__: answer)
    ledger.ok("agent", "add", "bot", "--owner", "dana")
    ran = ledger.run("agent", "suspend", "bot", "--yes")
    assert ran.code == 0
    assert "2 guards had it after 12 ms" in ran.out
    assert "front" in ran.err
    assert "2098-01-01" in ran.err


def test_the_tail_shows_the_last_signals_in_their_order(ledger: CommandLine) -> None:
    ledger.ok("agent", "add", "bot", "--owner", "dana")
    ledger.ok("agent", "suspend", "bot", "--yes")
    items = ledger.data("signal", "tail", "-n", "2")["items"]
    assert [one["seq"] for one in items] == sorted(one["seq"] for one in items)
    assert items[-1]["kind"] == "suspended"
    last = ledger.ok("signal", "tail", "-n", "1").split()
    assert last[0] == str(items[-1]["seq"])
    assert "suspended" in last


def test_the_tail_goes_on_until_it_is_interrupted(ledger: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger.ok("agent", "add", "bot", "--owner", "dana")
    rounds: list[float] = []

    def nap(seconds: float) -> None:
        rounds.append(seconds)
        if len(rounds) == 1:
            ledger.run("agent", "suspend", "bot", "--yes", "--no-wait")
        else:
            raise KeyboardInterrupt

    monkeypatch.setattr(signal.time, "sleep", nap)
    assert "suspended" in ledger.ok("signal", "tail", "-n", "1", "-f")
    assert len(rounds) == 2
