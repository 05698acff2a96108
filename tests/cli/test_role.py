"""`accredit role`."""

import pytest

from tests.support.terminal import CommandLine


@pytest.fixture
def bot(ledger: CommandLine) -> CommandLine:
    ledger.ok("agent", "add", "bot", "--owner", "dana@example.com")
    ledger.ok("role", "add", "reader", "--scope", "ledger=ledger:read", "--title", "Readers")
    return ledger


def test_a_role_is_made_shown_and_listed_with_what_it_carries(bot: CommandLine) -> None:
    shown = bot.data("role", "show", "reader")
    assert (shown["name"], shown["scopes"]) == ("Readers", {"ledger": ["ledger:read"]})
    assert bot.data("role", "list")["items"] == [shown]
    assert bot.ok("role", "list").splitlines()[-1].split() == ["reader", "Readers", "ledger:read", "on", "ledger"]
    assert "ledger:read" in bot.ok("role", "show", "reader")


def test_a_role_may_begin_empty_and_says_so(bot: CommandLine) -> None:
    assert bot.data("role", "add", "empty")["scopes"] == {}
    assert "role scopes" in bot.ok("role", "show", "empty")


def test_what_a_role_carries_is_set_for_each_named_server_and_taken_out(bot: CommandLine) -> None:
    bot.ok("server", "add", "http://127.0.0.1:9001/mcp", "--name", "notes", "--scope", "read")
    both = ("--scope", "ledger=ledger:pay", "--scope", "ledger=ledger:read", "--scope", "notes=read")
    assert bot.data("role", "scopes", "reader", *both)["scopes"] == {
        "ledger": ["ledger:pay", "ledger:read"], "notes": ["read"],
    }  # fmt: skip
    assert bot.data("role", "scopes", "reader", "--scope", "ledger=")["scopes"] == {"notes": ["read"]}


def test_a_role_is_given_to_an_agent_until_an_end_and_taken_again(bot: CommandLine) -> None:
    assert bot.data("role", "assign", "reader", "bot")["ends_at"] is None
    end = bot.data("role", "assign", "reader", "bot", "--until", "30d")["ends_at"]
    assert bot.data("agent", "show", "bot")["roles"][0]["ends_at"] == end
    assert end[:10] in bot.ok("role", "assign", "reader", "bot", "--until", end)
    assert bot.data("role", "unassign", "reader", "bot", "--yes") == {
        "role": "reader", "holder": "bot", "assigned": False,
    }  # fmt: skip
    assert bot.data("agent", "show", "bot")["roles"] == []
    assert "role assign" in bot.ok("agent", "show", "bot")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("role", "scopes", "reader"), 2),
        (("role", "add", "other", "--scope", "ledger"), 2),
        (("role", "add", "other", "--scope", "=ledger:read"), 2),
        (("role", "add", "reader"), 1),
        (("role", "add", "other", "--scope", "ledger=nothing"), 1),
        (("role", "add", "other", "--scope", "nobody=read"), 1),
        (("role", "scopes", "reader", "--scope", "nobody=read"), 1),
        (("role", "show", "nobody"), 1),
        (("role", "assign", "reader", "nobody"), 1),
        (("role", "assign", "nobody", "bot"), 1),
        (("role", "assign", "reader", "bot", "--until", "yesterday"), 1),
        (("role", "unassign", "reader", "bot", "--yes"), 1),
    ],
)
def test_what_cannot_be_done_ends_with_its_code_and_changes_nothing(
    settled: CommandLine, words: tuple[str, ...], code: int
) -> None:
    before = settled.data("role", "list"), settled.data("agent", "show", "bot")
    assert settled.run(*words).code == code
    assert (settled.data("role", "list"), settled.data("agent", "show", "bot")) == before
