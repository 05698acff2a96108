"""A `traceparent` says which trace a request is part of, and whether that is sampled."""

import pytest

from accredit_sdk.traceparent import Trace, read

ID = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
SAMPLED = f"00-{ID}-{SPAN}-01"


@pytest.mark.parametrize("value", [SAMPLED, f"00-{ID}-{SPAN}-ff", f"cc-{ID}-{SPAN}-01-what will be"])
def test_a_sampled_trace_goes_along_whole(value: str) -> None:
    assert read(value.encode()) == Trace(ID, value)


@pytest.mark.parametrize("flags", ["00", "fe"])
def test_a_trace_that_is_not_sampled_is_known_by_its_id_alone(flags: str) -> None:
    assert read(f"00-{ID}-{SPAN}-{flags}".encode()) == Trace(ID, None)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\xff",
        SAMPLED.upper().encode(),
        SAMPLED.encode() + b"\n",
        SAMPLED.encode() + b"0",
        f"00-{'0' * 32}-{SPAN}-01".encode(),
        f"00-{ID}-{'0' * 16}-01".encode(),
        f"00-{ID[:-1]}-{SPAN}-01".encode(),
        f"00-{ID}-{SPAN}-0g".encode(),
    ],
)
def test_what_is_not_well_formed_says_nothing(value: bytes) -> None:
    assert read(value) is None
