"""Each method of MCP has one treatment in each era, and what is not listed is refused."""

import pytest
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

from accredit_sdk.methods import ASKS, HANDSHAKE, METHODS, MODERN, NOTIFICATIONS, Era, Treatment, treatment


@pytest.mark.parametrize("era", Era)
@pytest.mark.parametrize("method", ["tools/call", "prompts/get", "resources/read", "completion/complete", "tasks/get"])
def test_what_names_something_needs_its_scopes_in_both_eras(era: Era, method: str) -> None:
    assert treatment(era, method) is Treatment.SCOPED


@pytest.mark.parametrize("era", Era)
@pytest.mark.parametrize(
    "method", ["", "Tools/call", "tools/call ", "tools/Call", "rpc.discover", "tasks/list", "notifications/initialized"]
)
def test_what_is_not_listed_is_refused(era: Era, method: str) -> None:
    assert treatment(era, method) is Treatment.REFUSED


@pytest.mark.parametrize(
    ("method", "era"),
    [
        ("initialize", Era.HANDSHAKE),
        ("ping", Era.HANDSHAKE),
        ("logging/setLevel", Era.HANDSHAKE),
        ("resources/subscribe", Era.HANDSHAKE),
        ("resources/unsubscribe", Era.HANDSHAKE),
        ("tasks/result", Era.HANDSHAKE),
        ("server/discover", Era.MODERN),
        ("subscriptions/listen", Era.MODERN),
        ("tasks/update", Era.MODERN),
    ],
)
def test_a_method_of_one_era_is_refused_in_the_other(method: str, era: Era) -> None:
    (other,) = set(Era) - {era}
    assert treatment(era, method) is not Treatment.REFUSED
    assert treatment(other, method) is Treatment.REFUSED


def test_no_request_is_among_the_notifications_and_nothing_a_server_asks_is_a_method_of_clients() -> None:
    known = {method for table in METHODS.values() for method in table}
    assert not known & NOTIFICATIONS
    assert not known & ASKS.keys()
    assert all(name.startswith("notifications/") for name in NOTIFICATIONS)


def test_the_tables_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        METHODS[Era.MODERN]["x/y"] = Treatment.FREE  # type: ignore[index]


def test_the_revisions_are_those_of_the_official_types() -> None:
    assert (MODERN,) == MODERN_PROTOCOL_VERSIONS
    # The first revision has another transport, with paths of its own.
    assert HANDSHAKE | {"2024-11-05"} == set(HANDSHAKE_PROTOCOL_VERSIONS)
