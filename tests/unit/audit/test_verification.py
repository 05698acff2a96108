"""audit_tamper: whatever is changed in a log, the first bad record is named, and what is whole holds."""

from dataclasses import replace
from typing import Any

import pytest

from accredit.audit import checkpoint, export
from accredit.audit.chain import Head
from accredit.audit.export import Examination
from accredit.audit.redact import redacted
from accredit.audit.verification import Fault, Flaw, Proof, Verifier
from accredit.identity.changes import Seal, SealKind
from accredit_sdk import keys, record
from accredit_sdk.jws import Algorithm
from tests.unit.audit.logs import ISSUER, KEY, KNOWN, Log, log


def first(made: Log, *, outside: bool = False) -> tuple[str, str, int, str, int]:
    flaw = made.verify(outside=outside).first
    assert flaw is not None
    assert flaw.sentence
    return flaw.fault.value, flaw.chain, flaw.seq, flaw.decision, flaw.checkpoint


def test_an_unaltered_log_holds_and_says_how_far_it_is_proved() -> None:
    report = log().verify(outside=True)
    assert report.first is None
    assert [(item.chain, item.records) for item in report.chains] == [("chn_a", 3), ("chn_b", 5), ("chn_c", 4)]
    assert report.proofs == {"stored": Proof(3, 10), "outside": Proof(3, 10)}


def test_a_redacted_record_still_holds() -> None:
    made = log()
    made.chains["chn_b"][1] = redacted(made.chains["chn_b"][1])
    assert made.verify(outside=True).first is None


def test_a_closed_chain_may_go_on_and_be_closed_again() -> None:
    made = log()
    made.write("chn_a", 2)
    made.sign()
    made.close("chn_a")
    made.sign()
    made.write("chn_a", 1)
    assert made.verify(outside=True).first is None


def test_audit_tamper_a_changed_header_is_named() -> None:
    made = log()
    item = made.chains["chn_b"][2]
    made.chains["chn_b"][2] = replace(item, header=item.header.replace(b"deny", b"done"))
    assert first(made) == ("header_changed", "chn_b", 3, "dec_chn_b_3", 0)
    assert [item.records for item in made.verify().chains] == [3, 2, 4]


def test_audit_tamper_a_changed_person_part_is_named() -> None:
    made = log()
    item = made.chains["chn_b"][2]
    assert item.person is not None
    made.chains["chn_b"][2] = replace(item, person=item.person.replace(b"bot", b"nob"))
    assert first(made) == ("person_changed", "chn_b", 3, "dec_chn_b_3", 0)


def test_audit_tamper_swapped_person_parts_are_named() -> None:
    made = log()
    made.chains["chn_b"][3] = made.made(Head("chn_b", 3), "dec_chn_b_4", "other")
    made.relink("chn_b")
    one, two = made.chains["chn_b"][0], made.chains["chn_b"][3]
    made.chains["chn_b"][0] = replace(one, person=two.person, salt=two.salt)
    made.chains["chn_b"][3] = replace(two, person=one.person, salt=one.salt)
    assert first(made) == ("person_changed", "chn_b", 1, "dec_chn_b_1", 0)


@pytest.mark.parametrize("part", ["person", "salt"])
def test_audit_tamper_half_a_redaction_is_named(part: str) -> None:
    made = log()
    made.chains["chn_a"][0] = replace(made.chains["chn_a"][0], **{part: None})
    assert first(made) == ("half_redacted", "chn_a", 1, "dec_chn_a_1", 0)


def test_audit_tamper_an_unreadable_header_is_named() -> None:
    made = log()
    made.chains["chn_a"][1] = replace(made.chains["chn_a"][1], header=b"\xff{")
    assert first(made) == ("unreadable", "chn_a", 2, "", 0)


def test_audit_tamper_a_dropped_record_is_named() -> None:
    made = log()
    del made.chains["chn_b"][1]
    assert first(made) == ("record_missing", "chn_b", 2, "", 0)


def test_audit_tamper_reordered_records_are_named() -> None:
    made = log()
    records = made.chains["chn_b"]
    records[1], records[2] = records[2], records[1]
    assert first(made) == ("record_missing", "chn_b", 2, "", 0)


