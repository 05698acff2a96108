"""Guards: the invitation and its one-time code."""

from dataclasses import replace

import pytest

from accredit.identity.guard import CODE_LIFETIME, Enrolment, code_digest

NOW = 1_900_000_000_000_000
INVITED = Enrolment("enr_1", "srv_1", "ledger-1", code_digest("ace_code"), NOW, NOW + CODE_LIFETIME)


@pytest.mark.parametrize(("later", "is_open"), [(0, True), (CODE_LIFETIME - 1, True), (CODE_LIFETIME, False)])
def test_a_code_works_for_fifteen_minutes(later: int, is_open: bool) -> None:
    assert CODE_LIFETIME == 15 * 60 * 1_000_000
    assert INVITED.open(NOW + later) is is_open


def test_a_code_that_was_taken_is_closed_at_once() -> None:
    assert not replace(INVITED, taken_at=NOW).open(NOW)


def test_only_the_hash_of_the_code_is_kept_and_any_text_has_one() -> None:
    assert "ace_code" not in repr(INVITED)
    assert INVITED.code_digest == code_digest("ace_code") != code_digest("ace_code ")
    assert len(code_digest("\ud800\0\U0001f600")) == 32
