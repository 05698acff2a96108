"""What agents have beside their client: the people and the purpose behind it."""

from typing import Any, Final

import sqlalchemy as sa

from accredit.identity.agent import Agent
from accredit.identity.client import ClientKind
from accredit.store import client_rows
from accredit.store.client_rows import LIVING
from accredit.store.tables import agents, clients

_AGENTS: Final = sa.select(clients, agents.c.owner, agents.c.sponsor, agents.c.purpose).join(agents).where(LIVING)


def row(agent: Agent) -> dict[str, Any]:
    """Return the row of `agent` beside that of its client."""
    return {"client": agent.client.id, "owner": agent.owner, "sponsor": agent.sponsor, "purpose": agent.purpose}


def one(conn: sa.Connection, client: str) -> Agent | None:
    """Return the agent whose client has the id `client`."""
    found = conn.execute(_AGENTS.where(clients.c.id == client)).one_or_none()
    return None if found is None else _value(found)


def page(conn: sa.Connection, after: str, limit: int) -> tuple[Agent, ...]:
    """Return at most `limit` agents whose slug sorts after `after`, by slug."""
    wanted = _AGENTS.where(clients.c.kind == ClientKind.AGENT.value, clients.c.slug > after)
    return tuple(_value(found) for found in conn.execute(wanted.order_by(clients.c.slug).limit(limit)))


def everyone(conn: sa.Connection) -> tuple[Agent, ...]:
    """Return every agent, by slug."""
    return tuple(_value(found) for found in conn.execute(_AGENTS.order_by(clients.c.slug)))


def _value(found: Any) -> Agent:
    return Agent(client=client_rows.value(found), owner=found.owner, sponsor=found.sponsor, purpose=found.purpose)
