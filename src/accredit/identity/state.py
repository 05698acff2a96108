"""The states that servers and clients can be in."""

from enum import StrEnum


class State(StrEnum):
    """ACTIVE works; SUSPENDED is refused everywhere until it is resumed; DELETED is a tombstone that never returns."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    DELETED = "deleted"
