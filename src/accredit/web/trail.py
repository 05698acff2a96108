"""What ties a request to other people's records of it: the trace that it is part of, the id that its sender gave it."""

import re
from collections.abc import Iterable
from typing import Final

_TRACE: Final = re.compile(rb"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(?:-[ -~]*)?")
_REQUEST: Final = re.compile(rb"[A-Za-z0-9_-]{1,64}")


def sampled(header: bytes) -> str | None:
    """Return the `traceparent` in `header` if it is well-formed and its trace is sampled."""
    found = _TRACE.fullmatch(header)
    return header.decode("ascii") if found is not None and int(found[2], 16) & 1 else None


def trail(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return `trace` (of `traceparent`) and `correlation` (`X-Request-Id`) as far as they are there and well-formed."""
    found = {}
    for name, value in headers:
        if name == b"traceparent" and (trace := _TRACE.fullmatch(value)) is not None:
            found["trace"] = trace[1].decode("ascii")
        elif name == b"x-request-id" and _REQUEST.fullmatch(value) is not None:
            found["correlation"] = value.decode("ascii")
    return found
