"""Strict JSON: the value that the standard library finds, or a refusal where two readers could differ."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit_sdk import strict_json
from tests.unit.sdk.forge import refused

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
TREES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4))
PIECES = [
    "{", "}", "[", "]", ",", ":", '"a"', '"b"', '"\\u0061"', '"\\ud800"', "1", "-0", "1.0", "1e400", "-1e-400", "01",
    ".5", "null", "true", "NaN", "-Infinity", " ", "\n", "\x0b", "\x00", '"\n"', "'a'", "//", "é", '"é"', "\ufeff",
]  # fmt: skip


def same(a: object, b: object) -> bool:
    """Equality that also tells 1 from 1.0 and from True, and 0.0 from -0.0."""
    match a, b:
        case (list(), list()):
            return len(a) == len(b) and all(map(same, a, b))
        case (dict(), dict()):
            return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
        case (float(), float()):
            return a == b and math.copysign(1, a) == math.copysign(1, b)
    return type(a) is type(b) and a == b


def agrees_or_refuses(text: bytes) -> bool:
    """Hold our reading against the standard library's; tell whether there was one."""
    if refused(lambda: strict_json.decode(text)):
        return False
    assert same(strict_json.decode(text), json.loads(text.decode("utf-8")))
    return True


@given(TREES, st.booleans(), st.sampled_from([None, 0, 2, "\t"]), st.booleans())
def test_what_the_standard_library_writes_is_read_as_it_was_meant(
    tree: object, escaped: bool, indent: int | str | None, ordered: bool
) -> None:
    text = json.dumps(tree, ensure_ascii=escaped, indent=indent, sort_keys=ordered).encode()
    assert agrees_or_refuses(text)
    assert same(strict_json.decode(text), tree)


@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
def test_anything_else_agrees_with_the_standard_library_or_is_refused(text: str) -> None:
    agrees_or_refuses(text.encode("utf-8", "surrogatepass"))


@given(TREES, st.data())
def test_a_text_with_one_byte_changed_agrees_with_the_standard_library_or_is_refused(
    tree: object, data: st.DataObject
) -> None:
    text = bytearray(json.dumps(tree, ensure_ascii=False).encode())
    text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    agrees_or_refuses(bytes(text))


@given(st.dictionaries(TEXT, LEAVES, min_size=1, max_size=4), st.data(), LEAVES)
def test_a_repeated_member_is_refused_at_any_depth_and_in_any_spelling(
    members: dict[str, Any], data: st.DataObject, other: object
) -> None:
    again = data.draw(st.sampled_from(sorted(members)))
    pairs = [*members.items(), (again, other)]
    spelt = [
        f"{json.dumps(name, ensure_ascii=data.draw(st.booleans()))}:{json.dumps(value)}"
        for name, value in data.draw(st.permutations(pairs))
    ]
    text = "{" + ",".join(spelt) + "}"
    assert refused(lambda: strict_json.decode(text.encode()))
    assert refused(lambda: strict_json.decode(f'[1,{{"x":[{text}]}}]'.encode()))


@pytest.mark.parametrize(
    "text",
    [
        b"", b" ", b"NaN", b"[NaN]", b"Infinity", b"-Infinity", b"1e400", b"-1e400", b"01", b"+1", b".5", b"1.", b"'a'",
        b"[1,]", b'{"a":1,}', b"{a:1}", b"1 2", b"[1]]", b"// x\n1", b"nul", b"True", b"\x0b1", b"\x001", b'"\n"',
        b'"\t"', b'"\x00"', b'"\\x41"', b'"\\u12"', b'"\\ud800"', b'"\\udc00\\ud800"', b'{"\\ud800":1}', b'"\xff"',
        b'"\xc0\x80"', b'"\xed\xa0\x80"', b'"\xf4\x90\x80\x80"', b"\xef\xbb\xbf1", '"a"'.encode("utf-16"),
        b"[" * 100_000, b'{"a":' * 100_000, b"1" * 5000,
    ],
)  # fmt: skip
def test_what_readers_take_differently_is_refused(text: bytes) -> None:
    assert refused(lambda: strict_json.decode(text))


def test_a_refusal_does_not_quote_the_text() -> None:
    for text in (b'{"secret":1,"secret":2}', b'"secret', b'"secret\xff"'):
        with pytest.raises(ValueError, match="strict JSON") as found:
            strict_json.decode(text)
        assert "secret" not in str(found.value)
        assert found.value.__suppress_context__


@given(TREES)
def test_an_object_is_told_from_everything_else(tree: object) -> None:
    text = json.dumps(tree).encode()
    if isinstance(tree, dict):
        assert same(strict_json.decode_object(text), tree)
    else:
        assert refused(lambda: strict_json.decode_object(text))
