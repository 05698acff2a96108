"""Times: RFC 3339 outside, microseconds inside; the standard library knows the same ones."""

from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from accredit.identity import times


@given(st.datetimes(timezones=st.just(UTC)))
def test_every_moment_comes_back_as_it_was(moment: datetime) -> None:
    at = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // (datetime.resolution)
    text = times.render(at)
    assert text is not None
    assert times.parse(text) == at


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01t00:00:00z", 0),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("1970-01-01T00:00:00.5Z", 500_000),
    ],
)
def test_a_time_is_read_with_its_zone(text: str, at: int) -> None:
    assert times.parse(text) == at


@pytest.mark.parametrize(
    "text",
    [
        "", "now", "2026", "20260101T000000Z", "2026-W01-1T00:00:00Z", "2026-01-01", "2026-01-01T00:00:00",
        "2026-01-01 00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01T24:00:01Z", "2026-01-01T00:00:60Z",
        "2026-01-01T00:00:00.1234567Z", "2026-01-01T00:00:00+25:00", "2026-01-01T00:00:00Z\n",
        "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
        "2026-01-00T00:00:00Z", "1900-02-29T00:00:00Z", "2026-01-01T00:00:00+00:60", "2026-01-01T00:60:00Z",
        "\u0662\u0660\u0662\u0666-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "+2026-01-01T00:00:00Z",
    ],
)  # fmt: skip
def test_anything_looser_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a time"):
        times.parse(text)


@given(st.text(max_size=40))
def test_no_text_brings_the_reader_down(text: str) -> None:
    try:
        times.parse(text)
    except ValueError:
        return


@pytest.mark.parametrize("at", [None, 10**18, -(10**18), 2**63])
def test_what_lies_outside_the_years_has_no_text(at: int | None) -> None:
    assert times.render(at) is None


@given(st.datetimes(timezones=st.timezones()) | st.datetimes(timezones=st.just(UTC)))
def test_the_standard_library_agrees(moment: datetime) -> None:
    offset = moment.utcoffset()
    assume(offset is not None and offset.seconds % 60 == 0 and 2 <= moment.year <= 9998)
    at = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // datetime.resolution
    assert times.parse(moment.isoformat()) == at
    assert times.render(at) == moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def test_a_time_for_people_has_no_empty_fraction() -> None:
    assert times.short(0) == "1970-01-01T00:00:00Z"
    assert times.short(500_000) == "1970-01-01T00:00:00.500000Z"
    with pytest.raises(ValueError, match="years"):
        times.short(2**62)
