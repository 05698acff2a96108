"""Signals: what nodes and guards must hear of, and how the store keeps it."""

from dataclasses import dataclass
from enum import StrEnum


class SignalKind(StrEnum):
    """What a signal says. A REVOKED handle is void below the signal's number; a SUSPENDED one until RESUMED.

    POLICY: a server's scopes or tools changed. KEYS: the key set changed. ROLES: a role, a group, or which software is
    denied changed.
    CLIENT: a client appeared, or its credentials, roles or groups changed. REDUCED: on one server, a handle carries no
    more than some scopes below the signal's number.
    """

    REVOKED = "revoked"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    POLICY = "policy"
    KEYS = "keys"
    ROLES = "roles"
    CLIENT = "client"
    REDUCED = "reduced"


@dataclass(frozen=True, slots=True)
class Signal:
    """A change that nodes and guards must hear of; the store numbers it. `handle` is the id that it is about.

    `server` (an id) and `scopes` go with a reduction: what the handle carries there at the most.
    """

    kind: SignalKind
    handle: str
    server: str = ""
    scopes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class NumberedSignal:
    """A signal as the store keeps it: `seq` counts without gaps in the order in which changes became visible."""

    seq: int
    at: int
    kind: SignalKind
    handle: str
    server: str = ""
    scopes: frozenset[str] = frozenset()
