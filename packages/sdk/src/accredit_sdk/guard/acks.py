"""Tells Accredit what this process has applied, and so that it is still there. Nothing that is decided waits for it."""

import asyncio
import logging
from typing import Final

import msgspec

from accredit_sdk.guard.authority import Authority, Rejected
from accredit_sdk.guard.fetch import Unreachable
from accredit_sdk.snapshot import SCHEMA

_LAST_WORD: Final = 1.0

log = logging.getLogger("accredit_sdk.guard")


class Acknowledgement(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a process of a guard says of itself: it has applied every signal up to `seq`.

    It speaks every `beat` seconds and refuses everything by itself when it has heard nothing for `bound` seconds.
    """

    schema: int
    instance: str
    seq: int
    bound: int
    beat: int
    ended: bool = False


class Acknowledger:
    """Sends the newest acknowledgement; of several that wait, only the last is worth the way."""

    def __init__(self, authority: Authority, instance: str, bound: int, beat: int) -> None:
        self._authority = authority
        self._instance = instance
        self._bound = bound
        self._beat = beat
        self._applied = 0
        self._news = asyncio.Event()

    def applied(self, seq: int) -> None:
        """Take down that every signal up to `seq` is applied, or still is."""
        self._applied = seq
        self._news.set()

    async def run(self) -> None:
        """Send for ever. What does not arrive is overtaken by the next one, a beat later."""
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                await self._send(ended=False)
            except (Unreachable, Rejected) as error:
                log.debug("an acknowledgement did not arrive: %s", error)
            except Exception:
                log.exception("acknowledging failed in a way that nobody foresaw; going on")

    async def leave(self) -> None:
        """Say that this process ends, if anything was ever said."""
        if self._applied:
            async with asyncio.timeout(_LAST_WORD):
                await self._send(ended=True)

    async def _send(self, *, ended: bool) -> None:
        said = Acknowledgement(SCHEMA, self._instance, self._applied, self._bound, self._beat, ended)
        await self._authority.acknowledge(msgspec.json.encode(said))
