"""Pins."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.identity.pin import Pin, PinError, digest

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
PIN = Pin.of("Pays", [None, True], {"type": "object", "required": ["a", "b"]})


@given(JSON, JSON, JSON)
def test_a_pin_comes_back_from_its_text_and_from_its_bytes(text: Any, annotations: Any, schema: Any) -> None:
    pin = Pin.of(text, annotations, schema)
    assert Pin.parse(pin.render()) == Pin.unpacked(pin.packed()) == pin
    assert len(pin.packed()) == 96
    assert len(pin.render()) == 131


def test_the_order_of_members_does_not_matter_and_that_of_items_does() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest(["a", "b"]) != digest(["b", "a"])


@pytest.mark.parametrize(("one", "other"), [(1, 1.5), (1, True), (None, ""), ("1", 1), ("\ud800", "?"), ({}, [])])
def test_different_values_have_different_digests(one: Any, other: Any) -> None:
    assert digest(one) != digest(other)


def test_differences_are_told_by_name() -> None:
    assert PIN.differences(PIN) == ()
    assert PIN.differences(Pin(PIN.text, b"a" * 32, PIN.schema)) == ("annotations",)
    assert PIN.differences(Pin(b"a" * 32, b"b" * 32, b"c" * 32)) == ("text", "annotations", "schema")


@pytest.mark.parametrize(
    "text",
    [
        "",
        PIN.render() + "\n",
        PIN.render() + ".",
        PIN.render().replace(".", " "),
        PIN.render()[:-1],
        ".".join(["A" * 42 + "B"] * 3),
        ".".join(["\u00e9" * 43] * 3),
    ],
)
def test_what_is_no_pin_is_refused(text: str) -> None:
    with pytest.raises(PinError):
        Pin.parse(text)
