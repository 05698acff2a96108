"""The master key: a key for every use, and what was sealed opens for the same key and context alone."""

import hashlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from accredit.identity.sealing import MASTER_KEY_BYTES, MasterKey, WrongMasterKey

KEY, OTHER = (MasterKey(hashlib.sha256(name).digest()) for name in (b"one", b"other"))
NONCE = bytes(12)


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
def test_a_master_key_has_32_bytes(length: int) -> None:
    assert MASTER_KEY_BYTES == 32
    with pytest.raises(ValueError, match="32"):
        MasterKey(bytes(range(length)))


@pytest.mark.parametrize(
    "raw",
    [
        bytes(32),
        b"\xff" * 32,
        b"changeme" * 4,
        b"0" * 31 + b"1",
        b"ab" * 16,
        bytes(range(32)),
        bytes(range(255, 223, -1)),
        bytes(range(0, 96, 3)),
        bytes(range(100, 250, 10)) * 2 + b"dn",
        b"this is a text of 32 characters!",
    ],
)
def test_default_secret_a_placeholder_is_no_master_key(raw: bytes) -> None:
    with pytest.raises(ValueError, match="placeholder"):
        MasterKey(raw)


def test_a_key_never_shows_itself() -> None:
    shown = f"{KEY!s}{KEY!r}"
    assert str(KEY.raw)[2:-1] not in shown
    assert KEY.raw.hex() not in shown


@given(st.text(st.characters(max_codepoint=126, min_codepoint=33), max_size=20), st.binary(max_size=20))
def test_each_use_and_context_has_its_own_key(label: str, context: bytes) -> None:
    derived = KEY.derive(label, context)
    assert derived == HKDF(hashes.SHA256(), 32, None, b"accredit/" + label.encode() + b"\0" + context).derive(KEY.raw)
    assert derived != KEY.raw
    assert derived != OTHER.derive(label, context)
    assert len({derived, KEY.derive(label + "x", context), KEY.derive(label, context + b"x")}) == 3


def test_a_label_and_its_context_cannot_be_split_in_two_ways() -> None:
    assert KEY.derive("ab", b"c") != KEY.derive("a", b"bc")


def test_the_check_value_recognises_the_key_and_opens_nothing() -> None:
    assert KEY.check() == MasterKey(KEY.raw).check()
    assert KEY.check() not in {OTHER.check(), KEY.raw, KEY.derive("seal")}


@given(st.binary(max_size=200), st.binary(max_size=40), st.binary(min_size=12, max_size=12))
def test_what_was_sealed_opens_to_the_same(plain: bytes, context: bytes, nonce: bytes) -> None:
    sealed = KEY.seal(plain, context, nonce)
    assert KEY.open(sealed, context) == plain
    assert len(sealed) == len(plain) + 12 + 16


@given(st.data())
def test_one_flipped_bit_and_it_does_not_open(data: st.DataObject) -> None:
    sealed = KEY.seal(b"private key", b"access:kid", NONCE)
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    altered = (int.from_bytes(sealed, "big") ^ 1 << bit).to_bytes(len(sealed), "big")
    with pytest.raises(WrongMasterKey):
        KEY.open(altered, b"access:kid")


def test_another_key_or_context_does_not_open_it() -> None:
    sealed = KEY.seal(b"private key", b"access:kid", NONCE)
    for key, context in ((OTHER, b"access:kid"), (KEY, b"signal:kid"), (KEY, b"")):
        with pytest.raises(WrongMasterKey):
            key.open(sealed, context)


@given(st.binary(max_size=60))
def test_garbage_of_any_length_is_the_wrong_key_and_never_another_error(sealed: bytes) -> None:
    with pytest.raises(WrongMasterKey):
        KEY.open(sealed, b"access:kid")


@pytest.mark.parametrize("length", [0, 11, 13, 16])
def test_sealing_takes_a_whole_nonce(length: int) -> None:
    with pytest.raises(ValueError, match="12"):
        KEY.seal(b"", b"", bytes(length))
