"""The agent's side: one identity, one credential, many servers; tokens fetched, renewed and kept apart by itself."""

from accredit_sdk.agent.auth import AgentAuth
from accredit_sdk.agent.identity import AgentError
from accredit_sdk.agent.key_file import load_key

__all__ = ["AgentAuth", "AgentError", "load_key"]
