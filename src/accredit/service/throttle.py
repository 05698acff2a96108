"""Brute force is slowed down per address prefix and client: never per client alone, the world may share a client_id."""

import ipaddress
from typing import Final

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from accredit.ports.clock import Clock

FAILURES_PER_MINUTE: Final = 10
"""Failed authentications that one address prefix may cause for one client within a minute."""

FAILURES_PER_PREFIX: Final = 100
"""Failed authentications that one address prefix may cause within a minute, whichever clients it names."""

_REMEMBERED: Final = 20_000
_WINDOW: Final = 60_000_000


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
    """Counts failures and tells who has to wait. Costs one look into a dictionary for who has not failed lately."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._per_client = RateLimitItemPerMinute(FAILURES_PER_MINUTE)
        self._per_prefix = RateLimitItemPerMinute(FAILURES_PER_PREFIX)
        self._failing: dict[str, int] = {}

    def blocked(self, address: str, client_id: str) -> bool:
        """Tell whether `address` has failed too often, with this client or with any."""
        if not self._failing:
            return False
        source = prefix(address)
        failed_at = self._failing.get(source)
        if failed_at is None:
            return False
        if self._clock.now() - failed_at > _WINDOW:
            del self._failing[source]
            return False
        return not (
            self._limiter.test(self._per_client, source, client_id) and self._limiter.test(self._per_prefix, source)
        )

    def failed(self, address: str, client_id: str) -> None:
        """Count a failed authentication."""
        source = prefix(address)
        if len(self._failing) >= _REMEMBERED:
            self._forget()
        self._failing[source] = self._clock.now()
        self._limiter.hit(self._per_client, source, client_id)
        self._limiter.hit(self._per_prefix, source)

    def _forget(self) -> None:
        """Drop the older half: an attacker with more addresses than this gains a few tries at most."""
        for source in sorted(self._failing, key=self._failing.__getitem__)[: _REMEMBERED // 2]:
            del self._failing[source]
