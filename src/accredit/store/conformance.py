"""What every store must hold, as data: for each claim, rivals of which exactly one may win.

`tests/store` races them on every engine; a new claim without a rivalry here fails there.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from accredit.audit import chain
from accredit.audit.chain import Head
from accredit.audit.events import Administered
from accredit.identity import changes
from accredit.identity.agent import Agent
from accredit.identity.answer import KeptAnswer
from accredit.identity.application import Application
from accredit.identity.changes import Claim, Seal, SealKind, Signal, SignalKind, StoredRecord, Write
from accredit.identity.client import Client, ClientKind
from accredit.identity.credential import Credential, CredentialKind
from accredit.identity.group import Group
from accredit.identity.guard import Enrolment
from accredit.identity.pin import Pin
from accredit.identity.role import Role
from accredit.identity.server import Scope, Server, TargetKind, Tool
from accredit.identity.signing_key import KeyState, KeyUse, StoredKey
from accredit.identity.webhook import Announcement, Webhook, WebhookKind
from accredit.oauth.outcome import Outcome
from accredit_sdk.jws import Algorithm
from accredit_sdk.policy import Visibility

NOW: Final = 1_800_000_000_000_000
"""The time at which everything here happens, in microseconds UTC."""

PIN: Final = Pin.of("Lists", {"readOnlyHint": True}, {"type": "object"})
"""What the first tool of every server here was confirmed with."""


@dataclass(frozen=True, slots=True)
class Rivalry:
    """`rival(n)` is the n-th outcome that wants what only one can have, once `before` has been committed."""

    name: str
    before: tuple[Outcome[None], ...]
    rival: Callable[[int], Outcome[None]]


def outcome(*made: Claim, writes: tuple[Write, ...] = (), about: str = "srv_0") -> Outcome[None]:
    """Return an outcome with these claims, one event and one signal, so that a loser's traces would show."""
    event = Administered(decision=f"dec_{about}", action="test.race", target=about, by="somebody", summary="a race")
    return Outcome(None, made, writes, (event,), (Signal(SignalKind.POLICY, about),))


def server(number: int, **different: Any) -> Server:
    """Return a server with scopes, defaults, and a tool, a resource and a prompt."""
    plain = Server(
        id=f"srv_{number:026d}",
        slug=f"server-{number}",
        name=f"Server {number}",
        resource=f"https://mcp{number}.example/mcp",
        created_at=NOW,
        scopes=(Scope("tickets:read", "See tickets"), Scope("tickets:write"), Scope("admin")),
        tools=(
            Tool("list", frozenset({"tickets:read"}), description="Lists", read_only=True, pin=PIN),
            Tool("purge", frozenset({"tickets:write", "admin"}), destructive=True, visibility=Visibility.HIDE),
            Tool("list", frozenset({"tickets:read"}), TargetKind.PROMPT),
            Tool("file:///a b", frozenset({"admin"}), TargetKind.RESOURCE, visibility=Visibility.CONCEAL),
        ),
        default_scopes=frozenset({"tickets:read"}),
    )
    return replace(plain, **different)


def role(number: int, **different: Any) -> Role:
    """Return a role over server 0."""
    scopes = {server(0).id: frozenset({"tickets:read", "admin"})}
    return replace(Role(f"rol_{number:026d}", f"role-{number}", f"Role {number}", scopes, NOW), **different)


def client(number: int, **different: Any) -> Client:
    """Return the client of an agent."""
    name = f"agt_{number:026d}"
    return replace(Client(name, name, ClientKind.AGENT, f"agent-{number}", f"Agent {number}", NOW), **different)


def guard(number: int, **different: Any) -> Client:
    """Return the client of a guard of server 0."""
    name = f"grd_{number:026d}"
    plain = Client(name, name, ClientKind.GUARD, f"guard-{number}", "Guard", NOW, servers=frozenset({server(0).id}))
    return replace(plain, **different)


def agent(number: int) -> Agent:
    """Return an agent."""
    return Agent(client(number), owner="ann@example.com", sponsor="bob@example.com", purpose="Sorts tickets")


def group(number: int, **different: Any) -> Group:
    """Return a group that holds nothing."""
    return replace(Group(f"grp_{number:026d}", f"group-{number}", f"Group {number}", NOW), **different)


def application(number: int, **different: Any) -> Application:
    """Return an application with two redirect URIs."""
    name = f"app_{number:026d}"
    held = Client(name, name, ClientKind.APPLICATION, f"app-{number}", f"Application {number}", NOW)
    uris = frozenset({"https://a.example/cb", "com.example.app:/cb"})
    return replace(Application(held, "ann@example.com", "Shows tickets", redirect_uris=uris), **different)


def credential(number: int, client_id: str, **different: Any) -> Credential:
    """Return a secret of the client with that id."""
    plain = Credential(f"crd_{number:026d}", client_id, CredentialKind.SECRET, bytes([number % 256]) * 32, NOW)
    return replace(plain, **different)


