"""What a node knows without asking the database: the catalogue whole, clients as far as they fit.

Signals keep it true. A node that cannot confirm within a second that it has seen every signal stops deciding.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

from accredit.identity.changes import NumberedSignal, SignalKind
from accredit.identity.client import Client
from accredit.identity.denial import SoftwareDenial, barred
from accredit.identity.group import Group
from accredit.identity.principal import Principal
from accredit.identity.role import Assignment, HeldRole, Role
from accredit.identity.server import Server
from accredit.identity.signing_key import StoredKey
from accredit.ports.catalogue import Catalogue, CatalogueStore
from accredit.ports.clients import Clients
from accredit.ports.clock import Clock

CONFIRMED_WITHIN: Final = 1_000_000
"""How old the last confirmation may be when something is decided, in microseconds."""

_CATALOGUE_KINDS: Final = frozenset({SignalKind.POLICY, SignalKind.KEYS, SignalKind.ROLES})
_PAGE: Final = 1000
_REMEMBERED: Final = 4096
_Named = TypeVar("_Named", Group, Role, Server)


class Directory:
    """The state that decisions are made on. One per process; not thread-safe, lives on the event loop."""

    def __init__(self, store: CatalogueStore, clients: Clients, clock: Clock, *, capacity: int = 100_000) -> None:
        self._store = store
        self._clients = clients
        self._clock = clock
        self._capacity = capacity
        self._principals: OrderedDict[str, Principal] = OrderedDict()
        self._client_ids: dict[str, str] = {}
        self._loading: dict[str, asyncio.Task[Principal | None]] = {}
        self._touched: OrderedDict[str, int] = OrderedDict()
        self._forgotten = 0
        self._confirmed = 0
        self._catching_up = asyncio.Lock()
        self._cursor = 0
        self._observers: list[Callable[[tuple[StoredKey, ...]], None]] = []
        self._listeners: list[Callable[[tuple[NumberedSignal, ...]], None]] = []
        self._take(Catalogue(0, (), (), ()))

    @property
    def cursor(self) -> int:
        """The number of the last signal that this node has applied: the `ver` of what it decides now."""
        return self._cursor

    @property
    def confirmed(self) -> int:
        """When it was last seen that there is no signal behind `cursor` (microseconds UTC)."""
        return self._confirmed

    def unconfirmed(self) -> float:
        """Return the seconds since then."""
        return (self._clock.now() - self._confirmed) / 1_000_000

    def observe_signals(self, listener: Callable[[tuple[NumberedSignal, ...]], None]) -> None:
        """Call `listener` with every signal from now on, after this node itself acts on it."""
        self._listeners.append(listener)

    def observe_keys(self, observer: Callable[[tuple[StoredKey, ...]], None]) -> None:
        """Call `observer` with the keys of every catalogue from now on, and with the present ones at once."""
        self._observers.append(observer)
        observer(self._keys)

    async def load(self) -> None:
        """Read the catalogue anew."""
        at = self._clock.now()
        self._take(await self._store.load())
        self._confirmed = at

    async def catch_up(self) -> None:
        """Apply every signal that is visible now."""
        async with self._catching_up:
            while True:
                at = self._clock.now()
                page = await self._store.signals(self._cursor, _PAGE)
                await self._apply(page)
                if len(page) < _PAGE:
                    self._confirmed = at
                    return

    async def confirm(self) -> None:
        """Return when the last confirmation is young enough to decide; asks the database only if it is not."""
        # A clock that was set back must not make a confirmation of before it young for ever.
        if not 0 <= self._clock.now() - self._confirmed < CONFIRMED_WITHIN:
            await self.catch_up()

    async def revoked(self, handles: Sequence[str], version: int) -> bool:
        """Tell whether a token with these handles, decided on at `version`, was revoked since; the database knows.

        Raises StoreError.
        """
        return any(raised.kind is SignalKind.REVOKED for raised in await self.raised_about(handles, version))

    async def raised_about(self, handles: Sequence[str], version: int) -> tuple[NumberedSignal, ...]:
        """Return the signals about these handles that came after `version`, in order. Raises StoreError."""
        return await self._store.signals_about(handles, version)

    def by_resource(self, resource: str) -> Server | None:
        """Return the server with that canonical resource."""
        return self._by_resource.get(resource)

    def server(self, slug: str) -> Server | None:
        """Return the server with that slug."""
        return self._by_slug.get(slug)

    def server_by_id(self, server: str) -> Server | None:
        """Return the server with that id."""
        return self._by_id.get(server)

    def servers(self) -> tuple[Server, ...]:
        """Return all servers by slug."""
        return tuple(self._by_slug.values())

    def role(self, slug: str) -> Role | None:
        """Return the role with that slug; the built-in ones are not found."""
        return self._given.get(slug)

    def roles(self) -> tuple[Role, ...]:
        """Return all roles by slug but the built-in ones: those that reach a built-in server."""
        return tuple(self._given.values())

    def builtin_role(self, slug: str) -> Role | None:
        """Return the built-in role with that slug."""
        return self._builtin.get(slug)

    def builtin_roles(self) -> tuple[Role, ...]:
        """Return the built-in roles by slug."""
        return tuple(self._builtin.values())

    def held(self, principal: Principal) -> tuple[HeldRole, ...]:
        """Return the roles of a client, its own and those of its groups, as they are now."""
        groups = (self._groups.get(group) for group in sorted(principal.groups))
        through = (item for group in groups if group is not None for item in self.held_by(group))
        return (*self._resolved(principal.assignments, None), *through)

    def reaches(self, principal: Principal, server: str) -> bool:
        """Tell whether a client has to do with a server (an id): it holds, or held, a role on it, or guards it."""
        return server in principal.client.servers or any(item.role.scopes.get(server) for item in self.held(principal))

    def held_by(self, group: Group) -> tuple[HeldRole, ...]:
        """Return the roles of a group, as they are now."""
        return self._resolved(group.assignments, group.id)

    def _resolved(self, assignments: tuple[Assignment, ...], through: str | None) -> tuple[HeldRole, ...]:
        found = ((self._roles.get(item.role), item.ends_at) for item in assignments)
        return tuple(HeldRole(role, ends_at, through) for role, ends_at in found if role is not None)

    def group(self, slug: str) -> Group | None:
        """Return the group with that slug."""
        return self._groups_by_slug.get(slug)

    def groups(self) -> tuple[Group, ...]:
        """Return all groups by slug."""
        return tuple(self._groups_by_slug.values())

    def group_by_id(self, group: str) -> Group | None:
        """Return the group with that id."""
        return self._groups.get(group)

    @property
    def denied_software(self) -> tuple[SoftwareDenial, ...]:
        """The software whose clients get no tokens, by id and version."""
        return self._barred

    def barred(self, client: Client) -> bool:
        """Tell whether the software of a client is denied to everybody."""
        return barred(self._barred, client.software)

    async def principal(self, client_id: str) -> Principal | None:
        """Return the client that calls itself `client_id`, from memory or from the database."""
        known = self._principals.get(client_id)
        if known is not None:
            self._principals.move_to_end(client_id)
            return known
        task = self._loading.get(client_id)
        if task is None:
            task = self._loading[client_id] = asyncio.create_task(self._load_principal(client_id))
            task.add_done_callback(lambda _: self._loading.pop(client_id, None))
        return await asyncio.shield(task)

    async def _load_principal(self, client_id: str) -> Principal | None:
        while True:
            begun = self._cursor
            found = await self._clients.principal(client_id)
            if found is None:
                return None
            if not self._changed_since(found.client.id, begun):
                self._remember(client_id, found)
                return found

    def _changed_since(self, handle: str, cursor: int) -> bool:
        return self._touched.get(handle, 0) > cursor or self._forgotten > cursor

    def _remember(self, client_id: str, principal: Principal) -> None:
        self._principals[client_id] = principal
        self._client_ids[principal.client.id] = client_id
        if len(self._principals) > self._capacity:
            _, dropped = self._principals.popitem(last=False)
            self._client_ids.pop(dropped.client.id, None)

    async def _apply(self, page: tuple[NumberedSignal, ...]) -> None:
        if any(signal.kind in _CATALOGUE_KINDS or signal.handle.startswith("srv_") for signal in page):
            self._take(await self._store.load(), keep=True)
        for signal in page:
            self._touch(signal)
        if page:
            self._cursor = max(self._cursor, page[-1].seq)
            for listener in self._listeners:
                listener(page)

    def _touch(self, signal: NumberedSignal) -> None:
        self._touched[signal.handle] = signal.seq
        self._touched.move_to_end(signal.handle)
        if len(self._touched) > _REMEMBERED:
            _, self._forgotten = self._touched.popitem(last=False)
        client_id = self._client_ids.pop(signal.handle, None)
        if client_id is not None:
            self._principals.pop(client_id, None)

    def _take(self, catalogue: Catalogue, *, keep: bool = False) -> None:
        if not keep:
            self._cursor = catalogue.seq
        self._by_id = {server.id: server for server in catalogue.servers}
        self._by_slug = _by_slug(catalogue.servers)
        self._by_resource = {server.resource: server for server in catalogue.servers}
        self._roles = {role.id: role for role in catalogue.roles}
        builtin = {server.id for server in catalogue.servers if server.builtin}
        self._builtin = _by_slug(role for role in catalogue.roles if builtin & role.scopes.keys())
        self._given = _by_slug(role for role in catalogue.roles if not builtin & role.scopes.keys())
        self._groups = {group.id: group for group in catalogue.groups}
        self._groups_by_slug = _by_slug(catalogue.groups)
        self._keys = catalogue.keys
        self._barred = catalogue.barred
        for observer in self._observers:
            observer(catalogue.keys)


def _by_slug(nouns: Iterable[_Named]) -> dict[str, _Named]:
    """Return them by slug, in its order."""
    return {noun.slug: noun for noun in sorted(nouns, key=lambda noun: noun.slug)}
