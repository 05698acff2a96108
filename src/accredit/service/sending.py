"""One attempt to tell a webhook something: signed now, sent through the guarded fetch, and what came of it."""

from dataclasses import dataclass
from typing import Final

from accredit.identity import webhook as webhooks
from accredit.identity.sealing import MasterKey, WrongMasterKey
from accredit.identity.web_address import parse
from accredit.identity.webhook import Webhook
from accredit.ports.fetch import Errand, Fetch, FetchFailed

SEALED: Final = "sealed"
"""The failure of a webhook whose secret does not open: it was altered in the database."""

REFUSED: Final = "refused"
"""The failure of an attempt that was answered, and not with success."""

_ANSWER_BYTES: Final = 1024


@dataclass(frozen=True, slots=True)
class Attempt:
    """How an attempt ended: the `status` of the answer, 0 for none, and why it `failed`; empty: it did not."""

    status: int
    failure: str

    @property
    def delivered(self) -> bool:
        """Whether the receiver has taken it."""
        return not self.failure


class Sender:
    """Sends what webhooks are told."""

    def __init__(self, fetch: Fetch, master: MasterKey) -> None:
        self.fetch = fetch
        self._master = master

    async def send(self, hook: Webhook, event: str, body: bytes, now: int) -> Attempt:
        """Try once, at `now` (microseconds UTC)."""
        try:
            secret = self._master.open(hook.sealed, webhooks.seal_context(hook.id))
        except WrongMasterKey:
            return Attempt(0, SEALED)
        errand = Errand(parse(hook.url), body, webhooks.headers(secret, event, now, body), most=_ANSWER_BYTES, cut=True)
        try:
            found = await self.fetch.fetch(errand)
        except FetchFailed as error:
            return Attempt(0, error.failure.value)
        return Attempt(found.status, "" if 200 <= found.status < 300 else REFUSED)
