"""After an older state was brought back: a new epoch, in which nothing counts that was decided before it."""

from accredit.audit.events import Administered
from accredit.identity.changes import BeginEpoch, Signal, SignalKind
from accredit.identity.management import LOCAL
from accredit.oauth.outcome import Outcome
from accredit.ports.catalogue import CatalogueStore
from accredit.ports.clock import Clock
from accredit.ports.journal import Journal
from accredit.service.ids import Ids


async def begin_epoch(store: CatalogueStore, journal: Journal, ids: Ids, clock: Clock, summary: str) -> None:
    """Void everything decided before now, tell every guard, and record it with `summary`. Raises StoreError.

    Each token names the server that it is for among the handles by which it can be killed: those are revoked.
    """
    servers = (await store.load()).servers
    event = Administered(
        decision=ids.new("decision"), action="deployment.restore", target="deployment", by=LOCAL, summary=summary
    )
    signals = tuple(Signal(SignalKind.REVOKED, server.id) for server in servers)
    epoch = BeginEpoch(clock.now())
    await journal.submit(Outcome(None, (), (epoch,), (event,), (*signals, Signal(SignalKind.KEYS, "deployment"))))
