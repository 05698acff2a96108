"""An HTTP client for one test: certificates are read once, not for each client, since no test here speaks TLS."""

import ssl
from typing import Any, Final

import httpx2

_TLS: Final = ssl.create_default_context()


def http_client(**settings: Any) -> httpx2.AsyncClient:
    """Return a client that waits for at most ten seconds."""
    return httpx2.AsyncClient(**({"timeout": 10, "verify": _TLS} | settings))
