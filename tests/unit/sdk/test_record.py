"""Records of a guard: a chain in which any single change is found, and which a redaction leaves whole."""

import hashlib
import hmac
import json
from dataclasses import fields, replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit_sdk import record
from accredit_sdk.record import BrokenChain, Record, RecordHeader, RecordPerson
from tests.unit.sdk.forge import refused

PARTS = ["header", "person", "salt", "commitment", "hash"]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def header(seq: int, **changes: str) -> bytes:
    usual = {"chain": "chn_1", "kind": "call", "decision": f"dec_{seq}", "server": "srv_1", "outcome": "allow"}
    return msgspec.json.encode(RecordHeader(seq=seq, at=1_900_000_000_000_000 + seq, **(usual | changes)))


def chained(previous: bytes, head: bytes, person: bytes, salt: bytes) -> Record:
    commitment = record.commit(salt, person)
    return Record(head, person, salt, commitment, record.link(previous, head, commitment))


def chain(length: int, first: int = 1) -> list[Record]:
    made, previous = list[Record](), record.START
    for seq in range(first, first + length):
        person = msgspec.json.encode(RecordPerson(reason="ok", subject=f"usr_{seq}"))
        made.append(chained(previous, header(seq), person, seq.to_bytes(16, "big")))
        previous = made[-1].hash
    return made


def broken_at(records: list[Record], start: bytes = record.START) -> int | None:
    try:
        record.verify(records, start)
    except BrokenChain as broken:
        return broken.seq
    return None


def redacted(one: Record) -> Record:
    return replace(one, person=None, salt=None)


def test_commitment_and_link_are_hashes_over_parts_with_their_lengths() -> None:
    salt, person, previous, head = b"salt", b"person", bytes(range(32)), b"header"
    commitment = hashlib.sha256(b"\0\0\0\x04salt\0\0\0\x06person").digest()
    assert record.commit(salt, person) == commitment
    assert (
        record.link(previous, head, commitment) == hashlib.sha256(previous + b"\0\0\0\x06header" + commitment).digest()
    )


@given(st.binary(max_size=6), st.binary(max_size=6), st.binary(max_size=6), st.binary(max_size=6))
def test_bytes_cannot_move_from_one_part_into_the_next(a: bytes, b: bytes, c: bytes, d: bytes) -> None:
    assert (record.commit(a, b) == record.commit(c, d)) == ((a, b) == (c, d))


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_arguments_are_hashed_with_a_key(key: bytes, raw: bytes) -> None:
    assert record.arguments_digest(key, raw) == hmac.new(key, raw, hashlib.sha256).hexdigest()


# ---------------------------------------------------------------- chains


@pytest.mark.parametrize("length", range(4))
def test_a_whole_chain_holds(length: int) -> None:
    assert broken_at(chain(length)) is None
    assert bytes(32) == record.START


@given(st.integers(1, 5), st.integers(0, 5))
def test_a_chain_holds_from_any_link_on_and_from_no_other(length: int, split: int) -> None:
    records = chain(5)
    start = records[split - 1].hash if split else record.START
    assert broken_at(records[split : split + length], start) is None
    rest = records[split:]
    assert broken_at(rest, b"\x01" * 32) == (split + 1 if rest else None)


@given(st.sets(st.integers(0, 3)))
def test_redaction_leaves_the_chain_whole(places: set[int]) -> None:
    assert broken_at([redacted(one) if at in places else one for at, one in enumerate(chain(4))]) is None


@given(st.data(), st.booleans())
def test_one_changed_byte_in_any_part_of_any_record_is_found(data: st.DataObject, redact: bool) -> None:
    records = [redacted(one) for one in chain(4)] if redact else chain(4)
    at = data.draw(st.integers(0, 3))
    name = data.draw(st.sampled_from([part for part in PARTS if getattr(records[at], part) is not None]))
    old = getattr(records[at], name)
    place = data.draw(st.integers(0, len(old) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != old[place]))
    records[at] = replace(records[at], **{name: old[:place] + bytes([byte]) + old[place + 1 :]})
    found = broken_at(records)
    assert found is not None
    assert name == "header" or found == at + 1


