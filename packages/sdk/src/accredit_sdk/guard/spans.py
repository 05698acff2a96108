"""W3C Trace Context: a span for each decision that is part of a sampled trace. OpenTelemetry, if the process has it."""

from contextlib import suppress
from typing import Any, Final

from accredit_sdk.decision import Decision

NAME: Final = "accredit decide"
"""The name of the span of a decision."""


class Spans:
    """Tells the tracing of the process what was decided. Without OpenTelemetry, or without its SDK, nothing happens.

    It is loaded when the first sampled request comes, so that nobody else pays for it.
    """

    def __init__(self) -> None:
        self._tracer: Any = None
        self._propagator: Any = None
        self._absent = False

    def decided(self, parent: str, decision: Decision, decision_id: str, now: int) -> None:
        """Add the span of a decision that was made at `now` (microseconds UTC) on the trace of `parent`.

        It says which decision, its outcome and reason, server, method and tool: no argument, no token, nobody's name.
        """
        if self._absent or (self._tracer is None and not self._load()):
            return
        with suppress(Exception):  # whatever a tracer of the process does, the decision stands
            context = self._propagator.extract({"traceparent": parent})
            attributes = {
                "accredit.decision": decision_id,
                "accredit.outcome": decision.effect.value,
                "accredit.reason": decision.reason.value,
                "accredit.server": decision.server,
                "mcp.method.name": decision.method or "",
                "gen_ai.tool.name": (decision.tool or "")[:256],
            }
            span = self._tracer.start_span(NAME, context, attributes=attributes, start_time=now * 1000)
            span.end()

    def _load(self) -> bool:
        try:
            from opentelemetry import trace  # noqa: PLC0415  (an option of whoever runs this)
            from opentelemetry.trace.propagation import tracecontext  # noqa: PLC0415
        except ImportError:
            self._absent = True
            return False
        self._tracer = trace.get_tracer("accredit_sdk.guard")
        self._propagator = tracecontext.TraceContextTextMapPropagator()
        return True
