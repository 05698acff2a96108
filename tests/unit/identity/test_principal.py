"""Principals: a client with what belongs to it."""

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
