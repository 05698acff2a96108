"""When the connection breaks, what was to be made is made once, and the command line says what is known."""

import httpx2
import pytest

from accredit.testing.serving import Served
from tests.support.terminal import CommandLine


class Breaking(httpx2.BaseTransport):
    """The way to the real server: it loses the first answers to POST, after they were given."""

    def __init__(self, node: Served, times: int) -> None:
        self._way = httpx2.HTTPTransport(uds=str(node.folder / "admin.sock"))
        self._times = times
        self.keys: list[str | None] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = self._way.handle_request(request)
        if request.method != "POST":
            return answer
        self.keys.append(request.headers.get("idempotency-key"))
        if len(self.keys) <= self._times:
            answer.read()
            answer.close()
            raise httpx2.RemoteProtocolError("the server went away")
        return answer

    def close(self) -> None:
        self._way.close()


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize(
    "words",
    [
        ("server", "add", "http://127.0.0.1:9002/mcp", "--name", "fresh"),
        ("role", "add", "fresh", "--scope", "ledger=ledger:read"),
        ("key", "rotate", "access", "--yes"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_an_answer_that_was_lost_is_asked_for_again(
    ledger: CommandLine, node: Served, words: tuple[str, ...], times: int
) -> None:
    way = Breaking(node, times)
    ran = ledger.run(*words, transport=way)
    assert ran.code == 0, ran.err
    assert len(way.keys) == times + 1
    assert len(set(way.keys)) == 1
    action = {"server": "server.add", "role": "role.add", "key": "key.rotate"}[words[0]]
    items = ledger.data("audit", "search", "--kind", "administered")["items"]
    made = [item["person"]["summary"] for item in items if item["person"]["action"] == action]
    assert sum("fresh" in told or action == "key.rotate" for told in made) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("agent", "add", "fresh", "--owner", "dana"),
        ("agent", "credential", "add", "bot"),
        ("guard", "enrol", "ledger"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_a_secret_that_was_lost_is_said_to_be_lost(ledger: CommandLine, node: Served, words: tuple[str, ...]) -> None:
    ledger.ok("agent", "add", "bot", "--owner", "dana")
    ran = ledger.run(*words, "--json", transport=Breaking(node, 1))
    assert (ran.code, ran.out) == (3, "")
    made = ran.trouble["made"]
    assert {made.get("secret"), made.get("code")} == {None}
    assert made.get("slug") == "fresh" or made.get("client") == "bot" or made["server"] == "ledger"


def test_a_connection_that_never_holds_is_given_up(ledger: CommandLine, node: Served) -> None:
    way = Breaking(node, 99)
    assert ledger.run("role", "add", "fresh", transport=way).code == 3
    assert len(way.keys) == 3
    assert [item["slug"] for item in ledger.data("role", "list")["items"]] == ["fresh"]


def test_what_ends_something_is_not_sent_again(ledger: CommandLine, node: Served) -> None:
    way = Breaking(node, 1)
    assert ledger.run("server", "suspend", "ledger", "--yes", transport=way).code == 3
    assert way.keys == [None]
