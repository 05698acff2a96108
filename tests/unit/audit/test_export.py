"""Exports: lines that say everything, and of which none can be left out, added or bent unnoticed."""

import json
from dataclasses import replace

import pytest

from accredit.audit import export
from accredit.audit.export import Examination, begins, broke_off_at
from accredit.audit.verification import Fault, Flaw, Report
from tests.unit.audit.logs import KNOWN, log


def examined(lines: list[bytes]) -> Report:
    examination = Examination(KNOWN)
    for line in lines:
        examination.line(line)
    return examination.report()


def test_every_line_is_an_object_of_json_and_the_last_says_that_all_is_there() -> None:
    lines = log().lines()
    found = [json.loads(line) for line in lines]
    assert [next(iter(line)) for line in found[:3]] == ["export", "seal", "seal"]
    assert found[-1] == {"complete": True}
    assert examined(lines).first is None


def test_how_many_records_were_seen_is_known() -> None:
    examination = Examination(KNOWN)
    for line in log().lines():
        examination.line(line)
    assert examination.records == 12


def test_an_export_that_ends_too_early_is_not_whole() -> None:
    lines = log().lines()
    assert examined(lines[:-1]).first == Flaw(Fault.EXPORT_INCOMPLETE, seq=len(lines))
    assert examined([]).first == Flaw(Fault.EXPORT_INCOMPLETE, seq=1)


@pytest.mark.parametrize(
    "line",
    [
        b"", b"x", b"[]", b"{}", b'{"seal":1}', b'{"export":2}', b'{"export":1,"issuer":"y"}', b"[" * 5000,
        b'{"header":"{}","commitment":"zz","hash":""}', b'{"chain":"chn_a","anchor":[0,""],"end":[1,""]}',
        b'{"seal":3,"kind":"odd","chain":"c","seq":1,"hash":""}', b"\xff",
    ],
    ids=range(12),
)  # fmt: skip
def test_a_line_that_cannot_be_read_is_named(line: bytes) -> None:
    lines = log().lines()
    lines.insert(-1, line)
    assert Flaw(Fault.EXPORT_DAMAGED, seq=len(lines) - 1) in examined(lines).flaws


def test_a_record_before_any_chain_is_named() -> None:
    lines = log().lines()
    assert Flaw(Fault.EXPORT_DAMAGED, seq=1) in examined([lines[8], *lines]).flaws


@pytest.mark.parametrize("person", [b"\xff\xfe", None])
def test_bytes_that_are_no_text_are_kept_exactly(person: bytes | None) -> None:
    made = log()
    item = made.chains["chn_b"][4]
    salt = item.salt if person is not None else None
    made.chains["chn_b"][4] = replace(item, header=b"\xff" + item.header, person=person, salt=salt)
    assert made.verify().first == Flaw(Fault.UNREADABLE, "chn_b", 5)


def test_a_redacted_record_has_no_person_in_its_line() -> None:
    item = log().chains["chn_a"][0]
    assert "person" not in {
        key for key, value in json.loads(export.line(replace(item, person=None, salt=None))).items() if value
    }


@pytest.mark.parametrize(
    ("first", "is_one"),
    [
        (b"", True), (b'{"ex', True), (b'{"export":1,"issuer":"htt', True), (b'{"export":2,"issuer":"htt', False),
        (b"\x00", False), (b"[", False), (b"\n", False), (b'{"export":1}\n', False), (b'{"a":1}\n', False),
        (b'{"export":2,"issuer":"x","at":1}\n', False), (b"[" * 9999 + b"\n", False),
        (b'{"export":1,"issuer":"\xff', True), (b'{"export":1,"issuer":"\xff","at":1}\n', False),
    ],
)  # fmt: skip
def test_an_export_is_known_by_how_it_begins(first: bytes, is_one: bool) -> None:
    assert begins(first) is is_one
    assert begins(log().lines()[0] + b"\n")


@pytest.mark.parametrize("kept", [1, 5, 8, 11], ids=["beginning", "seals", "one chain", "two chains"])
def test_an_export_that_says_why_it_ends_too_early_is_not_whole_and_no_more_than_that(kept: int) -> None:
    lines = [*log().lines()[:kept], export.broken("moved")]
    assert list(examined(lines).all_flaws()) == [Flaw(Fault.EXPORT_INCOMPLETE, seq=len(lines) + 1)]
    assert [export.why_broken(line) for line in lines] == [None] * kept + ["moved"]
    assert broke_off_at(lines[-1]) is None


def test_audit_tamper_what_was_altered_before_an_export_broke_off_is_named() -> None:
    lines = log().lines()
    record = next(place for place, line in enumerate(lines) if b'"header"' in line)
    lines[record] = lines[record].replace(b"deny", b"done", 1)
    assert examined([*lines[: record + 2], export.broken("moved")]).first == Flaw(
        Fault.HEADER_CHANGED, "chn_a", 1, "dec_chn_a_1"
    )


def test_the_number_of_a_seal_is_read_from_its_line() -> None:
    assert [export.number_of_seal(line) for line in log().lines()[:4]] == [None, 1, 2, None]


def test_an_export_goes_on_where_it_broke_off() -> None:
    lines = log().lines()
    places = [broke_off_at(line) for line in lines]
    assert places[:6] == [None] * 6
    assert places[6:10] == ["chn_a.0", "chn_a.1", "chn_a.2", "chn_a.3"]
    assert places[-1] == ""
    with pytest.raises(ValueError, match="JSON"):
        broke_off_at(b"x")
