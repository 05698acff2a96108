"""The chain of the log: what was written cannot be changed, dropped, reordered or swapped without being seen."""

import hashlib
from dataclasses import fields, replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.audit import chain
from accredit.audit.chain import Head, append
from accredit.audit.events import Administered, ChainClosed, ChainOpened, Event, TokenIssued, TokenRefused
from accredit.audit.redact import redacted
from accredit.identity.changes import StoredRecord
from accredit.identity.rule import Factor, Removed
from accredit_sdk import record

AT = 1_900_000_000_000_000
ISSUED = TokenIssued(
    decision="dec_1",
    server="srv_1",
    subject="agt_1",
    client="agt_1",
    client_id="agt_1",
    credential="crd_1",
    grant_type="client_credentials",
    jti="tok_1",
    requested=frozenset({"b", "a", "c"}),
    scopes=frozenset({"a"}),
    removed=(Removed("b", Factor.CLIENT_ROLES), Removed("c", Factor.SERVER)),
    expires=1_900_000_300,
    version=7,
)
REFUSED = TokenRefused(decision="dec_2", client_id="who", grant_type="x", error="invalid_client", reason="wrong secret")
EVENTS: list[Event] = [ChainOpened(version="0.1"), ISSUED, REFUSED, ChainClosed()]


def written(events: list[Event]) -> tuple[Head, list[StoredRecord]]:
    head, stored = Head("chn_1"), []
    for number, event in enumerate(events):
        head, one = append(head, event, AT + number, number.to_bytes(16, "big"))
        stored.append(one)
    return head, stored


def shipped(stored: list[StoredRecord]) -> list[record.Record]:
    return [record.Record(one.header, one.person, one.salt, one.commitment, one.hash) for one in stored]


def test_a_chain_is_numbered_from_one_and_each_record_hangs_on_the_one_before() -> None:
    head, stored = written(EVENTS)
    assert [one.seq for one in stored] == [1, 2, 3, 4]
    assert head == Head("chn_1", 4, stored[-1].hash)
    assert Head("chn_1") == Head("chn_1", 0, chain.START) == Head("chn_1", 0, bytes(32))
    record.verify(shipped(stored))


def test_the_columns_to_search_by_say_what_the_header_says() -> None:
    for one in written(EVENTS)[1]:
        header = record.decode_header(one.header)
        said = (header.seq, header.at, header.kind, header.decision, header.server, header.outcome)
        assert said == (one.seq, one.at, one.kind, one.decision, one.server, one.outcome)
        assert header.chain == "chn_1"


def test_a_record_is_hashed_as_the_house_says() -> None:
    def measured(part: bytes) -> bytes:
        return len(part).to_bytes(4, "big") + part

    _, (one,) = written([ISSUED])
    assert one.person is not None
    assert one.salt is not None
    commitment = hashlib.sha256(measured(one.salt) + measured(one.person)).digest()
    assert one.commitment == commitment
    assert one.hash == hashlib.sha256(bytes(32) + measured(one.header) + commitment).digest()


def test_the_person_part_holds_everything_but_the_header_and_in_one_order() -> None:
    _, (one,) = written([ISSUED])
    assert one.person is not None
    said = msgspec.json.decode(one.person)
    assert said.keys() == {field.name for field in fields(ISSUED)} - {"decision", "server"}
    assert said["requested"] == ["a", "b", "c"]
    assert said["removed"] == [{"scope": "b", "factor": "client_roles"}, {"scope": "c", "factor": "server"}]


def test_the_header_names_no_person() -> None:
    _, (one,) = written([ISSUED])
    for text in ("agt_1", "crd_1", "tok_1", "client_credentials"):
        assert text.encode() not in one.header


def test_an_event_about_no_server_has_an_empty_one_in_its_header() -> None:
    _, (one,) = written([REFUSED])
    assert one.server == record.decode_header(one.header).server == ""