def test_audit_tamper_a_record_of_another_chain_is_named() -> None:
    made = log()
    made.chains["chn_b"][1] = made.chains["chn_a"][1]
    assert first(made) == ("record_missing", "chn_b", 2, "", 0)


def test_audit_tamper_a_chain_written_anew_contradicts_the_checkpoint() -> None:
    made = log()
    made.chains["chn_b"][2] = made.made(Head("chn_b", 2), "dec_chn_b_3", "forged")
    made.relink("chn_b")
    assert first(made) == ("rewritten", "chn_b", 3, "dec_chn_b_3", 3)


def test_audit_tamper_what_was_written_anew_before_the_first_checkpoint_is_named_from_the_beginning() -> None:
    made = log()
    made.chains["chn_b"][0] = made.made(Head("chn_b"), "dec_chn_b_1", "forged")
    made.relink("chn_b")
    assert first(made) == ("rewritten", "chn_b", 1, "dec_chn_b_1", 1)


def test_audit_tamper_when_the_stored_checkpoints_are_dropped_too_those_outside_prove_it() -> None:
    made = log()
    made.chains["chn_b"][2] = made.made(Head("chn_b", 2), "dec_chn_b_3", "forged")
    made.relink("chn_b")
    made.stored = []
    assert made.verify().first is None
    assert first(made, outside=True) == ("rewritten", "chn_b", 3, "dec_chn_b_3", 3)


def test_audit_tamper_a_dropped_chain_is_named_by_the_checkpoint_outside() -> None:
    made = log()
    del made.chains["chn_c"]
    assert first(made) == ("chain_missing", "chn_c", 1, "", 3)
    made.seals, made.stored = made.seals[:1], made.stored[:2]
    assert made.verify().first is None
    assert first(made, outside=True) == ("chain_missing", "chn_c", 1, "", 3)


def test_audit_tamper_a_chain_truncated_after_a_checkpoint_is_named() -> None:
    made = log()
    del made.chains["chn_b"][3:]
    assert first(made) == ("end_missing", "chn_b", 4, "", 3)


def test_audit_tamper_a_chain_that_ends_before_its_own_end_is_named() -> None:
    made = log()
    lines = made.lines()
    place = next(place for place, line in enumerate(lines) if b"dec_chn_b_5" in line)
    del lines[place]
    verifier = examined(lines)
    assert verifier.first == Flaw(Fault.END_MISSING, "chn_b", 5, "", 0)


def examined(lines: list[bytes], outside: Any = ()) -> Any:
    examination = Examination(KNOWN, outside)
    for line in lines:
        examination.line(line)
    return examination.report()


def test_audit_tamper_a_forged_checkpoint_is_named() -> None:
    made, stranger = log(), keys.generate(Algorithm.ES256)
    made.outside.append(checkpoint.sign(stranger, replace(made.last, number=4)))
    assert first(made, outside=True) == ("checkpoint_forged", "", 4, "", 0)
    made.outside[-1] = checkpoint.sign(KEY, replace(made.last, number=4, issuer="https://b.example"))
    assert first(made, outside=True) == ("checkpoint_forged", "", 4, "", 4)


def test_audit_tamper_a_replayed_checkpoint_is_named() -> None:
    made = log()
    made.outside.append(made.outside[0])
    assert first(made, outside=True) == ("checkpoint_replayed", "", 4, "", 1)


def test_audit_tamper_a_checkpoint_put_in_the_place_of_another_is_named() -> None:
    made = log()
    made.outside[1] = checkpoint.sign(KEY, replace(checkpoint.read(made.outside[1], KNOWN), at=99))
    assert first(made, outside=True) == ("checkpoint_replayed", "", 3, "", 3)


def test_checkpoints_may_be_missing_between_others() -> None:
    made = log()
    del made.outside[1]
    assert made.verify(outside=True).first is None


def test_audit_tamper_an_old_file_of_checkpoints_proves_no_more_than_it_did() -> None:
    made = log()
    made.outside = made.outside[:1]
    del made.chains["chn_b"][3:]
    made.stored = made.stored[:1]
    made.seals = []
    del made.chains["chn_c"]
    report = made.verify(outside=True)
    assert (report.first, report.proofs["outside"]) == (None, Proof(1, 10))


