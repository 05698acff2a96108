"""The log as OpenTelemetry logs: LogsData in the JSON encoding of OTLP, one object a line. Pure.

What the links cover is in it, but not in the bytes that they cover: to prove a log, export it as it is.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from accredit_sdk import record
from accredit_sdk.record import Record, RecordHeader

TOGETHER: Final = 500
"""Records on one line."""

_TRACE: Final = re.compile(r"[0-9a-f]{32}")
_INFO: Final = (9, "INFO")
_WARN: Final = (13, "WARN")


def lines(export: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of OTLP for those of an export; only its records become logs. Raises ValueError."""
    issuer, found = "", list[dict[str, Any]]()
    for line in export:
        if line.startswith(b'{"header"'):
            found.append(_log(record.decode_line(line)))
        elif line.startswith(b'{"export"'):
            issuer = str(msgspec.json.decode(line)["issuer"])
        if len(found) == TOGETHER:
            yield _data(issuer, found)
            found = []
    if found:
        yield _data(issuer, found)


def _data(issuer: str, logs: list[dict[str, Any]]) -> bytes:
    resource = {"attributes": [_attribute("service.name", "accredit"), _attribute("accredit.issuer", issuer)]}
    scope = {"scope": {"name": "accredit.audit"}, "logRecords": logs}
    return msgspec.json.encode({"resourceLogs": [{"resource": resource, "scopeLogs": [scope]}]})


def _log(item: Record) -> dict[str, Any]:
    header = record.decode_header(item.header)
    person = _person(item)
    number, text = _WARN if header.outcome == "deny" else _INFO
    told: dict[str, Any] = {
        "timeUnixNano": str(header.at * 1000),
        "severityNumber": number,
        "severityText": text,
        "eventName": f"accredit.{header.kind}",
        "body": {"stringValue": f"{header.kind}: {header.outcome}"},
        "attributes": [*_of_header(header, item), *_of_person(person)],
    }
    trace = person.get("trace_id")
    if isinstance(trace, str) and _TRACE.fullmatch(trace):
        told["traceId"] = trace
    return told


def _of_header(header: RecordHeader, item: Record) -> Iterator[dict[str, Any]]:
    named = {
        "accredit.chain": header.chain,
        "accredit.seq": header.seq,
        "accredit.decision": header.decision,
        "accredit.server": header.server,
        "accredit.outcome": header.outcome,
        "accredit.link": item.hash.hex(),
        "accredit.redacted": item.person is None,
    }
    return (_attribute(name, value) for name, value in named.items() if value != "")


def _of_person(person: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    return (_attribute(f"accredit.person.{name}", value) for name, value in person.items() if value is not None)


def _person(item: Record) -> Mapping[str, Any]:
    found = msgspec.json.decode(item.person or b"{}")
    return found if isinstance(found, dict) else {}


def _attribute(name: str, value: object) -> dict[str, Any]:
    return {"key": name, "value": _value(value)}


def _value(value: object) -> dict[str, Any]:
    """Return a value as OTLP has it: whole numbers are texts there."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)} if -(2**63) <= value < 2**63 else {"stringValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(item) for item in value]}}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": [_attribute(str(name), item) for name, item in value.items()]}}
    return {"stringValue": str(value)}
