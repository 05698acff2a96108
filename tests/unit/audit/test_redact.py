"""Redaction: exactly two parts go."""

from dataclasses import replace

import pytest

from accredit.audit.chain import Head, append
from accredit.audit.events import EnrolmentRefused
from accredit.audit.redact import about, redacted

_, STORED = append(Head("chn_1"), EnrolmentRefused(decision="dec_1", reason="unknown code"), 5, bytes(range(16)))


def test_person_and_salt_go_and_everything_else_stays() -> None:
    gone = redacted(STORED)
    assert gone.person is None
    assert gone.salt is None
    assert replace(gone, person=STORED.person, salt=STORED.salt) == STORED


def test_redacting_twice_is_redacting_once() -> None:
    assert redacted(redacted(STORED)) == redacted(STORED)


@pytest.mark.parametrize(
    ("person", "named"),
    [
        (b'{"by":"dana@example.com"}', True),
        (b'{"summary":"bot, owner dana@example.com"}', True),
        (b'{"summary":"ask dana@example.com."}', True),
        (b'{"by":"adana@example.com"}', False),
        (b'{"by":"dana@example.com.evil"}', False),
        (b'{"by":"dana@example.community"}', False),
        (b'{"by":"x-dana@example.com"}', False),
        (b'{"subject":"agt_1"}', True),
        (b'{"subject":"agt_12"}', False),
        (b'{"client":"a \\"quoted\\" name"}', True),
        (b'{"by":"*"}', False),
    ],
)
def test_a_name_is_found_as_a_member_and_as_a_word_and_not_within_another(person: bytes, named: bool) -> None:
    wanted = about(["dana@example.com", "agt_1", 'a "quoted" name', ".*"])
    assert (wanted.search(person) is not None) is named
