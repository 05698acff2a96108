"""Another master key: everything that was sealed under the old one is sealed anew, all of it or nothing."""

from accredit.identity import webhook as webhooks
from accredit.identity.changes import Reseal, Signal, SignalKind
from accredit.identity.sealing import MasterKey
from accredit.oauth.outcome import Lost, Outcome
from accredit.ports.catalogue import CatalogueStore
from accredit.ports.randomness import Randomness
from accredit.ports.webhooks import WebhookStore
from accredit.service.changes import Changes
from accredit.service.deployment import WrongDeployment
from accredit.service.keyring import seal_context


async def reseal(
    changes: Changes,
    stores: tuple[CatalogueStore, WebhookStore],
    old: MasterKey,
    new: MasterKey,
    randomness: Randomness,
    by: str,
) -> int:
    """Let the database belong to `new` from now on, and return how many keys and secrets were sealed anew.

    Raises WrongMasterKey when one does not open with `old`, and WrongDeployment when somebody changed the keys
    meanwhile; then nothing was changed.
    """

    def anew(sealed: bytes, context: bytes) -> tuple[bytes, bytes]:
        return sealed, new.seal(old.open(sealed, context), context, randomness.bytes(12))

    catalogue, hooks = stores
    keys = tuple(anew(key.sealed, seal_context(key.kid, key.use)) for key in (await catalogue.load()).keys)
    secrets = tuple(anew(hook.sealed, webhooks.seal_context(hook.id)) for hook in await hooks.all())
    told = f"{len(keys)} keys sealed anew" + (f", and {len(secrets)} secrets of webhooks" if secrets else "")
    event = changes.event("key.rotate_master", "master", by, told)
    claims = (Reseal(old.check(), new.check(), keys, secrets),)
    outcome = Outcome(None, claims, (), (event,), (Signal(SignalKind.KEYS, "master"),))
    if isinstance(await changes.journal.submit(outcome), Lost):
        raise WrongDeployment("the keys were changed by somebody else meanwhile, and nothing was done: stop every node")
    return len(keys) + len(secrets)
