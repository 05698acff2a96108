"""Would it be allowed? One client, one tool, answered by the same code that decides, with a reason for every factor."""

from dataclasses import dataclass
from typing import Final

from accredit.identity import guarded
from accredit.identity.client import Client, ClientKind
from accredit.identity.holder import Holder, HolderKind
from accredit.identity.management import Authority
from accredit.identity.principal import Principal
from accredit.identity.role import Role
from accredit.identity.role_change import RoleChange
from accredit.identity.server import Server, TargetKind
from accredit.oauth import question
from accredit.oauth.client_credentials import Facts
from accredit.oauth.question import Answer, Topic
from accredit.ports.clients import Clients
from accredit.ports.clock import Clock
from accredit.service import advice, clients
from accredit.service.administrators import Administrators
from accredit.service.advice import Advice, Matter
from accredit.service.directory import Directory
from accredit.service.keepers import Offices
from accredit.service.problem import Problem, ProblemCode, not_found

_HIDDEN: Final = frozenset({Topic.CREDENTIAL, Topic.SOFTWARE})
"""What nobody hears of a client that they do not know."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Whether `client` may use what `server` (a slug) offers as `tool`, at `at` or now.

    A client is the slug of an agent, `app:` and that of an application, or a client_id.
    """

    client: str
    server: str
    tool: str
    kind: TargetKind = TargetKind.TOOL
    at: int | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """The answer, and the sentences about it: one for each point, and the command for each change of roles."""

    matter: Matter
    answer: Answer
    sentence: str
    advice: tuple[tuple[question.Point, Advice], ...]
    changes: tuple[tuple[RoleChange, str], ...]


class Questions:
    """Answers questions to those who may know."""

    def __init__(
        self, issuer: str, directory: Directory, clients: Clients, offices: Administrators, clock: Clock
    ) -> None:
        self._issuer = issuer
        self._directory = directory
        self._clients = clients
        self._keepers = Offices(offices)
        self._clock = clock

    async def ask(self, asked: Asked, who: Authority) -> Told:
        """Answer `who`, who may look at the server. Raises Problem for a server or client that is not known."""
        server = self._directory.server(asked.server)
        if server is None:
            raise not_found("server", asked.server)
        principal = await self._principal(asked.client, server, who)
        now = self._clock.now() if asked.at is None else asked.at
        facts = Facts(
            issuer=self._issuer,
            principal=principal,
            server=server,
            roles=self._directory.held(principal) if principal is not None else (),
            version=self._directory.cursor,
            decision="",
            jti="",
            barred=principal is not None and self._directory.barred(principal.client),
        )
        policy = guarded.policy(server, self._issuer, self._directory.cursor)
        answer = question.ask(facts, policy, asked.kind, asked.tool, self._assignable(who), now)
        name = _name(principal.client) if principal is not None else asked.client
        keepers = await self._keepers.of(server, who)
        matter = Matter(name, principal, server, asked.kind, asked.tool, keepers, now)
        shown = [point for point in answer.points if principal is not None or point.topic not in _HIDDEN]
        return Told(
            matter,
            answer,
            advice.sentence(answer, matter),
            tuple((point, advice.advice(point, answer, matter)) for point in shown),
            tuple((change, advice.command(change, matter)) for change in answer.role_changes),
        )

    async def _principal(self, name: str, server: Server, who: Authority) -> Principal | None:
        """Return the client; to somebody who sees not all, only one that holds, or held, a role on their server."""
        found = await clients.named(self._clients, name) or await self._directory.principal(name)
        if who.sees_all():
            if found is None:
                text = f"no client is called {name[:80]!r}; `accredit agent list` shows the agents"
                raise Problem(ProblemCode.NOT_FOUND, text)
            return found
        return found if found is not None and self._directory.reaches(found, server.id) else None

    def _assignable(self, who: Authority) -> tuple[Role, ...]:
        """Return the roles that `who` may hear of as a way out: those that lie wholly on servers that they see."""
        return tuple(role for role in self._directory.roles() if all(map(who.sees, role.scopes)))


def _name(client: Client) -> str:
    """Return how a client is named where it could be an agent or an application."""
    kind = HolderKind.APPLICATION if client.kind is ClientKind.APPLICATION else HolderKind.AGENT
    return Holder(kind, client.slug).render()
