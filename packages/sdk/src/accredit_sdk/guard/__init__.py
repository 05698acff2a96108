"""The guard: an ASGI middleware that asks Accredit's signed policy about every call before the MCP server sees it."""

from accredit_sdk.guard.asgi import Guard
from accredit_sdk.guard.state import GuardState

__all__ = ["Guard", "GuardState"]
