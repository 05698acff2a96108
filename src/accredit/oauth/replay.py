"""What a change of files would do to past calls: each use is judged in the state before and in the state after.

The judge is the one of questions, so it is the one of tokens and guards. Arguments are not in the log, and a file
changes no credential: neither is judged.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from accredit.identity import guarded
from accredit.identity.client import ClientKind
from accredit.identity.credential import Credential, CredentialKind
from accredit.identity.manifest import Shape
from accredit.identity.principal import Principal
from accredit.identity.role import HeldRole, Role
from accredit.identity.server import Server
from accredit.identity.tally import Count, Use
from accredit.identity.wanted import server as described
from accredit.oauth.client_credentials import Facts
from accredit.oauth.question import Answer, Topic, ask
from accredit_sdk.policy import Policy


class Effect(StrEnum):
    """What becomes of a use: it was open and is refused, or the other way round."""

    REFUSED = "refused"
    ALLOWED = "allowed"


@dataclass(frozen=True, slots=True)
class Turned:
    """A use (its server by slug) that the change turns, how often it occurred, and what stood or stands in its way."""

    use: Use
    count: Count
    effect: Effect
    because: tuple[Topic, ...]


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody who made calls. `agent` is the slug of an agent, which files describe; None for any other client.

    `bound` are roles (slugs) with their ends that no file gives or takes: those of groups, and those of other clients.
    """

    principal: Principal
    agent: str | None = None
    bound: tuple[tuple[str, int | None], ...] = ()

    @property
    def name(self) -> str:
        """What people call it: the slug, behind the kind of a client that is no agent."""
        client = self.principal.client
        return client.slug if client.kind is ClientKind.AGENT else f"{client.kind.value}:{client.slug}"


@dataclass(frozen=True, slots=True)
class World:
    """A state that files describe, ready to be judged: slugs are the ids of servers and roles here.

    `parties` go by client_id.
    """

    issuer: str
    shape: Shape
    parties: Mapping[str, Party]
    now: int
    _policies: dict[str, tuple[Server, Policy]] = field(default_factory=dict)

    def answer(self, use: Use) -> Answer | None:
        """Return what would be decided about a use, None when client or server are not there."""
        party = self.parties.get(use.client)
        if party is None or use.server not in self.shape.servers:
            return None
        if party.agent is not None and party.agent not in self.shape.agents:
            return None
        server, policy = self._server(use.server)
        facts = Facts(self.issuer, self._principal(party), server, tuple(self._held(party)), 0, "", "")
        return ask(facts, policy, use.kind, use.name, (), self.now)

    def _server(self, slug: str) -> tuple[Server, Policy]:
        if slug not in self._policies:
            blank = Server(id=slug, slug=slug, name="", resource="", created_at=0)
            found = described(self.shape.servers[slug], blank)
            self._policies[slug] = (found, guarded.policy(found, self.issuer, 0))
        return self._policies[slug]

    def _principal(self, party: Party) -> Principal:
        """Return the client as files describe it, with a credential that works: a file cannot change those."""
        client = party.principal.client
        if party.agent is not None:
            agent = self.shape.agents[party.agent]
            client = replace(client, state=agent.state, expires_at=agent.expires)
        return Principal(client, (Credential("", client.id, CredentialKind.SECRET, b"", 0),))

    def _held(self, party: Party) -> Iterator[HeldRole]:
        own = self.shape.agents[party.agent].roles.items() if party.agent is not None else ()
        for name, end in (*own, *party.bound):
            role = self.shape.roles.get(name)
            if role is not None:
                yield HeldRole(Role(role.slug, role.slug, role.name, role.scopes, 0), end)


def turned(before: World, after: World, uses: Mapping[Use, Count]) -> Iterator[Turned]:
    """Yield the uses that are decided otherwise `after` than `before`, in the order in which they came."""
    for use, count in uses.items():
        was, becomes = before.answer(use), after.answer(use)
        open_before, open_after = _open(was), _open(becomes)
        if open_before and not open_after:
            yield Turned(use, count, Effect.REFUSED, _failing(becomes))
        elif open_after and not open_before:
            yield Turned(use, count, Effect.ALLOWED, _failing(was))


def _open(answer: Answer | None) -> bool:
    return answer is not None and answer.allowed


def _failing(answer: Answer | None) -> tuple[Topic, ...]:
    if answer is None:
        return ()
    return tuple(point.topic for point in answer.points if not point.holds)
