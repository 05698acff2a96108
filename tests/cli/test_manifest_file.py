"""Files as they are read from YAML and JSON: every member with its line, and nothing but what JSON can say."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.cli.manifest_file import DEEPEST, MOST_BYTES, load, parse
from accredit.cli.trouble import Trouble

TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(max_size=10), TREES, max_size=4))
def test_json_is_read_as_the_json_that_it_is(document: dict[str, Any]) -> None:
    for text in (json.dumps(document), json.dumps(document, indent="\t"), json.dumps(document, ensure_ascii=False)):
        found = parse(text)
        if not found.problems:
            assert found.document == document
        else:
            assert not text.isascii(), found.problems


def test_every_member_has_its_line() -> None:
    found = parse(
        "accredit: 1\n\nagents:\n  bot:\n    owner: dana\n    roles: {reader: {}}\n    list:\n    - a\n    - b\n"
    )
    assert found.problems == ()
    assert found.line(("accredit",)) == 1
    assert found.line(("agents", "bot", "owner")) == 5
    assert found.line(("agents", "bot", "roles", "reader", "until")) == 6
    assert found.line(("agents", "bot", "list", "1")) == 9
    assert found.line(("agents", "clerk", "owner")) == 3
    assert found.line(()) == found.line(("nowhere",)) == 1


def test_words_stay_what_somebody_wrote() -> None:
    found = parse(
        "a: no\nb: 12:30:45\nc: 2026-12-31T23:59:59Z\nd: 010\ne: 1e3\nf: on\ng: .inf\nh: '5'\ni: 5\nj: true\n"
        "k: null\nl: ~\nm:\nn: 'true'\no: =\np: <<\n5: x\nledger:read: Read invoices\n"
    )
    assert found.problems == ()
    assert found.document == {
        "a": "no", "b": "12:30:45", "c": "2026-12-31T23:59:59Z", "d": "010", "e": "1e3", "f": "on", "g": ".inf",
        "h": "5", "i": 5, "j": True, "k": None, "l": None, "m": None, "n": "true", "o": "=", "p": "<<", "5": "x",
        "ledger:read": "Read invoices",
    }  # fmt: skip


LAUGHS = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (LAUGHS, 1),
        ("a: 1\nb: &x 5\n", 2),
        ("a: 1\nb: *x\n", 2),
        ("a: 1\n<<: *x\n", 2),
        ("a: !!python/object/apply:os.system [ls]\n", 1),
        ("a: 1\nb: !mine x\n", 2),
        ("a: !!str 5\n", 1),
        ("a: 1\n---\nb: 2\n", 2),
        ("a: 1\na: 2\nb: 3\na: 4\n", 2),
        ("a:\n  b: {c: 1,\n   c: 2}\n", 3),
        ("? [a, b]\n: 1\n", 1),
        ("? {a: b}\n: 1\n", 1),
        ("[" * 100_000, 1),
        ("a: " + "{a: " * 100_000, 1),
        ("- a\n- b\n", 1),
        ("text", 1),
        ("a: b: c\n", 1),
        ("a: [1, 2\nb: 3\n", 2),
        ("a: \x07\n", 1),
        ("a:\n\t- b\n", 2),
        ("%YAML 9.9\n---\na: 1\n", 1),
        ('{"a": 1, "a": "\\ud83d\\ude00"}', 1),
        ('{"a": NaN, "b": "\\ud83d\\ude00"', 1),
        ('{"a": NaN, "b": "\\ud83d\\ude00"}', 1),
        ("{" + '"a": {' * 100_000, 1),
    ],
)
def test_what_json_cannot_say_is_refused_with_its_line(text: str, line: int) -> None:
    found = parse(text)
    assert found.problems
    assert found.problems[0][0] == line


def test_what_is_named_twice_is_told_each_time_and_the_rest_is_still_read() -> None:
    found = parse("a: 1\na: {x: [1, 2]}\nb: 2\nb: 3\n")
    assert [line for line, _ in found.problems] == [2, 4]
    assert "line 1" in found.problems[0][1]
    assert found.document == {"a": 1, "b": 2}


def test_an_empty_file_says_nothing() -> None:
    assert (parse("").document, parse("").problems) == ({}, ())
    assert parse("# only a comment\n").document == {}


@given(st.text(max_size=200))
def test_no_text_brings_the_reader_down(text: str) -> None:
    parse(text)


@pytest.mark.parametrize("depth", [DEEPEST - 1, DEEPEST])
def test_members_stand_in_each_other_only_so_deep(depth: int) -> None:
    assert bool(parse("a: " + "[" * depth + "]" * depth).problems) is (depth == DEEPEST)


def test_bytes_that_are_no_text_are_told_with_their_line(tmp_path: Path) -> None:
    file = tmp_path / "file.yaml"
    file.write_bytes(b"a: 1\nb: \xff\n")
    assert load(file).problems[0][0] == 2
    file.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert load(file).document == {"a": 1}


def test_a_file_that_is_not_there_or_too_large_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(Trouble):
        load(tmp_path / "nothing.yaml")
    with pytest.raises(Trouble):
        load(tmp_path)
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (MOST_BYTES + 1))
    with pytest.raises(Trouble):
        load(large)