@given(st.data())
def test_one_part_that_grows_shrinks_or_goes_is_found_at_its_record(data: st.DataObject) -> None:
    records, at, name = chain(4), data.draw(st.integers(0, 3)), data.draw(st.sampled_from(PARTS))
    old = getattr(records[at], name)
    new = data.draw(st.sampled_from([old + b"\0", b"\0" + old, old[1:], old[:-1], b""]))
    if name in ("person", "salt"):
        new = data.draw(st.sampled_from([new, None]))
    records[at] = replace(records[at], **{name: new})
    assert broken_at(records) == at + 1


@given(st.integers(0, 4), st.integers(0, 4))
def test_a_record_that_is_dropped_repeated_or_moved_is_found(at: int, other: int) -> None:
    records = chain(5)
    without = records[:at] + records[at + 1 :]
    assert (broken_at(without) is None) == (at == 4)
    assert broken_at([*records[: at + 1], *records[at:]]) is not None
    moved = [*without[:other], records[at], *without[other:]]
    assert (broken_at(moved) is None) == (at == other)


@given(st.integers(0, 3))
def test_a_record_of_another_chain_does_not_fit(at: int) -> None:
    records, previous = chain(4), record.START if at == 0 else chain(4)[at - 1].hash
    stranger = chained(b"\x07" * 32, header(at + 1, chain="chn_2"), b"{}", bytes(16))
    assert broken_at([*records[:at], stranger, *records[at + 1 :]]) == at + 1
    # One that hangs on the record before it is found at the next one.
    fitting = chained(previous, header(at + 1, outcome="deny"), b"{}", bytes(16))
    assert broken_at([*records[:at], fitting, *records[at + 1 :]]) == (at + 2 if at < 3 else None)


def test_a_number_that_is_skipped_is_found_although_the_links_fit() -> None:
    first = chain(1)[0]
    skipping = chained(first.hash, header(3), b"{}", bytes(16))
    assert broken_at([first, skipping]) == 2


@pytest.mark.parametrize("at", range(3))
@pytest.mark.parametrize("head", [b"", b"noise", b"[]", b"{}", b'{"seq":"1"}', b"\xff", b'{"x":' + b"[" * 100_000])
def test_a_header_that_cannot_be_read_is_a_broken_chain(at: int, head: bytes) -> None:
    records = chain(3)
    records[at] = replace(records[at], header=head)
    assert broken_at(records) == at + 1


# ---------------------------------------------------------------- on the wire


@given(st.text(st.characters(exclude_categories=["Cs"])), st.none() | TEXT, st.binary(max_size=40), st.booleans())
def test_a_record_comes_back_from_its_line(head: str, person: str | None, noise: bytes, salted: bool) -> None:
    one = Record(
        head.encode(), person.encode() if person is not None else None, noise if salted else None, noise, noise
    )
    line = record.encode_line(one)
    assert b"\n" not in line
    assert record.decode_line(line) == one


@given(st.sampled_from(chain(3)), st.booleans())
def test_a_line_is_verified_as_the_record_was(one: Record, redact: bool) -> None:
    one = redacted(one) if redact else one
    again = record.decode_line(record.encode_line(one))
    assert all(getattr(again, field.name) == getattr(one, field.name) for field in fields(Record))


LINE = {"header": "{}", "hash": "00" * 32, "commitment": "00" * 32}


@pytest.mark.parametrize(
    "line",
    [
        b"", b"noise", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"x":' + b"[" * 100_000,
        *(json.dumps(LINE | change).encode() for change in (
            {"hash": "0"}, {"hash": "xx"}, {"hash": None}, {"hash": 1}, {"commitment": "zz"}, {"salt": "0"},
            {"salt": 1}, {"header": None}, {"header": {}}, {"person": 1}, {"header": "\ud800"},
        )),
    ],
)  # fmt: skip
def test_what_is_no_line_is_refused(line: bytes) -> None:
    assert not refused(lambda: record.decode_line(json.dumps(LINE).encode()))
    assert refused(lambda: record.decode_line(line))


@pytest.mark.parametrize("head", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"x":' + b"[" * 100_000])
def test_what_is_no_header_is_refused(head: bytes) -> None:
    assert refused(lambda: record.decode_header(head))
    assert record.decode_header(header(7, outcome="deny")).outcome == "deny"
