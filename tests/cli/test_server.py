"""`accredit server`."""

from pathlib import Path

import pytest

from tests.cli.conftest import LEDGER, RESOURCE
from tests.support.terminal import CommandLine


def test_a_server_is_registered_and_shown_with_all_that_was_typed(ledger: CommandLine) -> None:
    shown = ledger.data("server", "show", "ledger")
    assert shown["resource"] == RESOURCE
    assert shown["name"] == "Ledger"
    assert {item["word"]: item["description"] for item in shown["scopes"]} == {
        "ledger:read": "Read invoices", "ledger:pay": "",
    }  # fmt: skip
    tools = {item["name"]: (item["needs"], item["read_only"], item["destructive"]) for item in shown["tools"]}
    assert tools == {
        "list_invoices": (["ledger:read"], True, False),
        "pay_invoice": (["ledger:pay", "ledger:read"], False, True),
    }
    assert shown["default_scopes"] == ["ledger:read"]


def test_registering_answers_a_program_with_what_show_says_afterwards(cli: CommandLine) -> None:
    assert cli.data(*LEDGER) == cli.data("server", "show", "ledger")


def test_a_person_sees_the_same_in_details_and_tables(ledger: CommandLine) -> None:
    shown = ledger.ok("server", "show", "ledger")
    for text in (RESOURCE, "● active", "Read invoices", "reads only", "destroys", "ledger:pay ledger:read"):
        assert text in shown


def test_the_list_has_every_server_also_the_built_in_one(ledger: CommandLine) -> None:
    assert [item["slug"] for item in ledger.data("server", "list")["items"]] == ["guard", "ledger", "management"]
    rows = ledger.ok("server", "list").splitlines()
    assert rows[0].split() == ["server", "resource", "scopes", "tools", "state"]
    assert rows[-2].split() == ["ledger", RESOURCE, "2", "2", "●", "active"]


