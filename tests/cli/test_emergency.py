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


def test_a_software_is_denied_after_whom_it_stops_was_shown_listed_and_lifted(ledger: CommandLine) -> None:
    ledger.ok("app", "add", "portal", "--owner", "dana", "--software", "acme-cli", "--software-version", "2")
    assert "acme-cli 2" in ledger.ok("app", "show", "portal")
    words = ("--software", "acme-cli")
    said = ledger.ok("emergency", "deny", *words, "--reason", "Leaks", "--yes", "--no-wait")
    assert "app:portal" in said
    assert "the software acme-cli is denied to everybody" in said
    assert "software acme-cli" in ledger.ok("emergency", "list")
    (listed,) = ledger.data("emergency", "list")["software"]
    assert (listed["software_id"], listed["reason"]) == ("acme-cli", "Leaks")
    assert ledger.data("emergency", "lift", *words) == {
        "software_id": "acme-cli", "software_version": "", "denied": False,
    }  # fmt: skip
    assert "nothing is denied" in ledger.ok("emergency", "list")
    found = ledger.data("emergency", "deny", "--software", "else", "--software-version", "1", "--yes")
    assert found["concerned"] == {"clients": [], "servers": [], "guards": 0}
    assert (found["software_version"], found["reach"]["everywhere"]) == ("1", True)
    assert "no longer" in ledger.ok("emergency", "lift", "--software", "else", "--software-version", "1")
    assert ledger.data("app", "edit", "portal", "--software", "")["software_version"] == ""


@pytest.mark.parametrize("verb", ["deny", "lift"])
@pytest.mark.parametrize(
    "words",
    [(), ("ledger", "--software", "x"), ("--software", "x", "--tool", "y"), ("ledger", "--software-version", "1")],
    ids=["nothing", "a server, too", "a tool, too", "a version alone"],
)
def test_what_is_denied_is_either_a_software_or_of_a_server(
    settled: CommandLine, verb: str, words: tuple[str, ...]
) -> None:
    assert settled.run("emergency", verb, *words, *(("--yes",) if verb == "deny" else ())).code == 2
    assert settled.data("emergency", "list") == {"items": [], "software": []}


def test_a_software_is_not_denied_without_a_yes_nor_lifted_where_it_is_not_denied(settled: CommandLine) -> None:
    asked = settled.run("emergency", "deny", "--software", "acme-cli")
    assert asked.code == 2
    assert "none yet; those that come are denied, too" in asked.out
    assert settled.run("emergency", "lift", "--software", "acme-cli").code == 1
    assert settled.run("emergency", "deny", "--software", "two words", "--yes").code == 1
    assert settled.data("emergency", "list")["software"] == []
