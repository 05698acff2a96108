"""What is told to webhooks: a way out that notes it, and a receiver that verifies it as its author would."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from accredit.identity.web_address import WebAddress
from accredit.ports.fetch import Errand, Fetched, FetchFailed, FetchFailure


@dataclass
class Outside:
    """Stands for the guarded fetch: notes each errand, and answers as it is told."""

    answer: Callable[[Errand], Any] = lambda _: 200
    errands: list[Errand] = field(default_factory=list)

    def forbids(self, where: WebAddress) -> bool:
        return where.host == "127.0.0.1"

    async def fetch(self, errand: Errand) -> Fetched:
        self.errands.append(errand)
        found = self.answer(errand)
        if hasattr(found, "__await__"):
            found = await found
        if isinstance(found, FetchFailure):
            raise FetchFailed(found)
        return Fetched(found, {}, b"")

    def told(self, host: str = "") -> list[dict[str, Any]]:
        """Return the documents that were sent, to one host or to all."""
        return [json.loads(one.body or b"") for one in self.errands if host in ("", one.address.host)]

    def ids(self, host: str = "") -> list[str]:
        """Return the ids of what was sent."""
        return [one.headers["webhook-id"] for one in self.errands if host in ("", one.address.host)]


def genuine(secret: str, errand: Errand) -> bool:
    """Verify a signature as Standard Webhooks says."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    headers = errand.headers
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + (errand.body or b"")
    wanted = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(wanted, one) for one in headers["webhook-signature"].split())
