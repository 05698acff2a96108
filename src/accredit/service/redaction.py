"""A person is taken out of the log: every record that names them loses its person part, and the chains still hold."""

import hashlib
import hmac
from typing import Final

from accredit.audit import terms
from accredit.audit.redact import SHORTEST, about
from accredit.identity.changes import RedactRecord
from accredit.identity.sealing import MasterKey
from accredit.oauth.outcome import Outcome
from accredit.ports.audit_log import AuditLog, ChainEnd
from accredit.ports.clients import Clients
from accredit.service.changes import Changes
from accredit.service.clients import named
from accredit.service.problem import Problem, ProblemCode

_PAGE: Final = 250


class Redaction:
    """Redacts persons, and keeps a record of it that does not name them."""

    def __init__(self, changes: Changes, log: AuditLog, clients: Clients, master: MasterKey) -> None:
        self._changes = changes
        self._log = log
        self._clients = clients
        self._key = master.derive("redaction")

    async def redact(self, subject: str, by: str) -> int:
        """Redact every record that names `subject` (an id, an agent, `app:NAME`, any text) and return how many.

        Raises Problem. Records that guards deliver later are not touched: do it again then.
        """
        if len(subject) < SHORTEST:
            raise Problem(ProblemCode.INVALID, f"a name that is redacted has at least {SHORTEST} characters")
        names = await self._names(subject)
        done = sum([await self._chain(end, names, subject, by) for end in await self._log.chains()])
        if not done:
            await self._commit((), 0, subject, by)
        return done

    async def _names(self, subject: str) -> frozenset[str]:
        """Return the names that stand for one and the same client, or the one that was given."""
        found = await named(self._clients, subject) or await self._clients.principal(subject)
        if found is None:
            return frozenset({subject})
        client = found.client
        return frozenset({subject, client.id, client.client_id, client.slug})

    async def _chain(self, end: ChainEnd, names: frozenset[str], subject: str, by: str) -> int:
        """Redact what names them in one chain, page by page, each in a transaction with the record of it.

        What is on its way to the search tables meanwhile does not arrive there: see `IndexRecords`.
        """
        wanted, after, done = about(names), end.anchor, 0
        while after < end.seq and (page := await self._log.records(end.chain, after, min(_PAGE, end.seq - after))):
            found = tuple(
                RedactRecord(end.chain, item.seq, item.at, tuple(terms.personal(item)))
                for item in page
                if item.person is not None and wanted(item.person)
            )
            if found:
                await self._commit(found, len(found), subject, by)
            done += len(found)
            after = page[-1].seq
        return done

    async def _commit(self, found: tuple[RedactRecord, ...], count: int, subject: str, by: str) -> None:
        who = hmac.new(self._key, subject.encode(), hashlib.sha256).hexdigest()[:32]
        event = self._changes.event("audit.redact", who, by, f"{count} records")
        await self._changes.attempt(Outcome(None, writes=found, events=(event,)))
