"""The agent's side: one identity, one credential, many servers; tokens fetched, renewed and kept apart by itself."""

from accredit_sdk.agent.auth import AgentAuth
from accredit_sdk.agent.identity import AgentError

__all__ = ["AgentAuth", "AgentError"]
