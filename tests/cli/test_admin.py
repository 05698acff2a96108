"""`accredit admin`."""

from tests.support.terminal import CommandLine


def test_an_agent_is_named_listed_and_dismissed(ledger: CommandLine) -> None:
    ledger.ok("agent", "add", "bot", "--owner", "dana@example.com")
    assert "local administrator" in ledger.ok("admin", "list")
    named = ledger.data("admin", "name", "bot", "--server", "ledger", "--auditor", "--until", "30d")
    assert (named["servers"], named["auditor"], named["administrator"]) == (["ledger"], True, False)
    assert ledger.data("admin", "list")["items"] == [named]
    assert "administrator of ledger" in ledger.ok("admin", "list")
    assert ledger.ok("admin", "name", "bot", "--everything", "--yes").startswith("✔ bot is administrator")
    assert ledger.data("admin", "list")["items"][0]["servers"] == []
    assert ledger.ok("admin", "dismiss", "bot", "--yes").startswith("✔ ")
    assert ledger.data("admin", "list")["items"] == []


def test_an_office_without_a_purpose_or_without_a_yes_is_not_given(ledger: CommandLine) -> None:
    ledger.ok("agent", "add", "bot", "--owner", "dana@example.com")
    assert ledger.run("admin", "name", "bot").code == 2
    assert ledger.run("admin", "name", "bot", "--everything").code == 2
    assert ledger.run("admin", "name", "nobody", "--auditor").code == 1
    assert ledger.data("admin", "list")["items"] == []
