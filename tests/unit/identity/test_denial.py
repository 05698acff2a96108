"""Denials: what they name is what a policy denies, and guards are told of it."""

from accredit.identity import guarded
from accredit.identity.denial import Denial
from accredit.identity.server import Server
from accredit_sdk.policy import WHOLE


def test_a_denial_names_what_a_policy_denies() -> None:
    tool, whole = Denial("srv_1", "tool", "purge", 0, "dana"), Denial("srv_1", *WHOLE, 0, "dana", "all of it")
    assert (tool.target, whole.target) == (("tool", "purge"), WHOLE)
    server = Server("srv_1", "ledger", "Ledger", "https://ledger.example", 0, denied=(tool, whole))
    assert guarded.policy(server, "https://id.example", 7).denied == {("tool", "purge"), WHOLE}
