"""Signing keys: made sealed, published before they are used, rotated by command."""

from dataclasses import replace

from msgspec import json

from accredit.identity.changes import AddKey, AdvanceKey, Signal, SignalKind
from accredit.identity.sealing import MasterKey
from accredit.identity.signing_key import KeyState, KeyUse, StoredKey
from accredit.oauth.outcome import Outcome
from accredit.oauth.tokens import LONGEST_LIFETIME
from accredit.ports.randomness import Randomness
from accredit.service.changes import Changes
from accredit.service.keyring import seal_context
from accredit.service.once import Once
from accredit.service.problem import Problem, ProblemCode
from accredit_sdk import keys as jwks
from accredit_sdk.jws import Algorithm

_GRACE = 300


class Keys:
    """Makes and rotates signing keys."""

    def __init__(
        self, changes: Changes, master: MasterKey, randomness: Randomness, algorithm: Algorithm = Algorithm.ES256
    ) -> None:
        self._changes = changes
        self._master = master
        self._randomness = randomness
        self._algorithm = algorithm
        self._stored: tuple[StoredKey, ...] = ()
        changes.directory.observe_keys(self._take)

    def _take(self, stored: tuple[StoredKey, ...]) -> None:
        self._stored = stored

    def all(self) -> tuple[StoredKey, ...]:
        """Return every published key."""
        return self._stored

    async def ensure(self) -> None:
        """Make sure that each use has an active and an upcoming key. Two nodes that start at once agree on one."""
        for use in KeyUse:
            for state in (KeyState.ACTIVE, KeyState.UPCOMING):
                if self._find(use, state) is None:
                    await self._add(use, state)

    async def _add(self, use: KeyUse, state: KeyState) -> None:
        key = self._make(use, state)
        event = self._changes.event("key.add", key.kid, "accredit", f"{state.value} {use.value} key")
        outcome = Outcome(key, (AddKey(key),), (), (event,), (Signal(SignalKind.KEYS, key.kid),))
        await self._changes.journal.submit(outcome)
        await self._changes.directory.catch_up()

    async def rotate(self, use: KeyUse, by: str, once: Once[StoredKey] | None = None) -> StoredKey:
        """Sign with the upcoming key from now on; the present one stays published until its last token is dead.

        Returns the key that is active now. Raises Problem when a rotation crossed this one.
        """
        active, upcoming = self._find(use, KeyState.ACTIVE), self._find(use, KeyState.UPCOMING)
        if active is None or upcoming is None:
            raise Problem(ProblemCode.STALE, f"the {use.value} keys are being rotated; look again in a moment")
        fresh = self._make(use, KeyState.UPCOMING)
        dead = self._changes.clock.now() + (LONGEST_LIFETIME + _GRACE) * 1_000_000
        gone_at = None if use is KeyUse.CHECKPOINT else dead
        claims = (
            AdvanceKey(active.kid, KeyState.ACTIVE, KeyState.RETIRED, gone_at),
            AdvanceKey(upcoming.kid, KeyState.UPCOMING, KeyState.ACTIVE),
            AddKey(fresh),
        )
        event = self._changes.event("key.rotate", upcoming.kid, by, f"{use.value}: {active.kid} retired")
        now_active = replace(upcoming, state=KeyState.ACTIVE)
        outcome = Outcome(now_active, claims, (), (event,), (Signal(SignalKind.KEYS, upcoming.kid),))
        lost = Problem(ProblemCode.STALE, f"the {use.value} keys were rotated by somebody else; nothing was changed")
        await self._changes.commit(outcome, lost, once)
        return now_active

    async def drop_dead(self) -> None:
        """Publish no longer the retired keys of which every token is dead."""
        now = self._changes.clock.now()
        for key in self._stored:
            if key.state is KeyState.RETIRED and key.gone_at is not None and key.gone_at <= now:
                claim = AdvanceKey(key.kid, KeyState.RETIRED, KeyState.GONE)
                event = self._changes.event("key.drop", key.kid, "accredit", f"{key.use.value} key {key.kid}")
                outcome = Outcome(None, (claim,), (), (event,), (Signal(SignalKind.KEYS, key.kid),))
                await self._changes.journal.submit(outcome)
        await self._changes.directory.catch_up()

    def _find(self, use: KeyUse, state: KeyState) -> StoredKey | None:
        return next((key for key in self._stored if key.use is use and key.state is state), None)

    def _make(self, use: KeyUse, state: KeyState) -> StoredKey:
        key = jwks.generate(self._algorithm)
        context = seal_context(key.kid, use)
        return StoredKey(
            kid=key.kid,
            use=use,
            algorithm=self._algorithm,
            state=state,
            public=json.encode(jwks.public_jwk(key.verifying())),
            sealed=self._master.seal(jwks.private_bytes(key), context, self._randomness.bytes(12)),
            created_at=self._changes.clock.now(),
        )
