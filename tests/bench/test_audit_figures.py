"""The figures of the audit log run, on a small log. No time is asserted."""

import asyncio
import contextlib

import pytest
import sqlalchemy as sa

from accredit.audit import terms
from accredit.store import audit
from accredit.store.log_tables import audit_terms
from accredit.store.terms import lag
from bench import audit_append, audit_projection, audit_search
from bench.figure import Figure, Measure, Plan, measured
from bench.verdict import Bar

PLAN = Plan(0, rounds=1, repeats=1, say=lambda _: None)


def test_a_round_of_the_append_has_its_figure():
    assert set(audit_append.measure(1)) == {"record"}


def test_what_was_filled_in_bulk_is_found_as_if_it_had_been_projected():
    with audit_search.filled(600, PLAN) as database:
        assert sum(1 for _ in audit_search.asked(database, 600, 12)) == 12
        with database.writer.connect() as conn:
            found = audit_search.tables.search
            assert len(found(conn, next(audit_search.filters_of(600)), None, 50)) == 1
            assert len(found(conn, audit_search.Filter(), None, 50)) == 50
            lines = audit.records(conn, audit_search.CHAIN, 0, 1000)
            expected = {(term, line.at, 1, line.seq) for line in lines for term in terms.of(line)}
            assert {tuple(row) for row in conn.execute(sa.select(audit_terms))} == expected
            assert lag(conn).records == 0


@pytest.mark.parametrize(
    ("records", "name", "decides"),
    [(600, "at_600", False), (200_000, "at_200k", False), (2_000_000, "at_2M", False), (10_000_000, "at_10M", True)],
)
def test_the_name_of_the_figure_says_at_how_many_records(records, name, decides):
    (measure,) = audit_search.figure(records).measures
    assert (measure.name, measure.decides) == (f"audit_search_10M.{name}", decides)


def test_a_round_of_the_search_has_its_figure():
    (entry,) = measured(audit_search.figure(600), PLAN)
    assert entry.finding.ours > 0


@pytest.mark.parametrize(("ours", "decides", "holds"), [(1, True, True), (1, False, None), (9, False, False)])
def test_a_smaller_size_can_miss_a_bar_and_not_hold_it(ours, decides, holds):
    rounds = []

    def opened(_):
        return contextlib.nullcontext(lambda number: rounds.append(number) or {"x": (ours, None)})

    (entry,) = measured(Figure("x", (Measure("x", "s", Bar(5), decides),), opened, dict), Plan(0))
    assert (entry.finding.holds, len(rounds)) == (holds, 7)


def test_a_round_of_the_projection_has_both_figures():
    rate, late = asyncio.run(audit_projection.measured(0.2, 300))
    assert rate > 0
    assert late > 0
    assert {measure.name for measure in audit_projection.FIGURE.measures} == {
        "audit_projection.events_per_second",
        "audit_projection.seconds_late_at_1000_per_second",
    }
