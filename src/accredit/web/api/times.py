"""RFC 3339: times as the management API writes them, in UTC and to the microsecond."""

from accredit.identity.times import parse, render

__all__ = ["parse", "render"]
