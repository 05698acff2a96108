"""What a guard knows about one server: which name needs which scopes, and which methods there are. Immutable."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from accredit_sdk import scopes as words
from accredit_sdk.claims import AccessClaims
from accredit_sdk.decision import Decision, Effect, Reason


class Visibility(StrEnum):
    """Whether somebody without the scopes sees a name in lists, and whether a call of it admits that it exists."""

    SHOW = "show"
    HIDE = "hide"
    CONCEAL = "conceal"


class Treatment(StrEnum):
    """How a method is treated."""

    FREE = "free"
    SCOPED = "scoped"
    REFUSED = "refused"


METHODS: Final[Mapping[str, Treatment]] = MappingProxyType(
    {
        "server/discover": Treatment.FREE,
        "tools/list": Treatment.FREE,
        "prompts/list": Treatment.FREE,
        "resources/list": Treatment.FREE,
        "resources/templates/list": Treatment.FREE,
        "tools/call": Treatment.SCOPED,
        "prompts/get": Treatment.SCOPED,
        "resources/read": Treatment.SCOPED,
        "completion/complete": Treatment.REFUSED,
        "subscriptions/listen": Treatment.REFUSED,
    }
)
"""Every client method of MCP 2026-07-28. FREE still needs a valid token. A method that is not here is refused."""

KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {"tools/call": "tool", "prompts/get": "prompt", "resources/read": "resource"}
)
"""The kind of target that a scoped method names."""


@dataclass(frozen=True, slots=True)
class Target:
    """A tool, resource or prompt, and every scope that a call of it needs."""

    kind: str
    name: str
    needs: frozenset[str]
    destructive: bool = False
    read_only: bool = False
    visibility: Visibility = Visibility.SHOW


@dataclass(frozen=True, slots=True)
class Policy:
    """The policy of one server. `targets` is keyed by kind and name; `version` is the signal number that it is from."""

    server_id: str
    resource: str
    issuer: str
    version: int
    targets: Mapping[tuple[str, str], Target]
    scopes: frozenset[str]
    default_scopes: frozenset[str]
    suspended: bool = False

    def target(self, kind: str, name: str) -> Target | None:
        """Return the target of that kind and name, or None when it is not mapped."""
        return self.targets.get((kind, name))

    def judge(self, claims: AccessClaims, method: str, name: str | None, decision_id: str) -> Decision:
        """Decide about a call with a token that is known to be good. Raises ScopeError for a malformed scope."""
        treatment = METHODS.get(method, Treatment.REFUSED)
        if treatment is Treatment.FREE:
            return self._decision(claims, method, name, decision_id, Reason.FREE, None)
        if treatment is Treatment.REFUSED:
            return self._decision(claims, method, name, decision_id, Reason.METHOD_REFUSED, None)
        target = self.targets.get((KINDS[method], name)) if name is not None else None
        if target is None:
            return self._decision(claims, method, name, decision_id, Reason.TOOL_UNMAPPED, None)
        return self._decision(claims, method, name, decision_id, Reason.OK, target)

    def _decision(
        self,
        claims: AccessClaims,
        method: str,
        name: str | None,
        decision_id: str,
        reason: Reason,
        target: Target | None,
    ) -> Decision:
        missing = frozenset[str]()
        if target is not None:
            missing = words.missing(claims.scopes(), target.needs)
            # What is concealed answers as if it did not exist; that it does, the record says by what was missing.
            refused = Reason.TOOL_UNMAPPED if target.visibility is Visibility.CONCEAL else Reason.INSUFFICIENT_SCOPE
            reason = refused if missing or not target.needs else reason
        allowed = reason in (Reason.OK, Reason.FREE)
        return Decision(
            id=decision_id,
            effect=Effect.ALLOW if allowed else Effect.DENY,
            reason=reason,
            server=self.server_id,
            method=method,
            tool=name,
            needed=words.smallest(target.needs) if target is not None else frozenset(),
            missing=missing,
            subject=claims.sub,
            client_id=claims.client_id,
            actors=claims.chain(),
            grant_id=claims.grant_id,
            policy_version=self.version,
            destructive=target.destructive if target is not None else False,
        )
