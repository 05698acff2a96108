"""What a record can be found by: everything that people ask for, and nothing that redaction would leave behind."""

from typing import Any

import msgspec
import pytest

from accredit.audit import terms
from accredit.audit.redact import redacted
from accredit.audit.terms import Term, number
from accredit.identity.changes import StoredRecord


def record(person: Any, **header: str) -> StoredRecord:
    said = {"kind": "decision", "decision": "dec_1", "server": "srv_1", "outcome": "deny"} | header
    raw = person if isinstance(person, bytes) else msgspec.json.encode(person)
    return StoredRecord(1, 5, **said, header=b"", person=raw, salt=b"", commitment=b"", hash=b"")


HEADER = {
    number(Term.EVERYTHING),
    number(Term.DECISION, "dec_1"),
    number(Term.KIND, "decision"),
    number(Term.SERVER, "srv_1"),
    number(Term.OUTCOME, "deny"),
}


@pytest.mark.parametrize(
    ("person", "expected"),
    [
        ({}, set()),
        ({"subject": "usr_1"}, {(Term.SUBJECT, "usr_1"), (Term.MEMBER, "usr_1")}),
        ({"client_id": "bot"}, {(Term.CLIENT, "bot"), (Term.MEMBER, "bot")}),
        ({"client": "agt_1"}, {(Term.CLIENT, "agt_1"), (Term.MEMBER, "agt_1")}),
        ({"actors": ["a", "b"]}, {(Term.MEMBER, "a"), (Term.MEMBER, "b")}),
        ({"by": "ann", "target": "rol_1"}, {(Term.MEMBER, "ann"), (Term.MEMBER, "rol_1")}),
        ({"method": "tools/call", "target": "pay"}, {(Term.TOOL, "pay")}),
        ({"guard": "grd_1", "credential": "crd_1"}, {(Term.MEMBER, "grd_1"), (Term.MEMBER, "crd_1")}),
        ({"jti": "tok_1", "trace_id": "ab"}, {(Term.TOKEN, "tok_1"), (Term.TRACE, "ab")}),
        ({"subject": None, "client": 5, "actors": [1, None, ""], "by": {"a": "b"}}, set()),
        ([], set()),
        (b"nonsense", set()),
        (b"[" * 5000, set()),
        (b'"\xff"', set()),
    ],
    ids=range(14),
)
def test_a_record_is_found_by_its_header_and_by_who_took_part(person: Any, expected: set[tuple[Term, str]]) -> None:
    made = record(person)
    assert terms.of(made) == HEADER | {number(kind, name) for kind, name in expected}
    assert terms.personal(made) == {number(kind, name) for kind, name in expected}


def test_a_redacted_record_is_found_by_its_header_alone() -> None:
    made = redacted(record({"subject": "usr_1"}))
    assert (terms.of(made), terms.personal(made)) == (HEADER, frozenset())


def test_what_a_header_leaves_out_is_no_term() -> None:
    assert terms.of(record({}, server="", decision="")) == HEADER - {
        number(Term.SERVER, "srv_1"),
        number(Term.DECISION, "dec_1"),
    }


def test_terms_are_told_apart_by_kind_and_name_and_fit_a_column() -> None:
    numbers = {number(kind, name) for kind in Term for name in ("", "a", "b", "\ud800")}
    assert len(numbers) == 4 * len(Term)
    assert all(-(2**63) <= one < 2**63 for one in numbers)


@pytest.mark.parametrize("kind", [Term.DECISION, Term.TOKEN, Term.TRACE])
def test_names_that_never_come_again_take_no_memory_and_have_the_same_numbers(kind: Term) -> None:
    before = terms._number.cache_info().currsize
    found = {terms.number(kind, f"once-{number}") for number in range(50)}
    assert len(found) == 50
    assert found == {terms._hashed(f"{kind}\0once-{number}") for number in range(50)}
    assert terms._number.cache_info().currsize == before