def enrolment(number: int) -> Enrolment:
    """Return an open invitation for a guard of server 0."""
    digest = number.to_bytes(32, "big")
    return Enrolment(f"enr_{number:026d}", server(0).id, f"guard-{number}", digest, NOW, NOW + 1_000_000)


def key(number: int, state: KeyState, use: KeyUse = KeyUse.ACCESS) -> StoredKey:
    """Return a signing key at rest."""
    return StoredKey(f"kid-{number}", use, Algorithm.ES256, state, b"{}", b"sealed %d" % number, NOW + number)


def webhook(number: int, **different: Any) -> Webhook:
    """Return a webhook that is told of keys."""
    kinds = frozenset({WebhookKind.KEY_ROTATED})
    url, sealed = f"https://hooks{number}.example/in", b"secret %d" % number
    return replace(Webhook(f"whk_{number:026d}", f"hook-{number}", url, kinds, sealed, NOW, "somebody"), **different)


def announcement(number: int, **different: Any) -> Announcement:
    """Return an announcement of a key."""
    plain = Announcement(f"evt_{number:026d}", WebhookKind.KEY_ROTATED, f"key {number}", NOW, NOW + 10, b"{}")
    return replace(plain, **different)


def seal(number: int, name: str) -> Seal:
    """Return a seal that says that a chain was closed."""
    return Seal(number, SealKind.CLOSED, name, 3, bytes(32))


def records(
    name: str, after: int, count: int, previous: bytes = chain.START, mark: int = 0
) -> tuple[StoredRecord, ...]:
    """Return `count` linked records that continue the chain `name` behind `after`; `mark` makes them differ."""
    head, made = Head(name, after, previous), []
    for number in range(count):
        event = Administered(decision=f"dec_{mark}_{number}", action="call", target="x", by="y", summary="z")
        head, record = chain.append(head, event, NOW, mark.to_bytes(16, "big"))
        made.append(record)
    return tuple(made)


def rivalries() -> Iterator[Rivalry]:
    """Yield the rivalries of every claim."""
    base = outcome(changes.AddServer(server(0)))
    yield from _new_nouns()
    yield from _versions(base)
    yield from _single_use(base)
    yield from _ends()
    yield from _keys()
    yield from _chains(base)
    yield from _removals(base)
    yield from _webhooks()


def _new_nouns() -> Iterator[Rivalry]:
    yield Rivalry("a server's slug", (), lambda n: outcome(changes.AddServer(server(n, slug="one"))))
    yield Rivalry(
        "a server's resource", (), lambda n: outcome(changes.AddServer(server(n, resource="https://one.example")))
    )
    bare: dict[str, frozenset[str]] = {}
    yield Rivalry("a role's slug", (), lambda n: outcome(changes.AddRole(role(n, slug="one", scopes=bare))))
    yield Rivalry("a group's slug", (), lambda n: outcome(changes.AddGroup(group(n, slug="one"))))
    yield Rivalry("a client's slug", (), lambda n: outcome(changes.AddClient(client(n, slug="one"))))
    yield Rivalry("a client_id", (), lambda n: outcome(changes.AddClient(client(n, client_id="https://one.example/c"))))
    yield Rivalry("one and the same server", (), lambda _: outcome(changes.AddServer(server(1))))
    yield Rivalry("one and the same client", (), lambda _: outcome(changes.AddClient(client(1), agent(1))))


def _versions(base: Outcome[None]) -> Iterator[Rivalry]:
    yield Rivalry(
        "a server's next version",
        (base,),
        lambda n: outcome(changes.ReplaceServer(server(0, name=f"by {n}", version=2))),
    )
    yield Rivalry(
        "a role's next version",
        (base, outcome(changes.AddRole(role(0)))),
        lambda n: outcome(changes.ReplaceRole(role(0, name=f"by {n}", version=2))),
    )
    yield Rivalry(
        "a client's next version",
        (outcome(changes.AddClient(client(0))),),
        lambda n: outcome(changes.ReplaceClient(client(0, name=f"by {n}", version=2))),
    )
    yield Rivalry(
        "a group's next version",
        (outcome(changes.AddGroup(group(0)), changes.AddClient(client(0))),),
        lambda _: outcome(
            changes.ReplaceGroup(group(0, version=2)), writes=(changes.AddMember(group(0).id, client(0).id),)
        ),
    )
    many = tuple(outcome(changes.AddServer(server(n))) for n in range(50))
    yield Rivalry("a slug to move to", many, lambda n: outcome(changes.ReplaceServer(server(n, slug="one", version=2))))


def _single_use(base: Outcome[None]) -> Iterator[Rivalry]:
    yield Rivalry("a jti", (), lambda n: outcome(changes.UseJti("https://a.example", "j", NOW + n)))
    yield Rivalry(
        "the key of a request",
        (),
        lambda n: outcome(changes.KeepAnswer(KeptAnswer(bytes(32), n.to_bytes(32, "big"), 201, "", b"{}", NOW))),
    )
    yield Rivalry(
        "an enrolment",
        (base, Outcome(None, writes=(changes.AddEnrolment(enrolment(0)),))),
        lambda n: outcome(
            changes.TakeEnrolment(enrolment(0).id, NOW + n),
            changes.AddClient(guard(n)),
            writes=(changes.AddCredential(credential(n, guard(n).id)),),
        ),
    )


