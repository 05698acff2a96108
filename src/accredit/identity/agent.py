"""Agents: the owner's own AI agents, with an owner, a sponsor, a purpose and an expiry."""

from dataclasses import dataclass

from accredit.identity.client import Client


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent: its client, and the people and the reason behind it (free text until people are registered)."""

    client: Client
    owner: str
    sponsor: str = ""
    purpose: str = ""
