"""Denials: what they name is what a policy denies, and guards are told of it."""

from accredit.identity import guarded
from accredit.identity.denial import Denial, SoftwareDenial, barred
from accredit.identity.server import Server
from accredit.identity.software import Software
from accredit_sdk.policy import WHOLE


def test_a_denial_names_what_a_policy_denies() -> None:
    tool, whole = Denial("srv_1", "tool", "purge", 0, "dana"), Denial("srv_1", *WHOLE, 0, "dana", "all of it")
    assert (tool.target, whole.target) == (("tool", "purge"), WHOLE)
    server = Server("srv_1", "ledger", "Ledger", "https://ledger.example", 0, denied=(tool, whole))
    assert guarded.policy(server, "https://id.example", 7).denied == {("tool", "purge"), WHOLE}


def test_a_software_is_stopped_by_its_own_denial_and_by_that_of_all_its_versions() -> None:
    old, whole = SoftwareDenial(Software("acme", "1"), 0, "dana"), SoftwareDenial(Software("acme"), 0, "dana")
    assert barred((old,), Software("acme", "1"))
    assert not barred((old,), Software("acme", "2"))
    assert not barred((old,), Software("acme"))
    assert barred((old, whole), Software("acme", "2"))
    assert not barred((old, whole), Software("acme2"))
    assert not barred((old, whole), None)
    assert not barred((), Software("acme"))
