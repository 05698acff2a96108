"""W3C Trace Context: a span for each token request that is part of a sampled trace. OpenTelemetry's interface only.

Without an SDK in the process all of this does nothing.
"""

from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

NAME = "accredit token"
"""The name of the span of a token request."""


class Traces:
    """Implements `ports.measures.Traces`."""

    def __init__(self) -> None:
        self._tracer = trace.get_tracer("accredit")
        self._propagator = TraceContextTextMapPropagator()

    def answered(self, parent: str, decision: str, grant: str, result: str, ended: int, seconds: float) -> None:
        """Add the span of a token request that ended at `ended` (microseconds UTC) to the trace of `parent`."""
        attributes = {"accredit.decision": decision, "accredit.grant": grant[:100], "accredit.outcome": result}
        began = ended - int(seconds * 1_000_000)
        context = self._propagator.extract({"traceparent": parent})
        span = self._tracer.start_span(NAME, context, attributes=attributes, start_time=began * 1000)
        span.end(ended * 1000)
