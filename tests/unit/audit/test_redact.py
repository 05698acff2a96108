"""Redaction: exactly two parts go."""

import json
from dataclasses import fields, replace
from typing import get_args

import pytest

from accredit.audit.chain import Head, append
from accredit.audit.events import EnrolmentRefused, Event
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
        (b'{"by":"ask dana@example.com"}', False),
        (b'{"actors":["x",["agt_1"]]}', True),
        (b'{"actors":["agt_12"]}', False),
        (b'{"summary":"agt_1\xc3\xa9"}', False),
        (b'{"summary":"J\\u00fcrgen has left"}', True),
        ('{"summary":"Jürgens"}'.encode(), False),
        (b'{"seen":{"agt_1":{"by":[7,null,"the agt_1, again"]}}}', True),
        (b'{"seen":{"agt_1":true}}', False),
        (b'{"agt_1":"x"}', False),
        (b'{"summary":"xy"}', False),
        (b'{"by":"xy"}', True),
        (b'{"method":"agt_1","scopes":["agt_1"],"reason":"agt_1"}', False),
        (b'["agt_1"]', True),
        (b"agt_1 \xff", True),
        (b"[" * 9999 + b"agt_1", True),
    ],
    ids=str,
)
def test_a_name_is_all_of_a_member_or_a_word_and_not_within_another(person: bytes, named: bool) -> None:
    assert about(["dana@example.com", "agt_1", 'a "quoted" name', ".*", "Jürgen", "xy"])(person) is named


def test_a_short_name_alone_is_found_where_it_is_all_there_is() -> None:
    assert about(["xy"])(b'{"by":"xy"}')
    assert not about(["xy"])(b'{"summary":"xy"}')


@pytest.mark.parametrize("member", [*(field.name for event in get_args(Event) for field in fields(event))])
def test_the_name_of_a_member_is_nobodys_name(member: str) -> None:
    assert not about([member])(json.dumps({member: "x"}).encode())
