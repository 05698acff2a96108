"""When the end of a credential would be noticed by nobody."""

from dataclasses import replace

import pytest

from accredit.identity.credential import Credential, CredentialKind, CredentialState
from accredit.identity.outlook import QUIET, Holding, Outlook, outlook
from accredit.identity.use import Use

NOW = 1_900_000_000_000_000
HOUR = 3_600_000_000
LONG_AGO = NOW - 100 * HOUR
OLD = Credential("crd_old", "agt_1", CredentialKind.SECRET, bytes(32), LONG_AGO)
NEW = replace(OLD, id="crd_new", created_at=NOW - 50 * HOUR)


def held(credential: Credential, *, last: int | None) -> Holding:
    use = Use(credential.id, credential.created_at, last, "10.0.0.7", "a") if last is not None else None
    return Holding(credential, use)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (LONG_AGO, NOW - 1, Outlook.SAFE),
        (None, NOW - 1, Outlook.SAFE),
        (NOW - QUIET, NOW - 1, Outlook.SAFE),
        (NOW - QUIET + 1, NOW - 1, Outlook.IN_USE),
        (NOW - 1, NOW, Outlook.IN_USE),
        (NOW, NOW - 1, Outlook.UNTRIED),
        (NOW - 9 * HOUR, NOW - 10 * HOUR, Outlook.UNTRIED),
        (LONG_AGO, None, Outlook.UNTRIED),
        (None, None, Outlook.UNTRIED),
    ],
)
def test_the_old_one_can_go_when_only_the_new_one_was_used_for_longer_than_a_token_lives(
    old: int | None, new: int | None, found: Outlook
) -> None:
    mine = held(OLD, last=old)
    assert outlook(mine, (mine, held(NEW, last=new)), NOW) is found


def test_one_that_was_just_made_is_not_called_unused() -> None:
    fresh = held(replace(NEW, created_at=NOW - QUIET + 1), last=None)
    assert outlook(fresh, (fresh, held(OLD, last=NOW)), NOW) is Outlook.FRESH
    older = held(replace(NEW, created_at=NOW - QUIET), last=None)
    assert outlook(older, (older, held(OLD, last=NOW)), NOW) is Outlook.SAFE


@pytest.mark.parametrize(
    "successor",
    [
        replace(NEW, state=CredentialState.REVOKED),
        replace(NEW, expires_at=NOW),
        replace(NEW, state=CredentialState.RETIRING, retires_at=NOW + 1),
    ],
    ids=["revoked", "expired", "on-its-way-out"],
)
def test_what_does_not_stay_is_no_successor(successor: Credential) -> None:
    mine = held(OLD, last=LONG_AGO)
    assert outlook(mine, (mine, held(successor, last=NOW - 1)), NOW) is Outlook.ALONE
    assert outlook(mine, (mine,), NOW) is Outlook.ALONE


@pytest.mark.parametrize(
    "over",
    [replace(OLD, state=CredentialState.REVOKED), replace(OLD, expires_at=NOW)],
    ids=["revoked", "expired"],
)
def test_what_works_no_more_has_ended(over: Credential) -> None:
    mine = held(over, last=None)
    assert outlook(mine, (mine, held(NEW, last=NOW)), NOW) is Outlook.ENDED
