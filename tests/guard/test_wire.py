"""What goes between Accredit and its guards, replayed from files that stay as they are.

A guard of today reads them all.

A file of a release is never changed and never removed. New members are passed over; new rules, which an old guard would
not keep, make it read everything anew, and refuse what it cannot understand.
"""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from accredit_sdk import jws, keys, signal, snapshot
from accredit_sdk.guard import knowledge
from accredit_sdk.guard.acks import Acknowledgement
from accredit_sdk.guard.identity import Identity
from accredit_sdk.guard.knowledge import Knowledge
from accredit_sdk.snapshot import Gap, Reread, SnapshotError

WIRE = Path(__file__).parent / "wire"
FILES = sorted(path.stem for path in WIRE.glob("*.json") if path.stem != "acknowledgement")
NOW = 1_790_000_010_000_000
KEY = keys.generate(jws.Algorithm.ES256)
IDENTITY = Identity(
    client_id="grd_wire",
    issuer="https://id.example",
    token_endpoint="https://id.example/token",
    audience="https://id.example/guard",
    server="srv_wire",
    resource="https://tools.example/mcp",
    signal_keys=(keys.public_jwk(KEY.verifying()),),
    key=KEY,
)


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((WIRE / f"{name}.json").read_text())
    return found


def heard(name: str) -> Knowledge:
    """Return what a guard that knows the first snapshot knows after it has heard the file."""
    said = read(name)
    token = jws.sign(KEY, said["typ"], json.dumps(said["payload"]).encode()).encode()
    if said["typ"] == snapshot.SNAPSHOT_TYPE:
        return knowledge.from_snapshot(token, IDENTITY, NOW)
    if said["typ"] == snapshot.CHANGES_TYPE:
        return knowledge.after_changes(heard("snapshot"), token, IDENTITY, NOW)[0]
    assert said["typ"] == signal.SIGNAL_TYPE
    return knowledge.after_signal(heard("snapshot"), token, IDENTITY, NOW)


def plain(known: Knowledge) -> dict[str, Any]:
    """Return what a file can expect."""
    return {
        "seq": known.seq,
        "suspended": sorted(known.revocations.suspended),
        "before": dict(known.revocations.before),
        "reduced": sorted(known.revocations.reduced),
        "denied": [list(one) for one in sorted(known.policy.denied)],
    }


@pytest.mark.parametrize("name", FILES)
def test_a_guard_makes_of_a_file_what_the_file_says(name: str) -> None:
    said = read(name)
    if said["then"] == "reread":
        with pytest.raises((Gap, Reread)):
            heard(name)
    elif said["then"] == "refused":
        with pytest.raises(SnapshotError):
            heard(name)
    else:
        assert said["then"] == "known"
        found = plain(heard(name))
        assert {member: found[member] for member in said["expected"]} == said["expected"]
        assert said["expected"]


def test_what_is_written_today_is_what_the_files_say() -> None:
    for name in FILES:
        said = read(name)
        if said["then"] == "known" and "newer" not in name and "older" not in name:
            assert _again(said) == said["payload"], name


def _again(said: dict[str, Any]) -> Any:
    payload = json.dumps(said["payload"]).encode()
    if said["typ"] == snapshot.SNAPSHOT_TYPE:
        return json.loads(snapshot.encode_snapshot(snapshot.decode_snapshot(payload)))
    if said["typ"] == signal.SIGNAL_TYPE:
        return json.loads(signal.encode(signal.decode(payload)))
    found = json.loads(snapshot.encode_changes(snapshot.decode_changes(payload)))
    said = [{member: one for member, one in change.items() if one is not None} for change in found["changes"]]
    return found | {"changes": said}


def test_an_acknowledgement_is_written_as_the_file_says() -> None:
    said = Acknowledgement(1, "gin_" + "0" * 26, 7, 300, 5)
    assert json.loads(msgspec.json.encode(said)) == read("acknowledgement")
