"""Clients: when one may get tokens."""

from dataclasses import replace

import pytest

from accredit.identity.client import Client, ClientKind
from accredit.identity.state import State

NOW = 1_900_000_000_000_000
CLIENT = Client("agt_1", "agt_1", ClientKind.AGENT, "billing-bot", "Billing bot", NOW)


@pytest.mark.parametrize(("offset", "usable"), [(None, True), (-1, False), (0, False), (1, True)])
def test_a_client_works_until_the_microsecond_of_its_expiry(offset: int | None, usable: bool) -> None:
    assert replace(CLIENT, expires_at=None if offset is None else NOW + offset).usable(NOW) is usable


@pytest.mark.parametrize("state", [state for state in State if state is not State.ACTIVE])
def test_a_client_that_is_not_active_works_never(state: State) -> None:
    assert not replace(CLIENT, state=state).usable(NOW)
    assert not replace(CLIENT, state=state, expires_at=NOW + 1).usable(NOW)


def test_a_new_client_speaks_for_no_server() -> None:
    assert CLIENT.servers == frozenset()
