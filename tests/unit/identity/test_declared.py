"""What servers say about what they offer."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.identity.declared import Declared, Hints, LeftOut, Risk, one_line, sorted_out
from accredit.identity.pin import Pin
from accredit.identity.server import TargetKind, Tool

TOOL, PROMPT, RESOURCE = TargetKind.TOOL, TargetKind.PROMPT, TargetKind.RESOURCE
PIN = Pin.of("Pays", [], {})
PAY = Declared(TOOL, "pay", "pay", PIN, description="Pays")
READS, DESTROYS = Hints(read_only=True), Hints(destructive=True)


@pytest.mark.parametrize(
    ("hints", "risk"),
    [
        (Hints(), Risk.UNKNOWN),
        (Hints(idempotent=True, open_world=False), Risk.UNKNOWN),
        (READS, Risk.READS),
        (Hints(read_only=True, destructive=False), Risk.READS),
        (DESTROYS, Risk.DESTROYS),
        (Hints(read_only=True, destructive=True), Risk.DESTROYS),
        (Hints(read_only=False), Risk.CHANGES),
        (Hints(destructive=False), Risk.CHANGES),
    ],
)
def test_a_tool_is_as_risky_as_the_worst_that_it_says(hints: Hints, risk: Risk) -> None:
    assert replace(PAY, hints=hints).risk is risk


@pytest.mark.parametrize("kind", [PROMPT, RESOURCE])
def test_a_prompt_and_a_resource_are_read_whatever_is_said(kind: TargetKind) -> None:
    assert replace(PAY, kind=kind, hints=DESTROYS).risk is Risk.READS


@pytest.mark.parametrize("hints", [Hints(), READS, DESTROYS, Hints(read_only=True, destructive=True)])
def test_a_mapped_tool_has_the_scope_the_pin_and_what_was_said(hints: Hints) -> None:
    tool = replace(PAY, hints=hints).mapped("ledger:pay")
    risk = replace(PAY, hints=hints).risk
    assert tool == Tool(
        "pay", frozenset({"ledger:pay"}), TOOL, "Pays", risk is Risk.READS, risk is Risk.DESTROYS, pin=PIN
    )


def test_what_has_no_description_is_described_by_its_title() -> None:
    assert replace(PAY, description="", title="Pay it").mapped("x").description == "Pay it"


def test_confirming_a_change_renews_the_pin_and_keeps_the_scopes() -> None:
    known = Tool("pay", frozenset({"a", "b"}), description="By hand", pin=PIN)
    now = replace(PAY, pin=Pin.of("Pays", [], {"type": "object"}), description="Other")
    assert now.confirmed(known) == replace(known, pin=now.pin)


def test_a_new_text_is_taken_over_and_so_is_one_where_there_was_none() -> None:
    now = replace(PAY, pin=Pin.of("Steals", [], {}), description="Steals")
    by_hand = Tool("pay", frozenset({"a"}), description="By hand")
    assert now.confirmed(replace(by_hand, pin=PIN)).description == "Steals"
    assert now.confirmed(by_hand).description == "By hand"
    assert now.confirmed(replace(by_hand, description="")).description == "Steals"


@pytest.mark.parametrize("hints", [Hints(), READS, DESTROYS, Hints(read_only=False)])
@pytest.mark.parametrize(("read_only", "destructive"), [(True, False), (False, True), (False, False)])
def test_confirming_a_change_never_lets_a_tool_do_more(hints: Hints, read_only: bool, destructive: bool) -> None:
    known = Tool("pay", frozenset({"a"}), read_only=read_only, destructive=destructive)
    found = replace(PAY, hints=hints).confirmed(known)
    assert found.read_only == (read_only and hints == READS)
    assert found.destructive == (destructive or hints == DESTROYS)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (TOOL, ""), (TOOL, "x" * 257), (TOOL, "a\nb"), (TOOL, "pay\u202e"), (PROMPT, "\x1b[2J"),
        (RESOURCE, "no uri"), (RESOURCE, "file:///a/../b"), (RESOURCE, "file:///{a"), (RESOURCE, "file:///{a}}"),
    ],
)  # fmt: skip
def test_what_cannot_be_mapped_is_left_out_with_a_reason(kind: TargetKind, name: str) -> None:
    usable, left = sorted_out((PAY, replace(PAY, kind=kind, name=name)))
    assert usable == (PAY,)
    assert [(item.kind, item.name) for item in left] == [(kind, name)]
    assert left[0].why


@pytest.mark.parametrize("name", ["ledger://book", "ledger://accounts/{number}", "file:///a%20b"])
def test_a_resource_with_a_uri_or_a_template_can_be_mapped(name: str) -> None:
    item = replace(PAY, kind=RESOURCE, name=name)
    assert sorted_out((item, PAY)) == ((item, PAY), ())


def test_whatever_is_listed_twice_is_left_out_once_and_altogether() -> None:
    other, prompt = replace(PAY, description="Steals"), replace(PAY, kind=PROMPT)
    usable, left = sorted_out((PAY, prompt, other, other))
    assert usable == (prompt,)
    assert left == (LeftOut(TOOL, "pay", left[0].why),)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""), ("a\n\tb\x1b[1m \u202ec", "a b [1m c"), ("x" * 9, "x" * 9),
        ("x" * 11, "x" * 9 + "…"), ("aaaaaaaa bbb", "aaaaaaaa…"), ("a" + " " * 10**7, "a…"),
    ],
)  # fmt: skip
def test_a_text_becomes_one_line_of_visible_characters(text: str, line: str) -> None:
    assert one_line(text, 10) == line


@given(st.text())
def test_a_line_is_never_too_long_and_always_visible(text: str) -> None:
    assert len(one_line(text, 20)) <= 20
    assert one_line(text, 20).isprintable()
