"""Signing keys: made sealed, published before they are used, rotated on schedule or by command, withdrawn at once."""

from dataclasses import replace

from msgspec import json

from accredit.identity import announcing
from accredit.identity.changes import AddKey, AdvanceKey, Announce, Signal, SignalKind
from accredit.identity.sealing import MasterKey
from accredit.identity.signing_key import KeyState, KeyUse, StoredKey, due
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
    """Makes, rotates and withdraws signing keys."""

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
        outcome = Outcome(key, (AddKey(key, self._master.check()),), (), (event,), (Signal(SignalKind.KEYS, key.kid),))
        await self._changes.journal.submit(outcome)
        await self._changes.directory.catch_up()

    async def rotate(self, use: KeyUse, by: str, once: Once[StoredKey] | None = None) -> StoredKey:
        """Sign with the upcoming key from now on; the present one stays published until its last token is dead.

        Returns the key that is active now. Raises Problem when a rotation crossed this one.
        """
        active, upcoming = self._pair(use)
        outcome = self._advanced(upcoming, self._retirement(active), by, f"{use.value}: {active.kid} retired")
        await self._changes.commit(outcome, _crossed(use), once)
        return outcome.answer

    async def rotate_due(self, age: int) -> None:
        """Rotate each use whose key has signed for `age` microseconds, once its successor is known everywhere.

        Nodes that come at once make one rotation: who is late finds that nothing is due, or loses the claim.
        """
        await self._changes.directory.catch_up()
        for use in KeyUse:
            active, upcoming = self._find(use, KeyState.ACTIVE), self._find(use, KeyState.UPCOMING)
            if active is not None and upcoming is not None and due(active, upcoming, age, self._changes.clock.now()):
                outcome = self._advanced(upcoming, self._retirement(active), "accredit", f"{use.value}: on schedule")
                await self._changes.journal.submit(outcome)
        await self._changes.directory.catch_up()

    async def withdraw(self, kid: str, by: str) -> StoredKey:
        """Trust nothing any more that a key signed: it is gone, and guards hear of it at once.

        If it was active, the upcoming key signs from now on. Returns the key as it is now. Raises Problem.
        """
        found = next((key for key in self._stored if key.kid == kid), None)
        if found is None:
            raise Problem(ProblemCode.NOT_FOUND, "there is no such published key; `accredit key list` shows them")
        if found.use is KeyUse.CHECKPOINT:
            raise Problem(ProblemCode.INVALID, "what a key of checkpoints signed is proof for good: rotate it instead")
        gone = AdvanceKey(found.kid, found.state, KeyState.GONE, self._changes.clock.now())
        told = f"{found.use.value}: {found.kid} withdrawn while {found.state.value}"
        if found.state is KeyState.ACTIVE:
            await self._changes.commit(self._advanced(self._pair(found.use)[1], gone, by, told), _crossed(found.use))
        else:
            added = (self._successor(found.use),) if found.state is KeyState.UPCOMING else ()
            event = self._changes.event("key.withdraw", found.kid, by, told)
            said = self._said(found.kid, found.use, told)
            outcome = Outcome(None, (gone, *added), (said,), (event,), (Signal(SignalKind.KEYS, found.kid),))
            await self._changes.commit(outcome, _crossed(found.use))
        return replace(found, state=KeyState.GONE, gone_at=gone.gone_at)

    def _pair(self, use: KeyUse) -> tuple[StoredKey, StoredKey]:
        """Return the active and the upcoming key. Raises Problem."""
        active, upcoming = self._find(use, KeyState.ACTIVE), self._find(use, KeyState.UPCOMING)
        if active is None or upcoming is None:
            raise Problem(ProblemCode.STALE, f"the {use.value} keys are being rotated; look again in a moment")
        return active, upcoming

    def _retirement(self, active: StoredKey) -> AdvanceKey:
        dead = self._changes.clock.now() + (LONGEST_LIFETIME + _GRACE) * 1_000_000
        gone_at = None if active.use is KeyUse.CHECKPOINT else dead
        return AdvanceKey(active.kid, KeyState.ACTIVE, KeyState.RETIRED, gone_at)

    def _advanced(self, upcoming: StoredKey, end: AdvanceKey, by: str, told: str) -> Outcome[StoredKey]:
        """Return the outcome in which `upcoming` takes the place that `end` leaves, and a new one is upcoming."""
        now = self._changes.clock.now()
        begin = AdvanceKey(upcoming.kid, KeyState.UPCOMING, KeyState.ACTIVE, active_at=now)
        claims = (end, begin, self._successor(upcoming.use))
        gone = end.after is KeyState.GONE
        event = self._changes.event(*(("key.withdraw", end.kid) if gone else ("key.rotate", upcoming.kid)), by, told)
        signs = replace(upcoming, state=KeyState.ACTIVE, active_at=now)
        said = self._said(upcoming.kid, upcoming.use, told)
        return Outcome(signs, claims, (said,), (event,), (Signal(SignalKind.KEYS, upcoming.kid),))

    def _said(self, kid: str, use: KeyUse, told: str) -> Announce:
        ids, now = self._changes.ids, self._changes.clock.now()
        return Announce(announcing.rotated(ids.new("event"), kid, use.value, told, now))

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

    def _successor(self, use: KeyUse) -> AddKey:
        return AddKey(self._make(use, KeyState.UPCOMING), self._master.check())

    def _make(self, use: KeyUse, state: KeyState) -> StoredKey:
        key, now = jwks.generate(self._algorithm), self._changes.clock.now()
        context = seal_context(key.kid, use)
        return StoredKey(
            kid=key.kid,
            use=use,
            algorithm=self._algorithm,
            state=state,
            public=json.encode(jwks.public_jwk(key.verifying())),
            sealed=self._master.seal(jwks.private_bytes(key), context, self._randomness.bytes(12)),
            created_at=now,
            active_at=now if state is KeyState.ACTIVE else None,
        )


def _crossed(use: KeyUse) -> Problem:
    return Problem(ProblemCode.STALE, f"the {use.value} keys were rotated by somebody else; nothing was changed")
