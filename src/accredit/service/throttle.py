"""Brute force is slowed down per address prefix and client: never per client alone, the world may share a client_id."""

import ipaddress
from typing import Final

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

FAILURES_PER_MINUTE: Final = 10
"""Failed authentications that one address prefix may cause for one client within a minute."""

FAILURES_PER_PREFIX: Final = 100
"""Failed authentications that one address prefix may cause within a minute, whichever clients it names."""

_REMEMBERED: Final = 20_000


def prefix(address: str) -> str:
    """Return what counts as one source: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped) if mapped is not None else str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
    return str(parsed)


class Throttle:
    """Counts failures and tells who has to wait. Costs one look into a set for whoever has not failed lately."""

    def __init__(self) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._per_client = RateLimitItemPerMinute(FAILURES_PER_MINUTE)
        self._per_prefix = RateLimitItemPerMinute(FAILURES_PER_PREFIX)
        self._failing: set[str] = set()

    def blocked(self, address: str, client_id: str) -> bool:
        """Tell whether `address` has failed too often, with this client or with any."""
        if not self._failing:
            return False
        source = prefix(address)
        if source not in self._failing:
            return False
        return not (
            self._limiter.test(self._per_client, source, client_id) and self._limiter.test(self._per_prefix, source)
        )

    def failed(self, address: str, client_id: str) -> None:
        """Count a failed authentication."""
        source = prefix(address)
        if len(self._failing) >= _REMEMBERED:
            self._failing.clear()
            self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._failing.add(source)
        self._limiter.hit(self._per_client, source, client_id)
        self._limiter.hit(self._per_prefix, source)
