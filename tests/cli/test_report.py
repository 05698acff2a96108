"""`accredit report`."""

import pytest

from tests.support.terminal import CommandLine


def test_what_ends_and_who_is_idle_or_alone_is_told_to_people_and_programs(ledger: CommandLine) -> None:
    assert "nothing ends" in ledger.ok("report", "expiring")
    ledger.ok("agent", "add", "bot", "--owner", "dana@example.com", "--expires", "3d")
    assert [item["client"] for item in ledger.data("report", "expiring")["items"]] == ["bot"]
    assert ledger.data("report", "expiring", "--within", "2d")["items"] == []
    assert "bot" in ledger.ok("report", "expiring")
    assert [item["slug"] for item in ledger.data("report", "orphans")["items"]] == ["bot"]
    assert "dana@example.com" in ledger.ok("report", "orphans")
    assert ledger.data("report", "unused-clients")["items"] == []
    assert "newer" in ledger.ok("report", "unused-clients")


@pytest.mark.parametrize("given", ["soon", "0d", "", "-1d"])
def test_a_span_that_is_none_is_refused(settled: CommandLine, given: str) -> None:
    assert settled.run("report", "expiring", f"--within={given}").code == 2
    assert settled.run("report", "unused-clients", f"--idle={given}").code == 2
