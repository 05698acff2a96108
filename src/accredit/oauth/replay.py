"""What a change of files would do to past calls: each use is judged in the state before and in the state after.

The judge is the one of questions, so it is the one of tokens and guards. Arguments are not in the log, and a file
changes no credential: neither is judged.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from accredit.identity import guarded
from accredit.identity.client import Client, ClientKind
from accredit.identity.credential import Credential, CredentialKind
from accredit.identity.manifest import AgentShape, Shape
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
    """A use (by slugs) that the change turns, how often it occurred, and what stands in its way on the closed side."""

    use: Use
    count: Count
    effect: Effect
    because: tuple[Topic, ...]


@dataclass(slots=True)
class World:
    """A state that files describe, ready to be judged: slugs are the ids here."""

    issuer: str
    shape: Shape
    now: int
    _policies: dict[str, tuple[Server, Policy]] = field(default_factory=dict)

    def answer(self, use: Use) -> Answer | None:
        """Return what would be decided about a use, None when agent or server are not there."""
        agent = self.shape.agents.get(use.client)
        if agent is None or use.server not in self.shape.servers:
            return None
        server, policy = self._server(use.server)
        facts = Facts(self.issuer, _principal(agent), server, tuple(_held(agent, self.shape)), 0, "", "")
        return ask(facts, policy, use.kind, use.name, (), self.now)

    def _server(self, slug: str) -> tuple[Server, Policy]:
        if slug not in self._policies:
            blank = Server(id=slug, slug=slug, name="", resource="", created_at=0)
            found = described(self.shape.servers[slug], blank)
            self._policies[slug] = (found, guarded.policy(found, self.issuer, 0))
        return self._policies[slug]


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


def _principal(agent: AgentShape) -> Principal:
    """Return the agent with a credential that works: a file cannot change those."""
    client = Client(
        id=agent.slug,
        client_id=agent.slug,
        kind=ClientKind.AGENT,
        slug=agent.slug,
        name=agent.name,
        created_at=0,
        state=agent.state,
        expires_at=agent.expires,
    )
    return Principal(client, (Credential("", agent.slug, CredentialKind.SECRET, b"", 0),))


def _held(agent: AgentShape, shape: Shape) -> Iterable[HeldRole]:
    for name, end in agent.roles.items():
        role = shape.roles[name]
        yield HeldRole(Role(role.slug, role.slug, role.name, role.scopes, 0), end)