def test_a_list_longer_than_a_page_of_the_api_is_whole(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accredit.cli.client._PAGE", 2)
    for number in range(5):
        cli.ok("role", "add", f"r{number}")
    assert [item["slug"] for item in cli.data("role", "list")["items"]] == ["r0", "r1", "r2", "r3", "r4"]


def test_scopes_tools_and_defaults_are_changed_one_by_one(ledger: CommandLine) -> None:
    ledger.ok("server", "scope", "ledger", "ledger:purge", "--description", "Delete all")
    tool = ("purge", "--needs", "ledger:purge", "--destructive", "--visibility", "hide", "--description", "All")
    ledger.ok("server", "tool", "ledger", *tool)
    ledger.ok("server", "tool", "ledger", "file:///a b/../c.txt", "--kind", "resource", "--needs", "ledger:read")
    ledger.ok("server", "defaults", "ledger")
    ledger.ok("server", "tool", "ledger", "list_invoices", "--remove", "--yes")
    shown = ledger.data("server", "show", "ledger")
    assert [item["word"] for item in shown["scopes"]][-1] == "ledger:purge"
    assert {item["name"]: item["kind"] for item in shown["tools"]} == {
        "pay_invoice": "tool", "purge": "tool", "file:///a b/../c.txt": "resource",
    }  # fmt: skip
    assert shown["default_scopes"] == []
    assert "destroys; visibility hide; All" in ledger.ok("server", "show", "ledger")


def test_first_use_is_shown_and_asked_about_when_it_is_more_than_reading(ledger: CommandLine) -> None:
    assert "until it is approved: ledger:read" in ledger.ok("server", "first-use", "ledger", "ledger:read")
    assert "first use" in ledger.ok("server", "show", "ledger")
    refused = ledger.run("server", "first-use", "ledger", "ledger:read", "ledger:pay")
    assert refused.code == 2
    assert "pay_invoice" in refused.err
    assert ledger.data("server", "show", "ledger")["first_use"] == ["ledger:read"]
    both = ("ledger:read", "ledger:pay")
    assert ledger.data("server", "first-use", "ledger", *both, "--yes")["first_use"] == sorted(both)
    ledger.ok("server", "first-use", "ledger", *both)
    assert "until it is approved: nothing" in ledger.ok("server", "first-use", "ledger")
    assert "first use" not in ledger.ok("server", "show", "ledger")


def test_a_suspended_server_says_so_until_it_is_resumed(ledger: CommandLine) -> None:
    assert ledger.data("server", "suspend", "ledger", "--yes")["state"] == "suspended"
    assert "○ suspended" in ledger.ok("server", "list")
    assert ledger.data("server", "resume", "ledger")["state"] == "active"


@pytest.mark.parametrize(
    "words",
    [
        ("server", "add", RESOURCE, "--name", "other", "--tool", "no-scope"),
        ("server", "add", RESOURCE, "--name", "other", "--tool", "=ledger:read"),
        ("server", "add", RESOURCE, "--name", "other", "--read-only", "nothing"),
        ("server", "tool", "ledger", "pay_invoice", "--remove", "--needs", "ledger:pay", "--yes"),
        ("server", "tool", "ledger", "pay_invoice", "--kind", "weapon"),
        ("server", "add", RESOURCE, "--name", "other", "--first-use"),
        ("server", "tool", "ledger", "pay_invoice", "--visibility", "sometimes"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error_and_changes_nothing(
    settled: CommandLine, words: tuple[str, ...]
) -> None:
    before = settled.data("server", "list")
    assert settled.run(*words).code == 2
    assert settled.data("server", "list") == before


@pytest.mark.parametrize(
    ("words", "kind", "status"),
    [
        (LEDGER, "conflict", 409),
        (("server", "add", "not a url", "--name", "other"), "invalid", 422),
        (("server", "show", "nobody"), "not_found", 404),
        (("server", "suspend", "guard", "--yes"), "forbidden", 403),
        (("server", "tool", "ledger", "list_invoices", "--needs", "other:read"), "invalid", 422),
        (("server", "tool", "ledger", "list_invoices"), "invalid", 422),
        (("server", "tool", "ledger", "nothing", "--remove", "--yes"), "not_found", 404),
        (("server", "scope", "ledger", "two words"), "invalid", 422),
    ],
)
def test_what_the_server_refuses_ends_with_1_and_names_the_kind_of_problem(
    settled: CommandLine, words: tuple[str, ...], kind: str, status: int
) -> None:
    ran = settled.run(*words, "--json")
    assert (ran.code, ran.out) == (1, "")
    assert (ran.trouble["exit"], ran.trouble["status"]) == (1, status)
    assert ran.trouble["type"] == f"urn:accredit:problem:{kind}"


def test_a_server_that_does_not_enforce_says_so_loudly(ledger: CommandLine, tmp_path: Path) -> None:
    ran = ledger.run("server", "mode", "ledger", "observe", "--yes")
    assert ran.code == 0
    assert "DOES NOT ENFORCE" in ran.err
    assert "DOES NOT ENFORCE" in ledger.run("server", "show", "ledger").err
    assert "! observe" in ledger.ok("server", "list")
    file = tmp_path / "candidate.yaml"
    file.write_text("accredit: 1\nservers: {ledger: {tools: {list_invoices: {needs: [ledger:pay]}}}}\n")
    assert ledger.data("server", "mode", "ledger", "dry-run", "--candidate", str(file))["mode"] == "dry-run"
    ended = ledger.run("server", "mode", "ledger", "enforce")
    assert (ended.code, ended.err) == (0, "")
    assert ledger.data("server", "show", "ledger")["mode"] == "enforce"


def test_observing_is_confirmed_and_a_dry_run_needs_its_candidate(ledger: CommandLine, tmp_path: Path) -> None:
    assert ledger.run("server", "mode", "ledger", "observe").code == 2
    assert ledger.run("server", "mode", "ledger", "dry-run").code == 2
    file = tmp_path / "broken.yaml"
    file.write_text("accredit: 1\naccredit: 1\n")
    assert ledger.run("server", "mode", "ledger", "observe", "--candidate", str(file)).code == 2
    ran = ledger.run("server", "mode", "ledger", "dry-run", "--candidate", str(file))
    assert (ran.code, f"{file}:2:" in ran.err) == (1, True)
    assert ledger.data("server", "show", "ledger")["mode"] == "enforce"
