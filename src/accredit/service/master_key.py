"""Another master key: everything that was sealed under the old one is sealed anew, all of it or nothing."""

from accredit.identity.changes import Reseal, Signal, SignalKind
from accredit.identity.sealing import MasterKey
from accredit.oauth.outcome import Lost, Outcome
from accredit.ports.catalogue import CatalogueStore
from accredit.ports.randomness import Randomness
from accredit.service.changes import Changes
from accredit.service.deployment import WrongDeployment
from accredit.service.keyring import seal_context


async def reseal(
    changes: Changes, store: CatalogueStore, old: MasterKey, new: MasterKey, randomness: Randomness, by: str
) -> int:
    """Let the database belong to `new` from now on, and return how many keys were sealed anew.

    Raises WrongMasterKey when one does not open with `old`, and WrongDeployment when somebody changed the keys
    meanwhile; then nothing was changed.
    """
    keys = (await store.load()).keys
    pairs = []
    for key in keys:
        context = seal_context(key.kid, key.use)
        pairs.append((key.sealed, new.seal(old.open(key.sealed, context), context, randomness.bytes(12))))
    event = changes.event("key.rotate_master", "master", by, f"{len(pairs)} keys sealed anew")
    claims = (Reseal(old.check(), new.check(), tuple(pairs)),)
    outcome = Outcome(None, claims, (), (event,), (Signal(SignalKind.KEYS, "master"),))
    if isinstance(await changes.journal.submit(outcome), Lost):
        raise WrongDeployment("the keys were changed by somebody else meanwhile, and nothing was done: stop every node")
    return len(pairs)
