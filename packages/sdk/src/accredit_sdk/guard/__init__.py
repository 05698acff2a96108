"""The guard: an ASGI middleware that asks Accredit's signed policy about every call before the MCP server sees it."""

from accredit_sdk.guard.asgi import Guard

__all__ = ["Guard"]
