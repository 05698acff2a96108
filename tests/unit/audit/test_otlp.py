"""OpenTelemetry logs: every record once, in the JSON that collectors read."""

import json
from dataclasses import replace
from typing import Any

import msgspec

from accredit.audit import export, otlp
from accredit.audit.redact import redacted
from accredit_sdk import record
from tests.unit.audit.logs import log


def logs(lines: list[bytes]) -> list[dict[str, Any]]:
    found = []
    for line in otlp.lines(lines):
        ((resource,),) = json.loads(line).values()
        assert {"key": "service.name", "value": {"stringValue": "accredit"}} in resource["resource"]["attributes"]
        ((scope,),) = (resource["scopeLogs"],)
        found += scope["logRecords"]
    return found


def attributes(told: dict[str, Any]) -> dict[str, Any]:
    return {item["key"]: item["value"] for item in told["attributes"]}


def test_every_record_becomes_a_log_of_its_own() -> None:
    made = log()
    found = logs(made.lines())
    assert len(found) == 12
    first, told = made.chains["chn_a"][0], found[0]
    assert told["timeUnixNano"] == "5000"
    assert (told["severityNumber"], told["severityText"]) == (13, "WARN")
    assert told["eventName"] == "accredit.token_refused"
    said = attributes(told)
    assert said["accredit.decision"] == {"stringValue": first.decision}
    assert said["accredit.seq"] == {"intValue": "1"}
    assert said["accredit.link"] == {"stringValue": first.hash.hex()}
    assert said["accredit.person.client_id"] == {"stringValue": "bot"}
    assert said["accredit.person.requested"] == {"arrayValue": {"values": []}}
    assert said["accredit.redacted"] == {"boolValue": False}
    assert "accredit.server" not in said


def test_many_records_are_spread_over_lines() -> None:
    made = log()
    made.write("chn_d", otlp.TOGETHER)
    assert len(list(otlp.lines(made.lines()))) == 2
    del made.chains["chn_a"], made.chains["chn_b"], made.chains["chn_c"]
    assert len(list(otlp.lines(made.lines()))) == 1


def test_a_redacted_record_says_nothing_of_the_person() -> None:
    made = log()
    (told, *_) = logs([export.line(redacted(made.chains["chn_a"][0]))])
    assert attributes(told)["accredit.redacted"] == {"boolValue": True}
    assert not [name for name in attributes(told) if name.startswith("accredit.person.")]


def test_whatever_a_person_part_holds_has_its_type() -> None:
    item = log().chains["chn_a"][0]
    header = record.RecordHeader(1, "chn_a", 5, "decision", "dec_1", "srv_1", "allow")
    person = {"a": 1.5, "b": True, "c": 2**70, "d": {"e": "f"}, "g": None, "trace_id": "a" * 32, "h": -7}
    made = replace(item, header=msgspec.json.encode(header), person=msgspec.json.encode(person))
    (told,) = logs([export.line(made)])
    said = attributes(told)
    assert (told["severityText"], told["traceId"]) == ("INFO", "a" * 32)
    assert said["accredit.person.a"] == {"doubleValue": 1.5}
    assert said["accredit.person.b"] == {"boolValue": True}
    assert said["accredit.person.c"] == {"stringValue": str(2**70)} or "doubleValue" in said["accredit.person.c"]
    assert said["accredit.person.d"] == {"kvlistValue": {"values": [{"key": "e", "value": {"stringValue": "f"}}]}}
    assert said["accredit.person.h"] == {"intValue": "-7"}
    assert "accredit.person.g" not in said
    assert said["accredit.server"] == {"stringValue": "srv_1"}


def test_a_person_part_that_is_no_object_and_a_trace_that_is_none_are_left_out() -> None:
    item = log().chains["chn_a"][0]
    for person in (b"[1]", b'{"trace_id":"x"}'):
        (told,) = logs([export.line(replace(item, person=person))])
        assert "traceId" not in told
