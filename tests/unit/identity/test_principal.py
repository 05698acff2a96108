"""Principals: a client with what belongs to it."""

from dataclasses import replace

from accredit.identity.client import Client, ClientKind
from accredit.identity.credential import Credential, CredentialKind
from accredit.identity.principal import Principal

CLIENT = Client("agt_1", "agt_1", ClientKind.AGENT, "billing-bot", "Billing bot", 0)
FIRST, SECOND = (Credential(f"crd_{n}", "agt_1", CredentialKind.SECRET, bytes(32), 0) for n in (1, 2))


def test_a_credential_is_found_by_its_id_among_ones_own_alone() -> None:
    principal = Principal(CLIENT, (FIRST, SECOND))
    assert principal.credential("crd_2") is SECOND
    assert principal.credential("crd_3") is None
    assert principal.credential("") is None
    assert Principal(CLIENT).credential("crd_1") is None


def test_no_credential_of_an_agent_works_for_longer_than_it_may_and_a_guard_has_its_one_key() -> None:
    mine = Principal(CLIENT, (FIRST, replace(SECOND, expires_at=3)))
    assert [item.expires_at for item in mine.aged(5).credentials] == [5, 3]
    assert mine.aged(0) == mine
    guard = replace(mine, client=replace(CLIENT, kind=ClientKind.GUARD))
    assert guard.aged(5) == guard
