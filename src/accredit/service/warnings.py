"""What webhooks are warned of: found by looking at what there is, and told once."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from accredit.identity import announcing
from accredit.identity.announcing import AHEAD, PAST
from accredit.identity.changes import Announce
from accredit.identity.client import ClientKind
from accredit.identity.credential import Credential
from accredit.identity.lease import Lease
from accredit.identity.report import Ending, EndingKind, Noticed
from accredit.identity.webhook import Announcement, DeliveryState, Webhook
from accredit.oauth.outcome import Outcome
from accredit.ports.clients import Clients
from accredit.ports.clock import Clock
from accredit.ports.journal import Journal
from accredit.ports.reports import Reports
from accredit.ports.webhooks import WebhookStore
from accredit.service.ids import Ids
from accredit.service.leases import Leases

_PAGE: Final = 200
_MOST: Final = 1000
_IN_ONE: Final = 50
_OF_ONE_GUARD: Final = 20
"""Of how many silent processes of one guard is told at a time, the last ones: a guard can make them up."""


class Warnings:
    """Looks for what is worth a warning."""

    def __init__(
        self,
        store: WebhookStore,
        reports: Reports,
        leases: Leases,
        clients: Clients,
        journal: Journal,
        ids: Ids,
        clock: Clock,
    ) -> None:
        self._store = store
        self._reports = reports
        self._leases = leases
        self._clients = clients
        self._journal = journal
        self._ids = ids
        self._since = clock.now()

    async def look(self, now: int) -> None:
        """Announce what was not told yet to everybody who wants to hear of it, so much at most, the rest next time."""
        hooks = await self._store.all()
        if not hooks:
            return
        left = _MOST
        async for page in self._pages(now):
            fresh = (await self._untold(hooks, page))[:_PAGE]
            for start in range(0, min(len(fresh), left), _IN_ONE):
                writes = tuple(Announce(said) for said in fresh[start : start + _IN_ONE])
                await self._journal.submit(Outcome(None, writes=writes))
            left -= len(fresh)
            if left <= 0:
                return

    async def ended(self, credential: Credential, now: int) -> tuple[Announce, ...]:
        """Return what is written when a credential is ended because its time is over."""
        holder = await self._clients.principal(credential.client)
        if holder is None:
            return ()
        client, owner = holder.client, await self._owner(holder.client.id, holder.client.kind)
        item = Ending(EndingKind.CREDENTIAL, credential.id, client.kind, client.slug, credential.end() or now, owner)
        return (Announce(announcing.credential_expired(self._ids.new("event"), item, now)),)

    async def _owner(self, client: str, kind: ClientKind) -> str:
        if kind is ClientKind.AGENT:
            agent = await self._clients.agent(client)
            return "" if agent is None else agent.owner
        application = await self._clients.application(client) if kind is ClientKind.APPLICATION else None
        return "" if application is None else application.owner

    async def _untold(self, hooks: Sequence[Webhook], page: Sequence[Announcement]) -> list[Announcement]:
        """Return what somebody wants, was not told, and has room for: a full queue keeps nothing from others."""
        told = await self._store.told([said.key for said in page])
        counts = await self._store.counts()
        waiting = {hook.id: counts.get((hook.id, DeliveryState.WAITING), 0) for hook in hooks}

        def wanted(said: Announcement, hook: Webhook) -> bool:
            untold = said.kind in hook.kinds and (hook.id, said.key) not in told
            return untold and waiting[hook.id] < said.places

        return [said for said in page if any(wanted(said, hook) for hook in hooks)]

    async def _pages(self, now: int) -> AsyncIterator[list[Announcement]]:
        """Yield what there is to warn of, the most urgent first."""
        yield await self._silent(now)
        async for some in self._endings(now - PAST, now):
            over = [item for item in some if item.kind is EndingKind.CLIENT]
            yield [announcing.client_expired(self._new(), item, now) for item in over]
        async for some in self._endings(now, now + AHEAD):
            found = (announcing.expiring(self._new(), item, now) for item in some)
            yield [said for said in found if said is not None]
        async for noticed in self._orphans():
            yield [announcing.orphaned(self._new(), item, now) for item in noticed]

    async def _silent(self, now: int) -> list[Announcement]:
        of: dict[str, list[Lease]] = {}
        for lease in await self._leases.all():
            if announcing.silent(lease, now, self._since):
                of.setdefault(lease.guard, []).append(lease)
        found = []
        for name, silent in of.items():
            guard = await self._clients.principal(name)
            if guard is not None:
                newest = sorted(silent, key=lambda lease: lease.seen_at)[-_OF_ONE_GUARD:]
                found += [announcing.lapsed(self._new(), lease, guard.client.slug, now) for lease in newest]
        return found

    async def _endings(self, since: int, until: int) -> AsyncIterator[Sequence[Ending]]:
        after = (0, "", "")
        while page := await self._reports.ending(since, until, after, _PAGE):
            yield page
            after = (page[-1].ends_at, page[-1].kind.value, page[-1].name)

    async def _orphans(self) -> AsyncIterator[Sequence[Noticed]]:
        after = ""
        while page := await self._reports.orphans(after, _PAGE):
            yield page
            after = page[-1].id

    def _new(self) -> str:
        return self._ids.new("event")