def test_audit_tamper_a_dropped_seal_is_named() -> None:
    made = log()
    made.seals = made.seals[:1]
    flaws = made.verify().flaws
    assert flaws == (Flaw(Fault.SEALS_CHANGED, "chn_c", 4, "", 3),)


def test_audit_tamper_a_changed_seal_is_named_once() -> None:
    made = log()
    made.seals[0] = replace(made.seals[0], seq=2, hash=made.chains["chn_a"][1].hash)
    assert made.verify().flaws == (Flaw(Fault.SEALS_CHANGED, "chn_a", 3, "", 2),)


def test_audit_tamper_seals_that_are_exchanged_for_what_no_checkpoint_says_are_noticed() -> None:
    made = log()
    made.stored = [made.stored[-1]]
    made.seals[0] = replace(made.seals[0], archive=b"x")
    assert made.verify().flaws == (Flaw(Fault.SEALS_CHANGED, "", 0, "", 3),)


def test_audit_tamper_seals_out_of_order_are_named_once() -> None:
    made = log()
    made.seals.reverse()
    assert made.verify().flaws == (Flaw(Fault.SEALS_CHANGED, "chn_c", 4),)


def archived(made: Log, chain: str, seq: int) -> None:
    """Archive the beginning of a chain as the server does: sealed, signed, then dropped."""
    made.close(chain, SealKind.ARCHIVED, seq)
    made.sign()
    made.anchors[chain] = Head(chain, seq, made.chains[chain][seq - 1].hash)
    made.chains[chain] = made.chains[chain][seq:]


@pytest.mark.parametrize("seq", [1, 2, 4, 5])
def test_what_remains_of_an_archived_chain_holds(seq: int) -> None:
    made = log()
    archived(made, "chn_b", seq)
    made.write("chn_b")
    report = made.verify(outside=True)
    assert report.first is None
    assert [item.records for item in report.chains] == [3, 6 - seq, 4]


def test_audit_tamper_a_beginning_that_nobody_archived_is_missed() -> None:
    made = log()
    made.anchors["chn_b"] = Head("chn_b", 2, made.chains["chn_b"][1].hash)
    del made.chains["chn_b"][:2]
    assert first(made) == ("beginning_missing", "chn_b", 1, "", 0)


def test_audit_tamper_a_seal_made_up_for_a_dropped_beginning_is_noticed() -> None:
    made = log()
    made.close("chn_b", SealKind.ARCHIVED, 2)
    made.anchors["chn_b"] = Head("chn_b", 2, made.chains["chn_b"][1].hash)
    del made.chains["chn_b"][:2]
    assert made.verify().first is None
    made.sign()
    made.seals[-1] = replace(made.seals[-1], seq=3)
    assert Fault.SEALS_CHANGED in {flaw.fault for flaw in made.verify(outside=True).all_flaws()}


def test_audit_tamper_more_dropped_than_was_archived_is_missed() -> None:
    made = log()
    archived(made, "chn_b", 2)
    made.anchors["chn_b"] = Head("chn_b", 3, made.chains["chn_b"][0].hash)
    del made.chains["chn_b"][0]
    assert first(made)[:3] == ("beginning_missing", "chn_b", 1)


def test_what_was_dropped_only_in_part_still_holds() -> None:
    made = log()
    made.close("chn_b", SealKind.ARCHIVED, 4)
    made.sign()
    made.anchors["chn_b"] = Head("chn_b", 3, made.chains["chn_b"][2].hash)
    made.chains["chn_b"] = made.chains["chn_b"][3:]
    assert made.verify(outside=True).first is None


def test_audit_tamper_an_anchor_with_another_link_is_noticed() -> None:
    made = log()
    archived(made, "chn_b", 2)
    made.anchors["chn_b"] = Head("chn_b", 2, bytes(32))
    assert first(made)[:3] == ("rewritten", "chn_b", 3)


def test_audit_tamper_an_end_that_is_no_link_is_named() -> None:
    verifier = Verifier(ISSUER, KNOWN)
    verifier.begin("chn_a", None, Head("chn_a"), Head("chn_a", 1, b"short"))
    assert verifier.report().first == Flaw(Fault.UNREADABLE, "chn_a", 1)
    with pytest.raises(ValueError, match="place"):
        Verifier(ISSUER, KNOWN).seal(Seal(1, SealKind.CLOSED, "chn_a", -1, bytes(32)))