def _ends() -> Iterator[Rivalry]:
    over = credential(0, client(0).id, expires_at=NOW)
    held = outcome(changes.AddClient(client(0)), writes=(changes.AddCredential(over),))
    yield Rivalry("the end of a credential", (held,), lambda n: outcome(changes.EndCredential(over.id, NOW + n)))


def _keys() -> Iterator[Rivalry]:
    yield Rivalry("the place of the active key", (), lambda n: outcome(changes.AddKey(key(n, KeyState.ACTIVE))))
    yield Rivalry("the place of the upcoming key", (), lambda n: outcome(changes.AddKey(key(n, KeyState.UPCOMING))))
    yield Rivalry(
        "the change of the master key",
        (outcome(changes.AddKey(key(0, KeyState.ACTIVE))),),
        lambda n: outcome(changes.Reseal(b"", bytes([n]), ((key(0, KeyState.ACTIVE).sealed, b"anew %d" % n),))),
    )
    first, second = key(100, KeyState.ACTIVE), key(101, KeyState.UPCOMING)
    yield Rivalry(
        "a rotation",
        (outcome(changes.AddKey(first), changes.AddKey(second)),),
        lambda n: outcome(
            changes.AddKey(key(n, KeyState.UPCOMING)),
            changes.AdvanceKey(second.kid, KeyState.UPCOMING, KeyState.ACTIVE),
            changes.AdvanceKey(first.kid, KeyState.ACTIVE, KeyState.RETIRED, NOW),
        ),
    )


def _chains(base: Outcome[None]) -> Iterator[Rivalry]:
    mine = guard(0)
    enrolled = (base, outcome(changes.AddClient(mine)))
    begun = records("chn_guard", 0, 3)
    yield Rivalry(
        "the beginning of a chain",
        enrolled,
        lambda n: outcome(
            changes.AppendRecords("chn_guard", mine.id, 0, chain.START, records("chn_guard", 0, 2, mark=n + 1))
        ),
    )
    yield Rivalry(
        "the continuation of a chain",
        (*enrolled, outcome(changes.AppendRecords("chn_guard", mine.id, 0, chain.START, begun))),
        lambda n: outcome(
            changes.AppendRecords(
                "chn_guard", mine.id, 3, begun[-1].hash, records("chn_guard", 3, 2, begun[-1].hash, n + 1)
            )
        ),
    )

    yield Rivalry(
        "the next records of a chain to be indexed",
        (*enrolled, outcome(changes.AppendRecords("chn_guard", mine.id, 0, chain.START, begun))),
        lambda n: outcome(changes.IndexRecords("chn_guard", 0, 3, ((n, NOW, 1), (n, NOW, 2)))),
    )
    yield Rivalry(
        "the beginning that a chain has left",
        (*enrolled, outcome(changes.AppendRecords("chn_guard", mine.id, 0, chain.START, begun))),
        lambda _: outcome(changes.DropRecords("chn_guard", 0, 3, begun[-1].hash, ())),
    )
    yield Rivalry(
        "the number of a checkpoint",
        enrolled,
        lambda n: outcome(changes.AddCheckpoint(1, NOW, b"by %d" % n, (seal(1, f"chn_{n}"),))),
    )


def _removals(base: Outcome[None]) -> Iterator[Rivalry]:
    yield Rivalry("the removal of a server", (base,), lambda _: outcome(changes.RemoveServer(server(0).id, 1)))
    roles = (base, outcome(changes.AddRole(role(0))))
    yield Rivalry("the removal of a role", roles, lambda _: outcome(changes.RemoveRole(role(0).id, 1)))
    clients = (outcome(changes.AddClient(client(0), agent(0))),)
    yield Rivalry("the removal of a client", clients, lambda _: outcome(changes.RemoveClient(client(0).id, 1)))
    groups = (outcome(changes.AddGroup(group(0))),)
    yield Rivalry("the removal of a group", groups, lambda _: outcome(changes.RemoveGroup(group(0).id, 1)))
    yield Rivalry("a state in which nothing has changed", (base,), lambda _: outcome(changes.Unchanged(1)))


def _webhooks() -> Iterator[Rivalry]:
    added, said = outcome(changes.AddWebhook(webhook(0))), changes.Announce(announcement(0))
    yield Rivalry("a webhook's slug", (), lambda n: outcome(changes.AddWebhook(webhook(n, slug="one"))))
    yield Rivalry("the removal of a webhook", (added,), lambda _: outcome(changes.RemoveWebhook(webhook(0).id)))
    yield Rivalry(
        "an attempt to deliver",
        (added, outcome(writes=(said,))),
        lambda n: outcome(changes.TakeDelivery(announcement(0).id, webhook(0).id, 0, NOW + n)),
    )
