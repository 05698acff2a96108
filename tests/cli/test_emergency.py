"""`accredit emergency`: the brake, pulled and let go."""

import pytest

from tests.support.terminal import CommandLine


def test_a_tool_is_denied_listed_and_lifted(ledger: CommandLine) -> None:
    assert "nothing is denied" in ledger.ok("emergency", "list")
    words = ("ledger", "--tool", "pay_invoice")
    found = ledger.data("emergency", "deny", *words, "--reason", "Pays twice", "--yes")
    assert [(one["kind"], one["name"], one["reason"]) for one in found["denied"]] == [
        ("tool", "pay_invoice", "Pays twice")
    ]
    assert found["reach"]["everywhere"] is True
    shown = ledger.ok("emergency", "list")
    assert "tool pay_invoice" in shown
    assert "Pays twice" in shown
    assert ledger.data("emergency", "list")["items"][0]["server"] == "ledger"
    assert "no longer" in ledger.ok("emergency", "lift", *words)
    assert ledger.data("emergency", "list")["items"] == []


def test_a_server_is_denied_as_a_whole(ledger: CommandLine) -> None:
    assert "denied to everybody" in ledger.ok("emergency", "deny", "ledger", "--yes", "--no-wait")
    assert "everything" in ledger.ok("emergency", "list")
    assert ledger.data("emergency", "lift", "ledger")["denied"] == []


@pytest.mark.parametrize(
    "words",
    [
        ("deny", "nobody", "--yes"),
        ("deny", "guard", "--yes"),
        ("deny", "ledger", "--tool", "x", "--kind", "thing", "--yes"),
        ("lift", "ledger"),
        ("lift", "ledger", "--tool", "pay_invoice"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_denied_or_lifted_ends_with_1(settled: CommandLine, words: tuple[str, ...]) -> None:
    assert settled.run("emergency", *words).code == 1
    assert settled.data("emergency", "list")["items"] == []


def test_nothing_is_denied_without_a_yes(settled: CommandLine) -> None:
    assert settled.run("emergency", "deny", "ledger").code == 2