@pytest.mark.parametrize("length", [0, 15, 17, 32])
def test_a_salt_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="16"):
        append(Head("chn_1"), ISSUED, AT, bytes(length))


def test_without_the_salt_the_person_part_cannot_be_guessed() -> None:
    assert (
        append(Head("c"), ISSUED, AT, bytes(16))[1].commitment != append(Head("c"), ISSUED, AT, b"x" * 16)[1].commitment
    )


@given(st.data())
def test_audit_tamper_one_flipped_bit_anywhere_is_found_at_its_record(data: st.DataObject) -> None:
    stored = written(EVENTS)[1]
    place = data.draw(st.integers(0, len(stored) - 1))
    name = data.draw(st.sampled_from(["header", "person", "salt", "commitment", "hash"]))
    part = getattr(stored[place], name)
    bit = data.draw(st.integers(0, len(part) * 8 - 1))
    flipped = (int.from_bytes(part, "big") ^ 1 << bit).to_bytes(len(part), "big")
    stored[place] = replace(stored[place], **{name: flipped})
    with pytest.raises(record.BrokenChain) as broken:
        record.verify(shipped(stored))
    # Only a number that was changed itself is no guide to the place.
    assert name == "header" or broken.value.seq == place + 1


@given(st.permutations(range(4)), st.integers(0, 4))
def test_audit_tamper_only_the_whole_beginning_in_its_order_verifies(order: list[int], kept: int) -> None:
    stored = written(EVENTS)[1]
    chosen = [stored[place] for place in order][:kept]
    try:
        record.verify(shipped(chosen))
        assert order[:kept] == list(range(kept))
    except record.BrokenChain:
        assert order[:kept] != list(range(kept))


def test_audit_tamper_a_record_of_another_chain_does_not_fit() -> None:
    stored, others = written(EVENTS)[1], written([REFUSED, ISSUED])[1]
    with pytest.raises(record.BrokenChain):
        record.verify(shipped([stored[0], others[1]]))


def test_audit_tamper_a_changed_person_part_with_a_fitting_commitment_breaks_the_link() -> None:
    stored = written(EVENTS)[1]
    person = stored[1].person
    assert person is not None
    assert stored[1].salt is not None
    lie = person.replace(b"agt_1", b"agt_9")
    stored[1] = replace(stored[1], person=lie, commitment=record.commit(stored[1].salt, lie))
    with pytest.raises(record.BrokenChain) as broken:
        record.verify(shipped(stored))
    assert broken.value.seq == 2


@given(st.sets(st.integers(0, 3)))
def test_redaction_takes_the_person_and_leaves_the_chain(places: set[int]) -> None:
    stored = [redacted(one) if place in places else one for place, one in enumerate(written(EVENTS)[1])]
    record.verify(shipped(stored))
    for place in places:
        assert stored[place].person is None
        assert stored[place].salt is None


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(TEXTS, TEXTS, TEXTS, st.none() | TEXTS)
def test_any_text_in_an_event_is_kept_exactly(action: str, target: str, summary: str, server: str | None) -> None:
    event = Administered(decision="dec_1", server=server, action=action, target=target, by="admin", summary=summary)
    _, (one,) = written([event])
    assert one.person is not None
    said = msgspec.json.decode(one.person)
    assert (said["action"], said["target"], said["summary"]) == (action, target, summary)
    record.verify(shipped([one]))


@given(st.lists(st.sampled_from(EVENTS), max_size=12), st.integers(0, 12))
def test_a_chain_goes_on_from_its_head_wherever_it_was_put_down(events: list[Event], split: int) -> None:
    whole, stored = written(events)
    head, rest = Head("chn_1"), []
    for number, event in enumerate(events):
        if number == split:
            head = Head(head.chain, head.seq, bytes(head.hash))
        head, one = append(head, event, AT + number, number.to_bytes(16, "big"))
        rest.append(one)
    assert (head, rest) == (whole, stored)
    record.verify(shipped(stored[split:]), stored[split - 1].hash if 0 < split <= len(stored) else bytes(32))
