import json
import os
from contextlib import contextmanager

import pytest

from bench import run
from bench.figure import Figure, Measure
from bench.load import LoadFailed
from bench.running import Unavailable
from bench.token_answers import NotComparable
from bench.verdict import Bar


def figure(name, ratio):
    @contextmanager
    def opened(_plan):
        if isinstance(ratio, Exception):
            raise ratio
        yield lambda number: {name: (ratio(number), 1.0)}

    return Figure(name, (Measure(name, "µs", Bar(0.5)),), opened, lambda: {"peer": "9"})


FIGURES = {
    "good": figure("good", lambda _: 0.4),
    "bad": figure("bad", lambda _: 0.6),
    "open": figure("open", lambda number: 0.4 + 0.2 * (number % 2)),
    "away": figure("away", Unavailable("no peer")),
    "broken": figure("broken", LoadFailed("401")),
    "liar": figure("liar", NotComparable("no audit")),
}


@pytest.fixture(autouse=True)
def bench(monkeypatch, tmp_path):
    core = max(os.sched_getaffinity(0))
    monkeypatch.setattr(run, "FIGURES", FIGURES)
    monkeypatch.setattr(run, "BUILD", tmp_path)
    monkeypatch.setattr(run, "cores", lambda: (core, core))
    monkeypatch.setattr(run.machine, "facts", lambda: {"commit": "abc"})
    return tmp_path / "bench.json"


def only(*names):
    return run.main([word for name in names for word in ("--only", name)])


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["good"], 0),
        (["open"], 0),
        (["bad"], 1),
        (["bad", "good"], 1),
        (["away"], 2),
        (["broken"], 2),
        (["liar", "good"], 2),
        (["away", "bad"], 2),
    ],
)
def test_the_exit_code_tells_held_from_missed_from_not_measured(names, code):
    assert only(*names) == code


def test_what_was_measured_is_written_even_when_something_else_was_not(bench):
    only("away", "good", "open")
    written = json.loads(bench.read_text())
    assert [(entry["name"], entry["holds"]) for entry in written] == [("good", True), ("open", None)]
    assert written[0]["versions"] == {"commit": "abc", "peer": "9"}


def test_an_earlier_run_leaves_nothing_behind(bench):
    only("good")
    only("away")
    assert json.loads(bench.read_text()) == []


def test_the_line_for_a_person_has_both_figures_the_ratio_the_bar_and_the_verdict(capsys):
    only("good", "bad")
    said = capsys.readouterr().out
    assert "holds      good  0.4 against 1 µs: 0.400 (0.400 to 0.400), bar ≤ 0.5" in said
    assert "MISSED     bad  0.6 against 1 µs" in said


def test_a_figure_that_does_not_exist_is_named_with_those_that_do(capsys):
    with pytest.raises(SystemExit) as ended:
        only("speed_of_light")
    assert ended.value.code == 2
    assert "good" in capsys.readouterr().err