def test_a_record_without_a_chain_cannot_be_taken() -> None:
    item = record.Record(b"{}", None, None, bytes(32), bytes(32))
    with pytest.raises(ValueError, match="no chain"):
        Verifier(ISSUER, KNOWN).record(item)


def test_not_more_flaws_are_kept_than_anybody_reads() -> None:
    verifier = Verifier(ISSUER, KNOWN)
    for place in range(1000):
        verifier.checkpoint(b"x", "outside", place)
    assert len(verifier.report().flaws) == 100


def test_every_fault_has_its_words() -> None:
    assert len({Flaw(fault).sentence for fault in Fault}) == len(Fault)
    assert "checkpoint 7" in Flaw(Fault.REWRITTEN, "chn_a", 1, "", 7).sentence


def part(made: Log, chain: str, first: int, last: int) -> Any:
    """Verify an archive of some records of one chain, with the checkpoints outside."""
    records = made.chains[chain]
    anchor = Head(chain, first - 1, records[first - 2].hash) if first > 1 else Head(chain)
    lines = [export.beginning(ISSUER, 1, part=True), *(export.seal(item) for item in made.seals)]
    lines.append(export.chain(chain, None, anchor, Head(chain, last, records[last - 1].hash)))
    lines += [export.line(item) for item in records[first - 1 : last]]
    examination = Examination(KNOWN, made.outside)
    for line in [*lines, export.end()]:
        examination.line(line)
    assert examination.part
    return examination.report()


def test_an_archive_is_compared_with_what_checkpoints_say_of_it_alone() -> None:
    made = log()
    assert part(made, "chn_b", 1, 3).first is None
    assert part(made, "chn_b", 1, 5).first is None
    made.close("chn_b", SealKind.ARCHIVED, 3)
    sealed, made.seals = list(made.seals), made.seals[:1]
    assert part(made, "chn_b", 1, 3).first is None
    made.seals = sealed
    made.sign()
    assert part(made, "chn_b", 4, 5).first is None


def test_audit_tamper_an_archive_that_was_written_anew_contradicts_a_checkpoint() -> None:
    made = log()
    made.chains["chn_b"][0] = made.made(Head("chn_b"), "dec_chn_b_1", "forged")
    made.relink("chn_b")
    assert part(made, "chn_b", 1, 3).first == Flaw(Fault.REWRITTEN, "chn_b", 1, "dec_chn_b_1", 1)


@pytest.fixture
def twice() -> Log:
    """A log of which one chain was archived twice, between seals of others; only the seals of that chain are left."""
    made = log()
    for seq in (2, 4):
        made.close("chn_b", SealKind.ARCHIVED, seq)
        made.sign()
        made.write("chn_c")
        made.close("chn_c")
        made.sign()
    made.seals = [seal for seal in made.seals if seal.chain == "chn_b"]
    return made


def test_an_archive_needs_the_seals_of_its_own_chains_alone(twice: Log) -> None:
    assert [seal.number for seal in twice.seals] == [3, 5]
    assert part(twice, "chn_b", 3, 5).first is None
    twice.seals = []
    assert part(twice, "chn_b", 3, 5).first == Flaw(Fault.BEGINNING_MISSING, "chn_b", 1)


def test_audit_tamper_a_seal_in_an_archive_is_the_one_that_was_signed(twice: Log) -> None:
    twice.seals[0] = replace(twice.seals[0], archive=b"another file")
    assert part(twice, "chn_b", 3, 5).flaws == (Flaw(Fault.SEALS_CHANGED, "chn_b", 2, "", 4),)


def test_audit_tamper_the_seals_in_an_archive_are_in_their_order(twice: Log) -> None:
    twice.seals.reverse()
    assert part(twice, "chn_b", 3, 5).flaws == (Flaw(Fault.SEALS_CHANGED, "chn_b", 2),)


def test_audit_tamper_where_an_archive_has_all_seals_all_of_them_are_compared() -> None:
    made = log()
    made.seals[0] = replace(made.seals[0], archive=b"another file")
    made.outside = made.outside[-1:]  # this one tells of the second seal only, and of a hash over both
    assert [flaw.fault for flaw in part(made, "chn_b", 1, 3).flaws] == [Fault.SEALS_CHANGED]
