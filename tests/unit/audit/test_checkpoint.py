"""Checkpoints: what is read is what was signed, and nothing else passes for one."""

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.audit import checkpoint
from accredit.audit.chain import START, Head
from accredit.audit.checkpoint import Checkpoint, NotACheckpoint
from accredit.identity.changes import Seal, SealKind
from accredit_sdk import jws, keys
from accredit_sdk.jws import Algorithm

KEY = keys.generate(Algorithm.ES256)
KNOWN = {KEY.kid: KEY.verifying()}
SEALS = (
    Seal(4, SealKind.CLOSED, "chn_a", 7, b"a" * 32),
    Seal(5, SealKind.ARCHIVED, "chn_b", 9, b"b" * 32, b"c" * 32),
)
MADE = Checkpoint("https://a.example", 3, 17, b"p" * 32, 5, b"l" * 32, SEALS, (Head("chn_c", 2, b"h" * 32),))


def test_what_is_read_is_what_was_signed() -> None:
    document = checkpoint.sign(KEY, MADE)
    assert checkpoint.read(document, KNOWN) == MADE
    assert checkpoint.number_of(document) == 3
    assert b"\n" not in document


def test_before_the_first_checkpoint_nothing_is_known() -> None:
    assert checkpoint.first_of("x") == Checkpoint("x", 0, 0, START, 0, START, (), ())


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"a.b.c",
        checkpoint.sign(keys.generate(Algorithm.ES256), MADE),
        jws.sign(KEY, "at+jwt", b"{}").encode(),
        jws.sign(KEY, checkpoint.TYPE, b"{}").encode(),
        jws.sign(KEY, checkpoint.TYPE, msgspec.json.encode({"iss": "x", "n": 1, "at": 1, "previous": "x"})).encode(),
        jws.sign(KEY, checkpoint.TYPE, b"[" * 5000).encode(),
    ],
    ids=["empty", "garbage", "another key", "another type", "nothing", "half", "deep"],
)
def test_audit_tamper_a_forged_checkpoint_is_refused(document: bytes) -> None:
    with pytest.raises(NotACheckpoint):
        checkpoint.read(document, KNOWN)


@pytest.mark.parametrize("document", [b"", b"a.b.c", jws.sign(KEY, checkpoint.TYPE, b"{}").encode()])
def test_what_is_no_checkpoint_has_no_number(document: bytes) -> None:
    with pytest.raises(NotACheckpoint):
        checkpoint.number_of(document)


@given(st.integers(0, 200), st.integers(1, 255))
def test_audit_tamper_one_changed_byte_makes_it_none(place: int, by: int) -> None:
    document = bytearray(checkpoint.sign(KEY, MADE))
    document[place] = (document[place] + by) % 256
    with pytest.raises(NotACheckpoint):
        checkpoint.read(bytes(document), KNOWN)


def test_the_running_hash_covers_every_member_of_every_seal_and_their_order() -> None:
    whole = checkpoint.running(checkpoint.running(START, SEALS[0]), SEALS[1])
    assert len(whole) == 32
    assert whole != checkpoint.running(checkpoint.running(START, SEALS[1]), SEALS[0])
    for change in (
        {"number": 9}, {"kind": SealKind.CLOSED}, {"chain": "chn_x"}, {"seq": 1}, {"hash": bytes(32)}, {"archive": b""},
    ):  # fmt: skip
        other = replace(SEALS[1], **change)  # type: ignore[arg-type]
        assert whole != checkpoint.running(checkpoint.running(START, SEALS[0]), other)


def test_the_key_set_beside_checkpoints_verifies_them() -> None:
    known = keys.parse_jwks(checkpoint.key_set([keys.public_jwk(KEY.verifying())]))
    assert checkpoint.read(checkpoint.sign(KEY, MADE), known) == MADE
