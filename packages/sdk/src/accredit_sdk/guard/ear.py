"""One stream of signals, read by a task of its own: while its owner reads a snapshot, nothing is missed."""

import asyncio
from types import TracebackType
from typing import Final, Self

from accredit_sdk.guard.authority import Authority

_WAITING: Final = 256
"""How many signals wait to be applied at the most; Accredit is kept waiting with the rest."""


class Ear:
    """Listens from `after` on, until the block ends; sets `wake` whenever there is something new.

    Accredit says at least every `beat` seconds that nothing is new; silence for three of them breaks the stream.
    """

    def __init__(self, authority: Authority, after: int, beat: int, wake: asyncio.Event) -> None:
        self._authority = authority
        self._from = (after, beat)
        self._wake = wake
        self._heard = asyncio.Queue[bytes](_WAITING)
        self._reader: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)

    def heard(self) -> list[bytes]:
        """Return the signed signals that came since the last time, in their order."""
        return [self._heard.get_nowait() for _ in range(self._heard.qsize())]

    def over(self) -> bool:
        """Tell whether the stream ended and everything was heard; raises what broke it: Unreachable, Rejected."""
        if not self._reader.done() or not self._heard.empty():
            return False
        self._reader.result()
        return True

    async def _read(self) -> None:
        try:
            async with self._authority.signals(*self._from) as signals:
                async for token in signals:
                    await self._heard.put(token)
                    self._wake.set()
        finally:
            # The task is done only after this, so the one who is woken must find it done.
            asyncio.get_running_loop().call_soon(self._wake.set)
