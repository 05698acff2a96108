"""Guard an MCP server, or give an agent one identity."""

from typing import TYPE_CHECKING, Any

from accredit_sdk.errors import AccreditError, ConfigurationError
from accredit_sdk.policy import Target

if TYPE_CHECKING:
    from accredit_sdk.agent import AgentAuth
    from accredit_sdk.guard import Guard

__all__ = ["AccreditError", "AgentAuth", "ConfigurationError", "Guard", "Target"]


def __getattr__(name: str) -> Any:
    """Load what needs an HTTP client when it is first asked for (PEP 562)."""
    if name == "Guard":
        from accredit_sdk.guard import Guard  # noqa: PLC0415  (an agent that guards nothing loads no guard)

        return Guard
    if name == "AgentAuth":
        from accredit_sdk.agent import AgentAuth  # noqa: PLC0415

        return AgentAuth
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
