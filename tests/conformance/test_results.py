"""The verdict of `make conformance` is about checks, one by one: no sum can hide what only one side passes."""

import json
from pathlib import Path

from tests.conformance.results import Check, Scenarios, Verdict, numbered
from tests.conformance.suite import read


def scenario(**statuses: str) -> Scenarios:
    return {"ping": numbered(Check(name, name, status) for name, status in statuses.items())}


def verdict(direct: Scenarios, guarded: Scenarios, *required: str) -> Verdict:
    return Verdict("judge", "2026-07-28", frozenset(required or ("ping",)), direct, guarded)


def test_the_same_checks_on_both_sides_hold() -> None:
    both = scenario(one="SUCCESS", two="FAILURE", three="INFO")
    assert verdict(both, both).holds()
    assert verdict(both, both).totals().direct == (1, 1)


def test_a_check_that_fails_only_through_the_guard_is_named_and_the_verdict_does_not_hold() -> None:
    found = verdict(scenario(one="SUCCESS", two="FAILURE"), scenario(one="FAILURE", two="SUCCESS"))
    assert found.totals().direct == found.totals().guarded == (1, 1)
    assert not found.holds()
    assert [(one.id, one.lost) for one in found.differences()] == [("one", True), ("two", False)]


def test_a_check_that_passes_only_through_the_guard_is_named_and_forgiven() -> None:
    found = verdict(scenario(one="SUCCESS", two="FAILURE"), scenario(one="SUCCESS", two="SUCCESS"))
    assert found.holds()
    assert [one.id for one in found.differences()] == ["two"]


def test_a_check_that_warns_informs_or_is_not_made_behind_the_guard_is_lost() -> None:
    for other in (scenario(one="WARNING"), scenario(one="INFO"), scenario(one="SKIPPED"), {"ping": {}}):
        assert not verdict(scenario(one="SUCCESS"), other).holds()


def test_the_second_of_two_checks_of_one_name_is_told_from_the_first() -> None:
    first, second = Check("one", "one", "SUCCESS"), Check("one", "one", "FAILURE")
    found = verdict({"ping": numbered([first, first])}, {"ping": numbered([first, second])})
    assert not found.holds()


def test_a_judge_that_did_not_run_has_not_found_anything_good() -> None:
    both = scenario(one="SUCCESS")
    assert not verdict({}, {}).holds()
    assert not Verdict("judge", "2026-07-28", frozenset(), both, both).holds()
    assert verdict(both, both, "ping", "tools-list").missing() == ["tools-list"]
    assert not verdict(both, both, "ping", "tools-list").holds()
    assert verdict(scenario(one="FAILURE"), both).missing() == ["ping"]


def test_results_are_read_from_the_folders_that_the_suite_leaves(tmp_path: Path) -> None:
    folder = tmp_path / "server-tools-list-2026-08-01T10-00-00-123Z"
    folder.mkdir()
    check = {"id": "tools-list", "name": "ToolsList", "status": "FAILURE", "errorMessage": "none"}
    (folder / "checks.json").write_text(json.dumps([check]))
    (tmp_path / "output.txt").write_text("told")
    assert read(tmp_path) == {
        "tools-list": {("tools-list", "ToolsList", 1): Check("tools-list", "ToolsList", "FAILURE", "none")}
    }
