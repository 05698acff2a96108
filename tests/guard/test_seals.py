"""A sealed id opens for the one it was sealed for, as what it was sealed as, and under its key alone."""

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from accredit_sdk.guard.seals import Seals, principal

KEY = bytes(range(32))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(["", ".", "a.b", "x" * 33])
KINDS = st.sampled_from(["session", "event", "task", "state"])
OWNERS = st.binary(max_size=8)
ABOUT = st.lists(TEXTS, max_size=2)


@given(KINDS, OWNERS, TEXTS, ABOUT)
@example("event", b"o", "ä.ö", [])
def test_what_was_sealed_opens(kind: str, owner: bytes, text: str, about: list[str]) -> None:
    sealed = Seals(KEY).seal(kind, owner, text, *about)
    assert sealed.startswith(f"{text}.")
    assert Seals(KEY).open(kind, owner, sealed, *about) == text


@given(KINDS, KINDS, OWNERS, OWNERS, TEXTS, ABOUT, ABOUT, st.binary(min_size=32, max_size=32))
def test_it_opens_for_no_other_kind_owner_purpose_or_key(
    kind: str, other: str, owner: bytes, else_: bytes, text: str, about: list[str], other_about: list[str], key: bytes
) -> None:
    sealed = Seals(KEY).seal(kind, owner, text, *about)
    if (kind, owner, about) != (other, else_, other_about):
        assert Seals(KEY).open(other, else_, sealed, *other_about) is None
    assume(key != KEY)
    assert Seals(key).open(kind, owner, sealed, *about) is None


@given(TEXTS, TEXTS, st.integers(0, 400), st.characters(max_codepoint=0x17F))
def test_a_changed_character_opens_nothing(text: str, tail: str, at: int, character: str) -> None:
    seals = Seals(KEY)
    sealed = seals.seal("session", b"o", text)
    place = at % len(sealed)
    changed = sealed[:place] + character + sealed[place + 1 :]
    assert changed == sealed or seals.open("session", b"o", changed) is None
    if tail:
        assert seals.open("session", b"o", sealed + tail) is None
        assert seals.open("session", b"o", tail + sealed) is None


@given(TEXTS)
def test_no_text_opens_that_was_never_sealed(text: str) -> None:
    assert Seals(KEY).open("session", b"o", text) is None
    assert Seals(KEY).open_task(b"o", text) is None


@given(TEXTS, TEXTS, OWNERS)
def test_a_task_opens_with_the_tool_that_began_it(task: str, tool: str, owner: bytes) -> None:
    seals = Seals(KEY)
    sealed = seals.seal_task(owner, task, tool)
    assert seals.open_task(owner, sealed) == (task, tool)
    assert seals.open_task(owner + b"x", sealed) is None
    text, _, mac = sealed.rpartition(".")
    assert seals.open("session", owner, sealed) is None
    assert seals.open_task(owner, seals.seal("session", owner, text)) is None
    other = seals.seal_task(owner, task, tool + "x")
    assert seals.open_task(owner, f"{other.rpartition('.')[0]}.{mac}") is None


@given(st.tuples(TEXTS, TEXTS, TEXTS), st.tuples(TEXTS, TEXTS, TEXTS))
@example(("a", "bc", ""), ("ab", "c", ""))
def test_two_principals_are_one_only_if_issuer_subject_and_client_are(
    one: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    assert (principal(*one) == principal(*other)) is (one == other)


@pytest.mark.parametrize(("kind", "about"), [("ab", ("c",)), ("a", ("bc",)), ("a", ("b", "c"))])
def test_no_two_lists_of_parts_have_the_same_seal(kind: str, about: tuple[str, ...]) -> None:
    sealed = Seals(KEY).seal("a", b"", "", "b", "", "c")
    assert Seals(KEY).open(kind, b"", sealed, *about) is None
