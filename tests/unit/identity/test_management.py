"""Who may administer what: the three offices, and what each need takes."""

import pytest

from accredit.identity.management import (
    ADMINISTRATOR_ROLE,
    LOCAL_ADMINISTRATOR,
    MANAGEMENT_DEFAULTS,
    MANAGEMENT_SCOPES,
    RESERVED_PREFIX,
    ROLE_SCOPES,
    Authority,
    Need,
    over,
    server_role,
    step_up,
)
from accredit.identity.slug import slug
from accredit_sdk import scopes

MINE, OTHER = "srv_" + "0" * 26, "srv_" + "1" * 26
WHO = {
    "local": LOCAL_ADMINISTRATOR,
    "administrator": Authority("agt_1", frozenset({"admin"})),
    "auditor": Authority("agt_2", frozenset({"audit"})),
    "of all servers": Authority("agt_3", frozenset({"server"})),
    "of mine": Authority("agt_4", frozenset({over(MINE)})),
    "nobody": Authority("agt_5", frozenset({"else"})),
}
ALLOWED = {
    (Need.LOCAL, ()): {"local"},
    (Need.EVERYTHING, ()): {"local", "administrator"},
    (Need.EVERYTHING, (MINE,)): {"local", "administrator"},
    (Need.LOOK, ()): {"local", "administrator", "auditor"},
    (Need.SERVERS, ()): {"local", "administrator"},
    (Need.SERVERS, (MINE,)): {"local", "administrator", "of all servers", "of mine"},
    (Need.SERVERS, (OTHER,)): {"local", "administrator", "of all servers"},
    (Need.SERVERS, (MINE, OTHER)): {"local", "administrator", "of all servers"},
    (Need.LOOK_AT_SERVERS, ()): {"local", "administrator", "auditor"},
    (Need.LOOK_AT_SERVERS, (MINE,)): {"local", "administrator", "auditor", "of all servers", "of mine"},
    (Need.LOOK_AT_SERVERS, (OTHER,)): {"local", "administrator", "auditor", "of all servers"},
    (Need.OWN, ()): {"local", "administrator", "auditor", "of all servers", "of mine"},
}


@pytest.mark.parametrize(("need", "servers"), ALLOWED, ids=str)
def test_each_need_is_met_by_whom_it_names_and_by_nobody_else(need: Need, servers: tuple[str, ...]) -> None:
    assert {name for name, who in WHO.items() if who.permits(need, servers)} == ALLOWED[need, servers]


def test_looking_is_for_all_who_administer_and_for_auditors() -> None:
    assert {name for name, who in WHO.items() if who.sees(MINE)} == set(WHO) - {"nobody"}
    assert {name for name, who in WHO.items() if who.sees(OTHER)} == set(WHO) - {"nobody", "of mine"}
    assert {name for name, who in WHO.items() if who.sees_all()} == {"local", "administrator", "auditor"}
    assert {name for name, who in WHO.items() if who.administers(MINE)} == set(WHO) - {"nobody", "auditor"}


def test_a_refusal_names_the_scope_that_would_do_and_none_for_what_no_token_can() -> None:
    assert {need: step_up(need) for need in Need} == {
        Need.LOCAL: None,
        Need.EVERYTHING: "admin",
        Need.LOOK: "audit",
        Need.SERVERS: "server",
        Need.LOOK_AT_SERVERS: "server",
        Need.OWN: None,
    }


def test_the_scopes_are_words_that_do_not_cover_one_another_and_the_default_does_not_change_everything() -> None:
    assert {scopes.word(word) for word in MANAGEMENT_SCOPES} == scopes.smallest(MANAGEMENT_SCOPES)
    assert scopes.word(over(MINE)) == f"server:{MINE}"
    assert not MANAGEMENT_SCOPES & scopes.RESERVED
    assert "admin" not in MANAGEMENT_DEFAULTS
    assert ROLE_SCOPES[ADMINISTRATOR_ROLE] == MANAGEMENT_SCOPES


def test_the_slugs_of_built_in_roles_are_slugs_of_the_reserved_kind_and_differ_by_server() -> None:
    names = {*ROLE_SCOPES, server_role(MINE), server_role(OTHER)}
    assert len(names) == 4
    assert all(slug(name).startswith(RESERVED_PREFIX) for name in names)
