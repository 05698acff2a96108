"""Signals on the wire: security event tokens that say one thing each, and what is made of those that cannot be read."""

from typing import Any

import msgspec
import pytest

from accredit_sdk import signal, snapshot
from accredit_sdk.revocation import Revocations
from accredit_sdk.signal import Heard
from accredit_sdk.snapshot import Change, Reread, SnapshotError, State

ISSUER = "https://id.example"
START = State(6, Revocations())


def heard(kind: str, **more: Any) -> Heard:
    return Heard(issuer=ISSUER, audience=f"{ISSUER}/guard", seq=7, at=1_900_000_000, kind=kind, **more)


REVOKED = heard("revoked", handle="agt_1")
ALL = [
    REVOKED,
    heard("suspended", handle="agt_1"),
    heard("resumed", handle="agt_1"),
    heard("reduced", handle="agt_1", server="srv_1", scopes=("ledger:read", "report")),
    heard("reduced", handle="agt_1", server="srv_1", scopes=()),
    heard("policy", handle="srv_1", server="srv_1"),
    heard("keys"),
    heard("none"),
    heard("beat"),
]


def claims(value: Heard, **changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(signal.encode(value))
    return {name: one for name, one in (found | changes).items() if one != "left out"}


def read(value: Heard, **changes: Any) -> Heard:
    return signal.decode(msgspec.json.encode(claims(value, **changes)))


@pytest.mark.parametrize("value", ALL, ids=lambda value: f"{value.kind}-{value.scopes}")
def test_a_signal_comes_out_as_it_went_in(value: Heard) -> None:
    assert signal.decode(signal.encode(value)) == value


@pytest.mark.parametrize(
    ("kind", "uri"),
    [
        ("revoked", "https://schemas.openid.net/secevent/caep/event-type/session-revoked"),
        ("reduced", "https://schemas.openid.net/secevent/caep/event-type/token-claims-change"),
        ("suspended", "https://schemas.openid.net/secevent/risc/event-type/account-disabled"),
        ("resumed", "https://schemas.openid.net/secevent/risc/event-type/account-enabled"),
        ("policy", "urn:accredit:signal:policy"),
        ("beat", "urn:accredit:signal:beat"),
    ],
)
def test_a_signal_is_a_security_event_token_about_an_opaque_subject(kind: str, uri: str) -> None:
    found = claims(heard(kind, handle="agt_1"))
    assert found["events"] == {uri: {}}
    assert found["sub_id"] == {"id": "agt_1"} | {"format": "opaque"}
    assert {"iss", "aud", "iat", "jti", "seq", "schema"} < found.keys()
    assert not {"exp", "sub"} & found.keys(), "RFC 8417, 2.2 advises against the one, RFC 9493 replaces the other"


def test_every_node_gives_a_signal_the_same_name_and_each_beat_its_own() -> None:
    assert claims(REVOKED)["jti"] == claims(heard("none"))["jti"] == "signal-7"
    assert claims(heard("beat"))["jti"] != claims(Heard(**{**_members(heard("beat")), "at": 1_900_000_005}))["jti"]


def _members(value: Heard) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


def test_members_that_nobody_knows_are_passed_over() -> None:
    events = {"https://schemas.openid.net/secevent/caep/event-type/session-revoked": {"reason_admin": {"en": "x"}}}
    assert read(REVOKED, txn="t", toe=1, events=events) == REVOKED


def test_what_concerns_another_server_is_only_a_number() -> None:
    reduced = heard("reduced", handle="agt_1", server="srv_1", scopes=("ledger:read",))
    assert reduced.change("srv_2") == Change(7, "none")
    assert reduced.change("srv_1") == Change(7, "reduced", "agt_1", ["ledger:read"])
    assert REVOKED.change("srv_2") == Change(7, "revoked", "agt_1")


@pytest.mark.parametrize(
    "events",
    [
        {},
        {"https://schemas.openid.net/secevent/caep/event-type/device-compliance-change": {}},
        {"urn:accredit:signal:unheard-of": {}},
        {"revoked": {}},
        {"https://schemas.openid.net/secevent/caep/event-type/session-revoked": {}, "urn:accredit:signal:none": {}},
    ],
    ids=["no-event", "foreign-event", "newer-event", "no-uri", "two-events"],
)
def test_an_event_that_is_not_known_can_only_be_followed_by_reading_the_whole_state(events: dict[str, Any]) -> None:
    with pytest.raises(Reread):
        snapshot.apply(START, read(REVOKED, events=events).change("srv_1"))


def test_a_reduction_without_its_scopes_can_only_be_followed_by_reading_the_whole_state() -> None:
    with pytest.raises(Reread):
        snapshot.apply(START, heard("reduced", server="srv_1").change("srv_1"))


@pytest.mark.parametrize(
    "lie",
    [
        {"schema": 2},
        {"seq": "7"},
        {"seq": "left out"},
        {"aud": ["https://id.example/guard"]},
        {"events": []},
        {"events": {"urn:accredit:signal:none": {"server": 7}}},
        {"events": {"urn:accredit:signal:none": {"claims": {}}}},
        {"sub_id": {"format": "opaque"}},
    ],
    ids=str,
)
def test_a_signal_of_another_form_does_not_count(lie: dict[str, Any]) -> None:
    with pytest.raises(SnapshotError):
        read(REVOKED, **lie)


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"\xff", b"[" * 5000], ids=repr)
def test_what_is_no_signal_does_not_count(payload: bytes) -> None:
    with pytest.raises(SnapshotError):
        signal.decode(payload)
