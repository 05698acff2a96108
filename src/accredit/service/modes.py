"""Servers that do not simply enforce their policy, said wherever somebody looks."""

from collections.abc import Iterable
from typing import Final

from accredit.identity.server import Server
from accredit.service.diagnosis import Finding, Level
from accredit_sdk.decision import Mode

_LOUD: Final = {
    Mode.OBSERVE: "server {name} DOES NOT ENFORCE: it observes, and lets calls through that lack scopes",
    Mode.DRY_RUN: "server {name} is in a dry run: it enforces its policy and compares it with another",
}


def relaxed(servers: Iterable[Server]) -> tuple[Server, ...]:
    """Return those that do not simply enforce."""
    return tuple(server for server in servers if server.mode in _LOUD)


def findings(servers: Iterable[Server]) -> tuple[Finding, ...]:
    """Return a warning for each of them, with what ends it."""
    return tuple(finding(server.slug, server.mode) for server in relaxed(servers))


def finding(name: str, mode: Mode) -> Finding:
    """Return the warning about a server in a mode that is not ENFORCE, with what ends it."""
    return Finding(Level.WARN, _LOUD[mode].format(name=name), f"accredit server mode {name} enforce")
