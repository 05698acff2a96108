"""Spans of decisions: only on a trace that is sampled, with the id that the record has, and with nothing secret."""

import sys
from pathlib import Path
from typing import Any

import pytest

from accredit_sdk.guard.spans import NAME
from tests.support.authority import FakeAccredit
from tests.support.guarded import Guarded, call, guarded
from tests.support.spans import SAMPLED, TRACE, UNSAMPLED, Recorded, trace_of

MARK = "MARKED-ARGUMENT-7c1e"


async def decided(site: Guarded, token: str, name: str, **headers: str | None) -> dict[str, Any]:
    """Call a tool and return the guard's record of it."""
    await site.send(call(name, arguments={"note": MARK}), token=token, headers=headers)
    return (await site.records())[-1]


@pytest.mark.parametrize(
    ("name", "outcome", "reason"), [("read", "allow", "ok"), ("post", "deny", "insufficient_scope")]
)
async def test_a_decision_on_a_sampled_trace_is_a_span_with_the_ids_of_its_record(
    site: Guarded, accredit: FakeAccredit, name: str, outcome: str, reason: str
) -> None:
    spans, token = Recorded(), accredit.token()
    record = await decided(site, token, name, traceparent=SAMPLED)
    (span,) = spans.named(NAME)
    assert dict(span.attributes or {}) == {
        "accredit.decision": record["decision"],
        "accredit.outcome": outcome,
        "accredit.reason": reason,
        "accredit.server": record["server"],
        "mcp.method.name": "tools/call",
        "gen_ai.tool.name": name,
    }
    assert (trace_of(span), record["trace_id"]) == (TRACE, TRACE)
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == "00f067aa0ba902b7"
    assert span.end_time is not None
    assert span.start_time is not None
    text = span.to_json()
    assert not [hidden for hidden in (MARK, token, token.split(".")[2]) if hidden in text]


@pytest.mark.parametrize(
    "parent", [UNSAMPLED, None, "garbage", f"00-{'0' * 32}-00f067aa0ba902b7-01", f"00-{TRACE}-{'0' * 16}-01"]
)
async def test_without_a_sampled_trace_there_is_no_span(
    site: Guarded, accredit: FakeAccredit, parent: str | None
) -> None:
    spans = Recorded()
    record = await decided(site, accredit.token(), "read", traceparent=parent)
    assert spans.named(NAME) == []
    assert record.get("trace_id") == (TRACE if parent == UNSAMPLED else None)


async def test_a_guard_works_where_there_is_no_opentelemetry(
    tmp_path: Path, accredit: FakeAccredit, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans = Recorded()
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    async with guarded(tmp_path, accredit) as site:
        for _ in range(2):
            assert (await decided(site, accredit.token(), "read", traceparent=SAMPLED))["trace_id"] == TRACE
    assert spans.named(NAME) == []


async def test_a_tracer_that_fails_changes_no_decision(
    site: Guarded, accredit: FakeAccredit, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def start_span(self, *_: Any, **__: Any) -> None:
            raise RuntimeError("the exporter is gone")

    assert (await decided(site, accredit.token(), "read", traceparent=SAMPLED))["reason"] == "ok"
    monkeypatch.setattr(site.guard._gate._spans, "_tracer", Broken())
    assert (await decided(site, accredit.token(), "read", traceparent=SAMPLED))["reason"] == "ok"
