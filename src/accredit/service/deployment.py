"""The first and every later start: the database must belong to this issuer and master key, or nothing starts."""

import hmac

from accredit.identity.changes import AddServer, Signal, SignalKind
from accredit.identity.sealing import MasterKey
from accredit.identity.server import GUARD_SCOPES, GUARD_SERVER, Scope, Server
from accredit.oauth.outcome import Outcome
from accredit.ports.deployment import Deployment, Deployments
from accredit.service.changes import Changes
from accredit.service.keys import Keys


class WrongDeployment(Exception):
    """The database belongs to another issuer or master key; the message says what to do."""


async def check(deployments: Deployments, issuer: str, master: MasterKey, now: int) -> None:
    """Compare the database with the configuration, and bind them on the very first start. Raises WrongDeployment."""
    found = await deployments.read()
    if found is None:
        found = await deployments.establish(Deployment(issuer, master.check(), now))
    compare(found, issuer, master)


def compare(found: Deployment, issuer: str, master: MasterKey) -> None:
    """Raise WrongDeployment unless the database belongs to this issuer and master key."""
    if not hmac.compare_digest(found.key_check, master.check()):
        raise WrongDeployment(
            "the master key does not fit this database: bring back the key that it was made with, "
            "or start with another database"
        )
    if found.issuer != issuer:
        raise WrongDeployment(
            f"this database belongs to the issuer {found.issuer}, and the configuration says {issuer}. Every token and "
            "every server that trusts it names the issuer: set it back, or start with another database"
        )


async def furnish(changes: Changes, keys: Keys, issuer: str) -> None:
    """Make what every deployment has: signing keys of each use, and the built-in guard server."""
    await keys.ensure()
    if changes.directory.server(GUARD_SERVER) is not None:
        return
    server = Server(
        id=changes.ids.new("server"),
        slug=GUARD_SERVER,
        name="Accredit guard API",
        resource=guard_resource(issuer),
        created_at=changes.clock.now(),
        scopes=tuple(Scope(word) for word in sorted(GUARD_SCOPES)),
        default_scopes=GUARD_SCOPES,
        builtin=True,
    )
    event = changes.event("server.add", server.id, "accredit", "built-in guard API", server.id)
    outcome = Outcome(server, (AddServer(server),), (), (event,), (Signal(SignalKind.POLICY, server.id),))
    await changes.journal.submit(outcome)
    await changes.directory.catch_up()


def guard_resource(issuer: str) -> str:
    """Return the resource of the built-in guard API: the audience of the tokens that guards get."""
    return issuer + "/guard"
