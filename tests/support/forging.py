"""Records of calls that never were, as a guard that lies would deliver them."""

import json
from typing import Any, Final

from accredit_sdk import record
from tests.support.house import LINES
from tests.support.listening import Listener

DECISION: Final = "dec_" + "1" * 26
"""The id of a decision that nobody else has made."""


class Forger:
    """A guard that writes what it likes about its own server (an id), in a chain of its own."""

    def __init__(self, guard: Listener, server: str, chain: int = 1) -> None:
        self._guard = guard
        self._server = server
        self._chain = f"chn_{chain:026d}"
        self._seq = 0
        self._head = record.START

    async def tell(self, decision: str, *, at: int | None = None, times: int = 1, **person: Any) -> int:
        """Deliver records of that decision, and return the status of the answer."""
        lines = [
            self._line(decision, self._guard.admin.clock.now() if at is None else at, person) for _ in range(times)
        ]
        headers = {"authorization": f"Bearer {await self._guard.token()}", "content-type": LINES}
        content = b"\n".join(lines)
        return (await self._guard.http.post("/guard/v1/records", content=content, headers=headers)).status_code

    def _line(self, decision: str, at: int, person: dict[str, Any]) -> bytes:
        self._seq += 1
        head = {"seq": self._seq, "chain": self._chain, "at": at, "kind": "decision", "decision": decision}
        raw = json.dumps(head | {"server": self._server, "outcome": "allow"}).encode()
        salt, told = bytes(16), json.dumps(person).encode()
        commitment = record.commit(salt, told)
        self._head = record.link(self._head, raw, commitment)
        return record.encode_line(record.Record(raw, told, salt, commitment, self._head))
