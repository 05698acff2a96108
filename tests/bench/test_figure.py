from contextlib import contextmanager

import pytest

from bench.figure import Figure, Measure, Plan, measured
from bench.verdict import Bar


def fake(ratios, names=("it",)):
    """A figure whose rounds find `ratios(number)` for every name, and the numbers of the rounds that were run."""
    ran = []

    @contextmanager
    def opened(_plan):
        def run(number):
            ran.append(number)
            return {name: (ratios(number), 1.0) for name in names}

        yield run

    measures = tuple(Measure(name, "µs", Bar(0.5)) for name in names)
    return Figure("fake", measures, opened, lambda: {"peer": "1"}), ran


def plan(**changes):
    return Plan(server_core=0, **changes)


def test_a_clear_figure_takes_seven_rounds():
    figure, ran = fake(lambda _: 0.4)
    (entry,) = measured(figure, plan())
    assert ran == list(range(7))
    assert entry.finding.holds is True


def test_an_undecided_figure_is_repeated_three_times_and_then_stays_undecided():
    figure, ran = fake(lambda number: 0.4 if number % 2 else 0.6)
    (entry,) = measured(figure, plan())
    assert ran == list(range(21))
    assert entry.finding.holds is None


def test_a_repeat_adds_rounds_and_forgives_none():
    figure, ran = fake(lambda number: 0.6 if number in (3, 5) else 0.4)
    (entry,) = measured(figure, plan())
    assert len(ran) == 14
    assert entry.finding.holds is True
    figure, ran = fake(lambda number: 0.6 if number < 7 and number != 3 else 0.4)
    (entry,) = measured(figure, plan())
    assert len(ran) == 21
    assert entry.finding.holds is None


def test_fewer_than_seven_rounds_are_a_look_that_is_not_repeated_into_a_verdict():
    figure, ran = fake(lambda _: 0.4)
    (entry,) = measured(figure, plan(rounds=3))
    assert ran == [0, 1, 2]
    assert entry.finding.holds is None


def test_a_round_that_forgets_a_measure_is_an_error():
    figure, _ = fake(lambda _: 0.4)
    wanted = Figure("fake", (Measure("other", "µs", Bar(1)),), figure.opened, dict)
    with pytest.raises(KeyError):
        measured(wanted, plan())


def test_what_the_file_says():
    figure, _ = fake(lambda _: 0.25, ("a", "b"))
    first, second = (entry.plain() for entry in measured(figure, plan()))
    assert first == {
        "name": "a",
        "ours": 0.25,
        "peer": 1.0,
        "unit": "µs",
        "ratio": 0.25,
        "bar": "≤ 0.5",
        "holds": True,
        "spread": [0.25, 0.25],
        "versions": {"peer": "1"},
    }
    assert second["name"] == "b"
