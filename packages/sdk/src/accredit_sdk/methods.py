"""The methods of MCP, by era: which are free, which need the scopes of what they name, and which are refused.

A method that is not in the table of its era is refused. FREE still needs a valid token. Pure.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Era(StrEnum):
    """How requests travel: HANDSHAKE, the revisions with `initialize` and sessions; MODERN, each by itself."""

    HANDSHAKE = "handshake"
    MODERN = "modern"


MODERN: Final = "2026-07-28"
"""The revision in which each request stands by itself."""

HANDSHAKE: Final = frozenset({"2025-03-26", "2025-06-18", "2025-11-25"})
"""The revisions that begin with `initialize`. Without a version header, a request is of the first of them."""


class Treatment(StrEnum):
    """How a method is treated."""

    FREE = "free"
    SCOPED = "scoped"
    REFUSED = "refused"


_BOTH: Final = {
    "tools/list": Treatment.FREE,
    "prompts/list": Treatment.FREE,
    "resources/list": Treatment.FREE,
    "resources/templates/list": Treatment.FREE,
    "tools/call": Treatment.SCOPED,
    "prompts/get": Treatment.SCOPED,
    "resources/read": Treatment.SCOPED,
    "completion/complete": Treatment.SCOPED,
    "tasks/get": Treatment.SCOPED,
    "tasks/cancel": Treatment.SCOPED,
    # It would name the tasks of everybody, and nothing in it says whose they are.
    "tasks/list": Treatment.REFUSED,
}

METHODS: Final[Mapping[Era, Mapping[str, Treatment]]] = MappingProxyType(
    {
        Era.MODERN: MappingProxyType(
            _BOTH
            | {
                "server/discover": Treatment.FREE,
                "tasks/update": Treatment.SCOPED,
                "subscriptions/listen": Treatment.SCOPED,
            }
        ),
        Era.HANDSHAKE: MappingProxyType(
            _BOTH
            | {
                "initialize": Treatment.FREE,
                "ping": Treatment.FREE,
                "logging/setLevel": Treatment.FREE,
                "resources/subscribe": Treatment.SCOPED,
                "resources/unsubscribe": Treatment.SCOPED,
                "tasks/result": Treatment.SCOPED,
            }
        ),
    }
)
"""Every method of a client's request. A SCOPED one that names nothing (listening to lists alone) is free."""

NOTIFICATIONS: Final = frozenset(
    {
        "notifications/initialized",
        "notifications/cancelled",
        "notifications/progress",
        "notifications/roots/list_changed",
        "notifications/tasks/status",
    }
)
"""The notifications of a client that reach the server in the HANDSHAKE era. In the MODERN one, none does."""

ASKS: Final[Mapping[str, str]] = MappingProxyType(
    {"sampling/createMessage": "sampling", "elicitation/create": "elicitation", "roots/list": "roots"}
)
"""What a server may ask of a client: method → its word in the policy of the server (`may_ask`)."""


def treatment(era: Era, method: str) -> Treatment:
    """Return how `method` is treated; what is not known is refused."""
    return METHODS[era].get(method, Treatment.REFUSED)
