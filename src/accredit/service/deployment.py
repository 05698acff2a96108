"""The first and every later start: the database must belong to this issuer and master key, or nothing starts."""

import hmac
from dataclasses import replace
from typing import Final

from accredit.identity.changes import AddRole, AddServer, ReplaceServer, Signal, SignalKind
from accredit.identity.management import (
    ADMIN,
    AUDIT,
    MANAGEMENT_DEFAULTS,
    MANAGEMENT_SERVER,
    ROLE_SCOPES,
    SERVER,
)
from accredit.identity.role import Role
from accredit.identity.sealing import MasterKey
from accredit.identity.server import GUARD_SCOPES, GUARD_SERVER, Scope, Server
from accredit.oauth.outcome import Outcome
from accredit.ports.deployment import Deployment, Deployments
from accredit.service.changes import Changes
from accredit.service.keys import Keys


class WrongDeployment(Exception):
    """The database belongs to another issuer or master key; the message says what to do."""


async def check(
    deployments: Deployments, issuer: str, master: MasterKey, now: int, spare: MasterKey | None = None
) -> Deployment:
    """Compare the database with the configuration, and bind them on the very first start. Raises WrongDeployment."""
    found = await deployments.read()
    if found is None:
        found = await deployments.establish(Deployment(issuer, master.check(), now))
    compare(found, issuer, master, spare)
    return found


def fits(found: Deployment, master: MasterKey | None) -> bool:
    """Tell whether the database belongs to this master key."""
    return master is not None and hmac.compare_digest(found.key_check, master.check())


def compare(found: Deployment, issuer: str, master: MasterKey, spare: MasterKey | None = None) -> None:
    """Raise WrongDeployment unless the database belongs to this issuer and master key.

    `spare` is the key that a change of the master key which was cut off left beside the other, or None.
    """
    if fits(found, spare) and not fits(found, master):
        raise WrongDeployment(
            "the master key does not fit this database, and the one beside it, master.key.next, does: a change of the "
            "master key was cut off half-way. Finish it: accredit key rotate-master"
        )
    if not fits(found, master):
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
    """Make what every deployment has: signing keys of each use, the built-in servers, and the built-in roles."""
    await keys.ensure()
    for slug, resource, scopes, defaults in (
        (GUARD_SERVER, guard_resource(issuer), _GUARD_SCOPES, GUARD_SCOPES),
        (MANAGEMENT_SERVER, management_resource(issuer), _MANAGEMENT_SCOPES, MANAGEMENT_DEFAULTS),
    ):
        present = changes.directory.server(slug)
        if present is None:
            await _add_server(changes, slug, resource, scopes, defaults)
        elif present.builtin and not {scope.word for scope in scopes} <= present.words():
            await _renew(changes, replace(present, scopes=scopes, default_scopes=defaults))
    management = changes.directory.by_resource(management_resource(issuer))
    if management is None or not management.builtin:
        raise WrongDeployment(
            f"the name {MANAGEMENT_SERVER} and the resource {management_resource(issuer)} are the management API's, "
            "and a server of this database has one of them: start the version before, and register that one elsewhere"
        )
    for slug, words in ROLE_SCOPES.items():
        if changes.directory.builtin_role(slug) is None:
            await _add_role(changes, slug, management, words)


async def _add_server(
    changes: Changes, slug: str, resource: str, scopes: tuple[Scope, ...], defaults: frozenset[str]
) -> None:
    server = Server(
        id=changes.ids.new("server"),
        slug=slug,
        name=f"Accredit {slug} API",
        resource=resource,
        created_at=changes.clock.now(),
        scopes=scopes,
        default_scopes=defaults,
        builtin=True,
    )
    event = changes.event("server.add", server.id, "accredit", f"built-in {slug} API", server.id)
    outcome = Outcome(server, (AddServer(server),), (), (event,), (Signal(SignalKind.POLICY, server.id),))
    await changes.journal.submit(outcome)
    await changes.directory.catch_up()


async def _renew(changes: Changes, server: Server) -> None:
    """Let a built-in server of a version before have the scopes that it has in this one."""
    changed = replace(server, version=server.version + 1)
    event = changes.event("server.renew", server.id, "accredit", f"built-in {server.slug} API", server.id)
    heard = (Signal(SignalKind.POLICY, server.id),)
    await changes.journal.submit(Outcome(changed, (ReplaceServer(changed),), (), (event,), heard))
    await changes.directory.catch_up()


async def _add_role(changes: Changes, slug: str, server: Server, words: frozenset[str]) -> None:
    role = Role(changes.ids.new("role"), slug, slug, {server.id: words}, changes.clock.now())
    event = changes.event("role.add", role.id, "accredit", f"built-in role {slug}", server.id)
    outcome = Outcome(role, (AddRole(role),), (), (event,), (Signal(SignalKind.ROLES, role.id),))
    await changes.journal.submit(outcome)
    await changes.directory.catch_up()


def guard_resource(issuer: str) -> str:
    """Return the resource of the built-in guard API: the audience of the tokens that guards get."""
    return issuer + "/guard"


def management_resource(issuer: str) -> str:
    """Return the resource of the built-in management API: the audience of the tokens of administrators."""
    return issuer + "/api"


_GUARD_SCOPES: Final = tuple(Scope(word) for word in sorted(GUARD_SCOPES))
_MANAGEMENT_SCOPES: Final = (
    Scope(ADMIN, "Administer everything"),
    Scope(AUDIT, "Look at everything, and change nothing"),
    Scope(SERVER, "Administer servers"),
)
