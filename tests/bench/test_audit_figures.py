"""The figures of the audit log run, on a small log. No time is asserted."""

from bench import audit_append, audit_search


def test_a_round_of_the_append_has_its_figure():
    assert set(audit_append.measure(1)) == {"record"}


def test_a_round_of_the_search_has_both_figures_and_finds_what_it_asks_for():
    assert set(audit_search.measure(600, 12)) == {"search", "projection"}
    found = [next(audit_search._filters(600)) for _ in range(1)]
    with audit_search._filled(600).database.writer.connect() as conn:
        assert len(audit_search.tables.search(conn, found[0], None, 50)) == 1
        assert len(audit_search.tables.search(conn, audit_search.Filter(), None, 50)) == 50
