"""A question: could this client use that tool? What answers it is the rule of tokens and the policy of guards itself.

The client is taken to ask for exactly what the tool needs: who asks for less gets less, and who asks for more no more.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from accredit.identity.client import ClientKind
from accredit.identity.role import HeldRole, Role, ceiling
from accredit.identity.role_change import RoleChange, changes
from accredit.identity.server import TargetKind
from accredit.oauth.client_credentials import Facts, Ruled, reachable, rule
from accredit_sdk import scopes as words
from accredit_sdk.decision import Decision, Mode, Reason
from accredit_sdk.methods import Era, treatment
from accredit_sdk.policy import Policy, Target

METHODS: Final = {
    TargetKind.TOOL: "tools/call",
    TargetKind.RESOURCE: "resources/read",
    TargetKind.PROMPT: "prompts/get",
}
"""The method that uses each kind."""


class Topic(StrEnum):
    """What has to hold before somebody may use a tool, in the order in which it is looked at."""

    CLIENT = "client"
    """It is active and not at its end."""
    SOFTWARE = "software"
    """What it is an installation of is not denied to everybody."""
    CREDENTIAL = "credential"
    """It has one that works, so that it can prove who it is."""
    SERVER = "server"
    """It is active, and open to such clients."""
    TOOL = "tool"
    """The server's policy maps it to scopes."""
    SERVER_SCOPES = "server_scopes"
    """The server has the scopes that the tool needs."""
    CLIENT_ROLES = "client_roles"
    """The client's roles carry them now."""
    TOKEN = "token"  # noqa: S105  (the name of a factor, not a secret)
    """A token can be made of it: with all the scopes, and not at its end as soon as it begins."""


@dataclass(frozen=True, slots=True)
class Point:
    """Whether one thing holds. `scopes` are those that are missing, where scopes are what it is about."""

    topic: Topic
    holds: bool
    scopes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Share:
    """What one role of the client carries on the server, and whether the assignment counts now."""

    held: HeldRole
    scopes: frozenset[str]
    counts: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What would be decided, and why.

    `ruled` is what the token endpoint says; `decision` the guard's, None when there is no token that it could see.
    `targets` is everything in the policy that the name could mean. `role_changes` are the ways out, the smallest
    first, when roles are what is missing.
    """

    allowed: bool
    needs: frozenset[str]
    points: tuple[Point, ...]
    shares: tuple[Share, ...]
    targets: tuple[Target, ...]
    ruled: Ruled
    decision: Decision | None
    role_changes: tuple[RoleChange, ...] = ()

    @property
    def observed(self) -> bool:
        """Tell whether it would be let through only because the server observes."""
        return self.decision is not None and self.decision.reason is Reason.OBSERVED


def ask(facts: Facts, policy: Policy, kind: TargetKind, name: str, roles: Iterable[Role] = (), now: int = 0) -> Answer:
    """Return what would be decided at `now` (microseconds UTC) about a use of `name` of the server in `facts`.

    `policy` is what the server's guards act on; `roles` are those that an administrator could give to the client.
    """
    targets = policy.find(kind.value, name)
    needs = words.smallest(frozenset[str]().union(*(target.needs for target in targets)))
    ruled = _ruled(facts, needs, now)
    if ruled.claims is None and policy.mode is Mode.OBSERVE:
        # Any token would do then, also one for something else.
        ruled = _ruled(facts, policy.scopes, now)
    decision = None
    if ruled.claims is not None and not policy.suspended:
        method = METHODS[kind]
        way = treatment(Era.MODERN, method)
        decision = policy.judge(ruled.claims, method, way, ((kind.value, name),), facts.decision)
    points = tuple(_points(facts, targets, needs, now))
    allowed = decision is not None and decision.allowed
    if not allowed and all(point.holds for point in points):
        points = (*points, Point(Topic.TOKEN, holds=False))
    return Answer(
        allowed, needs, points, _shares(facts, now), targets, ruled, decision, _ways(facts, points, roles, now)
    )


def _ruled(facts: Facts, needs: frozenset[str], now: int) -> Ruled:
    """Return what the rule says to the credential with which the client gets furthest."""
    credentials = facts.principal.credentials if facts.principal is not None else ()
    found = [rule(needs or None, facts, item, now) for item in credentials if item.usable(now)]
    return next((one for one in found if one.claims is not None), found[0] if found else Ruled())


def _points(facts: Facts, targets: tuple[Target, ...], needs: frozenset[str], now: int) -> Iterator[Point]:
    principal, server = facts.principal, facts.server
    yield Point(Topic.CLIENT, principal is not None and principal.client.usable(now))
    yield Point(Topic.SOFTWARE, not facts.barred)
    yield Point(Topic.CREDENTIAL, principal is not None and any(one.usable(now) for one in principal.credentials))
    sort = principal.client.kind if principal is not None else ClientKind.AGENT
    yield Point(Topic.SERVER, server is not None and reachable(server, sort, facts.roles, now))
    yield Point(Topic.TOOL, bool(targets) and all(target.needs for target in targets))
    unknown = words.missing(server.words() if server is not None else frozenset(), needs)
    yield Point(Topic.SERVER_SCOPES, not unknown, unknown)
    short = _missing(facts, needs, now)
    yield Point(Topic.CLIENT_ROLES, not short, short)


def _missing(facts: Facts, needs: frozenset[str], now: int) -> frozenset[str]:
    return needs if facts.server is None else words.missing(ceiling(facts.roles, facts.server.id, now), needs)


def _shares(facts: Facts, now: int) -> tuple[Share, ...]:
    server = facts.server.id if facts.server is not None else ""
    return tuple(
        Share(item, item.role.scopes[server], item.counts(now)) for item in facts.roles if item.role.scopes.get(server)
    )


def _ways(facts: Facts, points: tuple[Point, ...], roles: Iterable[Role], now: int) -> tuple[RoleChange, ...]:
    """Return how the client comes to what its roles lack: of what the server does not know, in no way."""
    missing = {point.topic: point.scopes for point in points}
    if facts.server is None or missing[Topic.SERVER_SCOPES]:
        return ()
    return changes(missing[Topic.CLIENT_ROLES], roles, facts.roles, facts.server, now)
