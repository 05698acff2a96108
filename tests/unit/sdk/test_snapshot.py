"""Snapshots and changes: what a guard is told, read strictly, and applied in order against a plain model."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit_sdk import snapshot
from accredit_sdk.policy import Target, Visibility
from accredit_sdk.revocation import Reduction, Revocations
from accredit_sdk.snapshot import Change, Changes, Gap, Reread, ServerEntry, Snapshot, SnapshotError, State, TargetEntry

TARGETS = [
    TargetEntry("tool", "read", ["ledger:read"]),
    TargetEntry("prompt", "read", ["ledger:read", "report"], read_only=True, visibility="hide"),
    TargetEntry("tool", "close", ["ledger"], destructive=True, visibility="conceal"),
]
WHOLE = Snapshot(
    schema=1,
    issuer="https://id.example",
    seq=7,
    at=1_900_000_000,
    server=ServerEntry(
        "srv_1", "https://ledger.example", False, ["ledger", "report"], ["ledger:read"], TARGETS, ["roots"]
    ),
    keys=[{"kty": "EC", "n": 1}],
    signal_keys=[{"kty": "OKP"}],
    before={"agt_1": 5},
    suspended=["agt_2"],
    arguments_key="00" * 32,
    sealing_key="11" * 32,
    reduced=[snapshot.ReductionEntry("agt_4", 6, ["ledger:read"])],
)
PAGE = Changes(
    schema=1, issuer="https://id.example", server="srv_1", seq=9, at=1_900_000_000,
    changes=[Change(8, "none"), Change(9, "revoked", "agt_3")],
)  # fmt: skip
START = State(0, Revocations())


def document(value: Snapshot | Changes, **changes: object) -> bytes:
    members: dict[str, Any] = msgspec.to_builtins(value)
    return msgspec.json.encode({name: one for name, one in (members | changes).items() if one != "left out"})


def refused(payload: bytes, kind: type[Snapshot] | type[Changes]) -> bool:
    try:
        (snapshot.decode_snapshot if kind is Snapshot else snapshot.decode_changes)(payload)
    except SnapshotError:
        return True
    return False


# ---------------------------------------------------------------- documents


def test_documents_come_out_as_they_went_in() -> None:
    assert snapshot.decode_snapshot(snapshot.encode_snapshot(WHOLE)) == WHOLE
    assert snapshot.decode_changes(snapshot.encode_changes(PAGE)) == PAGE


def test_each_document_has_a_type_of_its_own() -> None:
    assert len({snapshot.SNAPSHOT_TYPE, snapshot.CHANGES_TYPE, "at+jwt"}) == 3


@pytest.mark.parametrize("document_of", [WHOLE, PAGE], ids=["snapshot", "changes"])
@pytest.mark.parametrize("schema", [0, 2, -1, "1", None, "left out"])
def test_a_document_of_another_schema_is_refused(document_of: Snapshot | Changes, schema: object) -> None:
    assert not refused(document(document_of), type(document_of))
    assert refused(document(document_of, schema=schema), type(document_of))


@pytest.mark.parametrize("payload", [b"", b"null", b"[]", b"{}", b"noise", b"\xff", b"[" * 100_000, b'{"x":' * 100_000])
@pytest.mark.parametrize("kind", [Snapshot, Changes])
def test_what_is_no_document_is_refused(payload: bytes, kind: type[Snapshot] | type[Changes]) -> None:
    assert refused(payload, kind)


@pytest.mark.parametrize("name", [one for one in Snapshot.__struct_fields__ if one != "mode"])
@pytest.mark.parametrize("value", ["left out", None, 1.5])
def test_a_snapshot_without_one_of_its_members_is_refused(name: str, value: object) -> None:
    assert refused(document(WHOLE, **{name: value}), Snapshot)


@pytest.mark.parametrize("name", Changes.__struct_fields__)
@pytest.mark.parametrize("value", ["left out", None, 1.5])
def test_a_page_without_one_of_its_members_is_refused(name: str, value: object) -> None:
    assert refused(document(PAGE, **{name: value}), Changes)


@pytest.mark.parametrize("mode", ["", "observed", "ENFORCE", "dry_run", None, 1])
def test_a_mode_that_is_not_understood_is_refused(mode: object) -> None:
    assert refused(document(WHOLE, mode=mode), Snapshot)
    assert snapshot.decode_snapshot(document(WHOLE, mode="left out")).mode == "enforce"


# ---------------------------------------------------------------- policy


def test_the_policy_says_what_the_snapshot_says() -> None:
    found = snapshot.policy(WHOLE)
    assert (found.server_id, found.resource, found.issuer) == ("srv_1", "https://ledger.example", "https://id.example")
    assert (found.version, found.suspended) == (7, False)
    assert (found.scopes, found.default_scopes, found.may_ask) == ({"ledger", "report"}, {"ledger:read"}, {"roots"})
    assert found.targets == {
        ("tool", "read"): Target("tool", "read", frozenset({"ledger:read"})),
        ("prompt", "read"): Target(
            "prompt", "read", frozenset({"ledger:read", "report"}), read_only=True, visibility=Visibility.HIDE
        ),
        ("tool", "close"): Target(
            "tool", "close", frozenset({"ledger"}), destructive=True, visibility=Visibility.CONCEAL
        ),
    }


def test_a_suspended_server_has_a_suspended_policy() -> None:
    server = msgspec.structs.replace(WHOLE.server, suspended=True)
    assert snapshot.policy(msgspec.structs.replace(WHOLE, server=server)).suspended


@pytest.mark.parametrize("visibility", ["", "SHOW", "public"])
def test_a_visibility_that_is_not_understood_is_refused(visibility: str) -> None:
    server = msgspec.structs.replace(WHOLE.server, targets=[TargetEntry("tool", "x", [], visibility=visibility)])
    with pytest.raises(SnapshotError):
        snapshot.policy(msgspec.structs.replace(WHOLE, server=server))


# ---------------------------------------------------------------- state


def test_the_state_begins_with_the_snapshot_and_is_not_tied_to_it() -> None:
    found = snapshot.state(WHOLE)
    reduced = {"agt_4": Reduction(6, frozenset({"ledger:read"}))}
    assert found == State(7, Revocations({"agt_1": 5}, frozenset({"agt_2"}), reduced))
    assert found.revocations.before is not WHOLE.before


HANDLES = st.sampled_from("abc")
KINDS = st.sampled_from(["none", "revoked", "suspended", "resumed"])


class Model:
    """What the changes up to some number amount to, told without sharing anything."""

    def __init__(self, seq: int = 0) -> None:
        self.seq, self.before, self.suspended = seq, dict[str, int](), set[str]()

    def hear(self, kind: str, handle: str) -> Change:
        self.seq += 1
        if kind == "revoked":
            self.before[handle] = self.seq
        elif kind == "suspended":
            self.suspended.add(handle)
        elif kind == "resumed":
            self.suspended.discard(handle)
        return Change(self.seq, kind, handle if kind != "none" else None)

    def state(self) -> State:
        return State(self.seq, Revocations(dict(self.before), frozenset(self.suspended)))


@given(st.lists(st.tuples(KINDS, HANDLES), max_size=12), st.integers(0, 1000))
def test_changes_in_order_amount_to_what_the_model_says(told: list[tuple[str, str]], first: int) -> None:
    model, known = Model(first), State(first, Revocations())
    for kind, handle in told:
        known = snapshot.apply(known, model.hear(kind, handle))
        assert known == model.state()


@given(st.lists(st.tuples(KINDS, HANDLES), min_size=1, max_size=8), st.data())
def test_changes_that_come_again_are_ignored(told: list[tuple[str, str]], data: st.DataObject) -> None:
    model = Model()
    changes = [model.hear(kind, handle) for kind, handle in told]
    known = START
    for at, change in enumerate(changes):
        known = snapshot.apply(known, change)
        again = changes[data.draw(st.integers(0, at))]
        assert snapshot.apply(known, again) is known
    assert known == model.state()


@given(st.integers(0, 100), st.integers(2, 100), KINDS)
def test_a_change_further_ahead_is_a_gap(seq: int, ahead: int, kind: str) -> None:
    with pytest.raises(Gap):
        snapshot.apply(State(seq, Revocations()), Change(seq + ahead, kind, "a"))


@given(st.lists(st.tuples(KINDS, HANDLES), max_size=5), KINDS, HANDLES)
def test_a_state_never_changes_once_it_is_made(told: list[tuple[str, str]], kind: str, handle: str) -> None:
    model, known = Model(), START
    for one in told:
        known = snapshot.apply(known, model.hear(*one))
    before = model.state()
    snapshot.apply(known, model.hear(kind, handle))
    assert known == before


@pytest.mark.parametrize("kind", ["policy", "keys", "", "REVOKED", "new-in-the-next-version"])
@pytest.mark.parametrize("handle", [None, "a"])
def test_a_change_that_is_not_understood_asks_for_a_new_snapshot(kind: str, handle: str | None) -> None:
    with pytest.raises(Reread):
        snapshot.apply(START, Change(1, kind, handle))


@pytest.mark.parametrize("kind", ["revoked", "suspended", "resumed"])
def test_a_change_without_its_handle_asks_for_a_new_snapshot(kind: str) -> None:
    with pytest.raises(Reread):
        snapshot.apply(START, Change(1, kind))


@pytest.mark.parametrize("kind", ["policy", "revoked"])
def test_what_is_known_already_is_ignored_even_if_it_is_not_understood(kind: str) -> None:
    known = State(5, Revocations())
    assert snapshot.apply(known, Change(5, kind)) is known


def test_a_reduction_is_known_from_a_change_and_from_a_snapshot() -> None:
    after = snapshot.apply(State(4, Revocations()), Change(5, "reduced", "agt_1", ["ledger:read"]))
    assert after.revocations.reduced == {"agt_1": Reduction(5, frozenset({"ledger:read"}))}
    whole = msgspec.structs.replace(WHOLE, reduced=[snapshot.ReductionEntry("agt_1", 5, ["ledger:read"])])
    assert snapshot.state(whole).revocations.reduced == after.revocations.reduced


def test_a_reduction_that_does_not_say_what_is_left_needs_a_new_snapshot() -> None:
    with pytest.raises(snapshot.Reread):
        snapshot.apply(State(4, Revocations()), Change(5, "reduced", "agt_1"))
