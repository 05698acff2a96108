"""What a guard knows about one server: which name needs which scopes, and who sees it. Immutable."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, Self, TypeAlias

from accredit_sdk import scopes as words
from accredit_sdk import uri_template
from accredit_sdk.claims import AccessClaims
from accredit_sdk.decision import Decision, Effect, Mode, Reason
from accredit_sdk.errors import ResourceError
from accredit_sdk.methods import Treatment

Name: TypeAlias = tuple[str, str]
"""What a request names: a kind (`tool`, `prompt`, `resource`) and a name, or the URI of a resource."""

RESOURCE: Final = "resource"
"""The kind whose names are URIs, or templates of URIs."""


WHOLE: Final[Name] = ("server", "")
"""Stands for everything that a server offers, where something is denied."""


class Visibility(StrEnum):
    """Whether somebody without the scopes sees a name in lists, and whether a call of it admits that it exists."""

    SHOW = "show"
    HIDE = "hide"
    CONCEAL = "conceal"


@dataclass(frozen=True, slots=True)
class Target:
    """A tool, resource or prompt, and every scope that a call of it needs."""

    kind: str
    name: str
    needs: frozenset[str]
    destructive: bool = False
    read_only: bool = False
    visibility: Visibility = Visibility.SHOW

    @classmethod
    def tool(cls, name: str, scope: str, *, destructive: bool = False, visibility: str = "show") -> Self:
        """Return a tool; `scope` lists what a call needs (RFC 6749, 3.3). Raises ScopeError, ValueError."""
        return cls("tool", name, words.parse(scope), destructive, visibility=Visibility(visibility))

    @classmethod
    def prompt(cls, name: str, scope: str, *, visibility: str = "show") -> Self:
        """Return a prompt; `scope` lists what getting it needs. Raises ScopeError, ValueError."""
        return cls("prompt", name, words.parse(scope), visibility=Visibility(visibility))

    @classmethod
    def resource(cls, uri: str, scope: str, *, visibility: str = "show") -> Self:
        """Return a resource, or a template of resources (RFC 6570); `scope` lists what reading one needs.

        Raises ScopeError, ValueError; ResourceError for a URI or template that cannot be read.
        """
        if uri_template.is_template(uri):
            uri_template.Template(uri)
        else:
            uri_template.normal(uri)
        return cls(RESOURCE, uri, words.parse(scope), visibility=Visibility(visibility))


@dataclass(frozen=True, slots=True)
class Policy:
    """The policy of one server. `targets` is keyed by kind and name; `version` is the signal number that it is from.

    `may_ask` are the words of what the server may ask a client for (see `methods.ASKS`). `candidate` is the policy
    whose verdicts a dry run records. `denied` is what nobody may use, whatever they hold and in every mode: kinds and
    names of targets, or WHOLE.
    """

    server_id: str
    resource: str
    issuer: str
    version: int
    targets: Mapping[Name, Target]
    scopes: frozenset[str]
    default_scopes: frozenset[str]
    suspended: bool = False
    may_ask: frozenset[str] = frozenset()
    mode: Mode = Mode.ENFORCE
    candidate: "Policy | None" = None
    denied: frozenset[Name] = frozenset()
    _uris: Mapping[str, tuple[Target, ...]] = field(init=False, repr=False)
    _templates: tuple[tuple[uri_template.Template, Target], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        uris, templates = _resources(self.targets.values())
        object.__setattr__(self, "_uris", uris)
        object.__setattr__(self, "_templates", templates)

    def find(self, kind: str, name: str) -> tuple[Target, ...]:
        """Return every target that a call of that name could be of; nothing when it is not mapped.

        The URI of a resource may fit several templates, and only the server knows which one it takes.
        """
        exact = self.targets.get((kind, name))
        if kind != RESOURCE or (exact is not None and uri_template.is_template(name)):
            return () if exact is None else (exact,)
        try:
            uri = uri_template.normal(name)
        except ResourceError:
            return ()
        found = self._spelled(uri)
        if "%" not in uri and uri.isascii():
            return found
        # A server may decode what is escaped here, or escape what is not: what it could mean needs its scopes, too.
        other = self._spelled(uri_template.decoded(uri))
        return (*found, *(target for target in other if target not in found)) if found else ()

    def _spelled(self, uri: str) -> tuple[Target, ...]:
        found = [target for template, target in self._templates if template.fits(uri)]
        return (*found, *self._uris.get(uri, ()))

    def visible(self, kind: str, name: str, held: Set[str]) -> bool:
        """Tell whether somebody who holds these scopes sees the name in a list."""
        found = self.find(kind, name)
        shown = all(target.visibility is Visibility.SHOW or not words.missing(held, target.needs) for target in found)
        return bool(found) and shown and not self._denies(found)

    def open_to(self, kind: str, name: str, held: Set[str]) -> bool:
        """Tell whether somebody who holds these scopes may use the name."""
        found = self.find(kind, name)
        if not found or not all(target.needs for target in found) or self._denies(found):
            return False
        return all(not words.missing(held, target.needs) for target in found) or self._observes(found)

    def _denies(self, targets: Iterable[Target]) -> bool:
        return WHOLE in self.denied or any((target.kind, target.name) in self.denied for target in targets)

    def _observes(self, targets: Iterable[Target]) -> bool:
        """Tell whether a call of these is let through that lacks scopes: never of what destroys, or nobody may see."""
        return self.mode is Mode.OBSERVE and not any(
            target.destructive or target.visibility is Visibility.CONCEAL or not target.needs for target in targets
        )

    def judge(
        self,
        claims: AccessClaims,
        method: str,
        treatment: Treatment,
        names: tuple[Name, ...],
        decision_id: str,
        held: frozenset[str] | None = None,
    ) -> Decision:
        """Decide about a call with a token that is known to be good. Raises ScopeError for a malformed scope.

        `names` is everything that the call names; it needs the scopes of all of it. `held` is what the token carries
        today, if that is less than what it says.
        """
        found = self._judged(claims, method, treatment, names, decision_id, held)
        if self.candidate is None:
            return found
        other = self.candidate.judge(claims, method, treatment, names, decision_id, held)
        return replace(found, candidate=other.reason, candidate_missing=other.missing)

    def _judged(
        self,
        claims: AccessClaims,
        method: str,
        treatment: Treatment,
        names: tuple[Name, ...],
        decision_id: str,
        held: frozenset[str] | None,
    ) -> Decision:
        found = [self.find(kind, name) for kind, name in names]
        if treatment is Treatment.REFUSED:
            return self._decision(claims, method, names, decision_id, Reason.METHOD_REFUSED)
        if WHOLE in self.denied:
            return self._decision(claims, method, names, decision_id, Reason.DENIED)
        if treatment is Treatment.FREE or not names:
            return self._decision(claims, method, names, decision_id, Reason.FREE)
        if not all(found):
            return self._decision(claims, method, names, decision_id, Reason.TOOL_UNMAPPED)
        targets = [one for some in found for one in some]
        if self._denies(targets):
            return self._decision(claims, method, names, decision_id, Reason.DENIED)
        return self._decision(claims, method, names, decision_id, Reason.OK, targets, held)

    def _decision(
        self,
        claims: AccessClaims,
        method: str,
        names: tuple[Name, ...],
        decision_id: str,
        reason: Reason,
        targets: Iterable[Target] = (),
        held: frozenset[str] | None = None,
    ) -> Decision:
        wanted = tuple(targets)
        needs = frozenset[str]().union(*(target.needs for target in wanted))
        missing = words.missing(claims.scopes() if held is None else held, needs) if wanted else frozenset[str]()
        if missing or not all(target.needs for target in wanted):
            # What is concealed answers as if it were not there; that it is, the record tells by what was missing.
            hidden = any(target.visibility is Visibility.CONCEAL for target in wanted)
            reason = Reason.TOOL_UNMAPPED if hidden else Reason.INSUFFICIENT_SCOPE
            reason = Reason.OBSERVED if self._observes(wanted) else reason
        allowed = reason in (Reason.OK, Reason.FREE, Reason.OBSERVED)
        return Decision(
            id=decision_id,
            effect=Effect.ALLOW if allowed else Effect.DENY,
            reason=reason,
            server=self.server_id,
            method=method,
            tool=" ".join(name for _, name in names) or None,
            needed=words.smallest(needs),
            missing=missing,
            subject=claims.sub,
            client_id=claims.client_id,
            actors=claims.chain(),
            grant_id=claims.grant_id,
            jti=claims.jti,
            policy_version=self.version,
            destructive=any(target.destructive for target in wanted),
            mode=self.mode,
        )


def _resources(
    targets: Iterable[Target],
) -> tuple[dict[str, tuple[Target, ...]], tuple[tuple[uri_template.Template, Target], ...]]:
    """Return the resources with one URI, by its normal spelling, and the templates. What is neither is left out.

    One resource that is mapped in two spellings needs the scopes of both.
    """
    uris: dict[str, tuple[Target, ...]] = {}
    templates: list[tuple[uri_template.Template, Target]] = []
    for target in targets:
        if target.kind != RESOURCE:
            continue
        try:
            if uri_template.is_template(target.name):
                spelled = dict.fromkeys((target.name, uri_template.decoded(target.name)))
                templates += [(uri_template.Template(text), target) for text in spelled]
            else:
                uri = uri_template.normal(target.name)
                for text in dict.fromkeys((uri, uri_template.decoded(uri))):
                    uris[text] = (*uris.get(text, ()), target)
        except ResourceError:
            continue
    return uris, tuple(templates)
