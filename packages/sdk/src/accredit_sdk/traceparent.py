"""W3C Trace Context, 3.2: the trace that a request is part of, as its header `traceparent` says it. Pure."""

import re
from typing import Final, NamedTuple

_FORM: Final = re.compile(rb"[0-9a-f]{2}-((?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(?:-[ -~]*)?")


class Trace(NamedTuple):
    """The trace that a request is part of: its id, and the whole of `traceparent` if the trace is sampled."""

    id: str
    sampled: str | None


def read(value: bytes) -> Trace | None:
    """Return what the value of a `traceparent` says, None when it is not well-formed."""
    found = _FORM.fullmatch(value)
    if found is None:
        return None
    return Trace(found[1].decode(), value.decode() if int(found[2], 16) & 1 else None)
