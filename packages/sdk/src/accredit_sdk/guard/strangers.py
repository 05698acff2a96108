"""How much a stranger can make the guard write: refusals without a good token are recorded at a bounded rate."""

import logging
from typing import Final

_BURST: Final = 200
_PER_SECOND: Final = 20

log = logging.getLogger("accredit_sdk.guard")


class Strangers:
    """A bucket of records, refilled with time. What finds it empty is counted in the log."""

    def __init__(self) -> None:
        self._left = float(_BURST)
        self._at = 0
        self._unrecorded = 0

    def admit(self, now: int) -> bool:
        """Tell whether one more refusal is recorded at `now` (microseconds UTC)."""
        self._left = min(self._left + max(now - self._at, 0) * _PER_SECOND / 1_000_000, _BURST)
        self._at = now
        if self._left < 1:
            self._unrecorded += 1
            return False
        self._left -= 1
        if self._unrecorded:
            log.warning("%d refusals of requests without a good token were not recorded", self._unrecorded)
            self._unrecorded = 0
        return True
