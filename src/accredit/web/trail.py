"""What ties a request to other people's records of it: the trace that it is part of, the id that its sender gave it."""

import re
from collections.abc import Iterable
from typing import Final

from accredit_sdk import traceparent

_REQUEST: Final = re.compile(rb"[A-Za-z0-9_-]{1,64}")


def trail(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return `trace` (of `traceparent`) and `correlation` (`X-Request-Id`) as far as they are there and well-formed."""
    found = {}
    for name, value in headers:
        if name == b"traceparent" and (trace := traceparent.read(value)) is not None:
            found["trace"] = trace.id
        elif name == b"x-request-id" and _REQUEST.fullmatch(value) is not None:
            found["correlation"] = value.decode("ascii")
    return found
