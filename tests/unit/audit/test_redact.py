"""Redaction: exactly two parts go."""

from dataclasses import replace

from accredit.audit.chain import Head, append
from accredit.audit.events import EnrolmentRefused
from accredit.audit.redact import redacted

_, STORED = append(Head("chn_1"), EnrolmentRefused(decision="dec_1", reason="unknown code"), 5, bytes(range(16)))


def test_person_and_salt_go_and_everything_else_stays() -> None:
    gone = redacted(STORED)
    assert gone.person is None
    assert gone.salt is None
    assert replace(gone, person=STORED.person, salt=STORED.salt) == STORED


def test_redacting_twice_is_redacting_once() -> None:
    assert redacted(redacted(STORED)) == redacted(STORED)
