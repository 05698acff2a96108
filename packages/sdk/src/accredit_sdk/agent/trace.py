"""W3C Trace Context: the trace that the agent is in goes along with what it sends."""

import sys
from typing import Final

HEADER: Final = "traceparent"
"""The header of a trace's id and of the span in it."""


def parent() -> str | None:
    """Return the value of `traceparent` for the span that is under way here, None without one.

    Whoever does not use OpenTelemetry has not loaded it, and it is not loaded for this.
    """
    api = sys.modules.get("opentelemetry.trace")
    if api is None:
        return None
    found = api.get_current_span().get_span_context()
    if not found.is_valid:
        return None
    return f"00-{found.trace_id:032x}-{found.span_id:016x}-{int(found.trace_flags) & 0xFF:02x}"
