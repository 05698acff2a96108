"""The whole log as lines that can be verified elsewhere, however long it is."""

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Final

from accredit.audit import export
from accredit.audit.chain import Head
from accredit.audit.export import Examination
from accredit.audit.verification import Report
from accredit.identity.changes import Seal, SealKind
from accredit.ports.audit_log import AuditLog, ChainEnd, CheckpointLog, Kept
from accredit.ports.clock import Clock
from accredit.service.problem import Problem, ProblemCode
from accredit_sdk.jws import VerifyingKey

_PAGE: Final = 250


class Exports:
    """Reads the log from its beginning to where it ends now."""

    def __init__(self, issuer: str, log: AuditLog, kept: CheckpointLog, clock: Clock) -> None:
        self.issuer = issuer
        self.log = log
        self.kept = kept
        self._clock = clock

    async def pages(self, after: tuple[str, int] | None = None, sealed: int = 0) -> AsyncIterator[list[bytes]]:
        """Yield the lines of an export, some at a time.

        With `after`, the name of a chain and the number of a record, begin behind that record: the rest of an export
        that broke off, which has the seals up to the one numbered `sealed`. Raises Problem when there is no such chain,
        and when records were archived that were to be in it.
        """
        if after is None:
            yield [export.beginning(self.issuer, self._clock.now())]
            kept = await self.kept.newest()
            async for seals in self._seals(0):
                yield [export.seal(item) for item in seals]
                sealed = seals[-1].number
            async for page in self._checkpoints(kept):
                yield page
        name, seq = after or ("", 0)
        found = not name
        ends = await self.log.chains()
        await self._hold(sealed)
        for end in ends:
            if end.chain == name:
                found = True
                async for page in self._chain(end, seq):
                    yield page
            elif found:
                yield [export.chain(end.chain, end.guard, _anchor(end), Head(end.chain, end.seq, end.hash))]
                async for page in self._chain(end, end.anchor):
                    yield page
        if not found:
            raise Problem(ProblemCode.NOT_FOUND, f"there is no chain {name[:40]!r}; begin the export anew")
        yield [export.end()]

    async def verify(self, keys: Mapping[str, VerifyingKey], outside: Iterable[bytes] = ()) -> Report:
        """Compare everything that can be compared; `keys` are those of checkpoints, `outside` were kept elsewhere."""
        examination = Examination(keys, outside)
        async for page in self.pages():
            for line in page:
                examination.line(line)
        return examination.report()

    async def _seals(self, number: int) -> AsyncIterator[tuple[Seal, ...]]:
        """Yield the seals behind that number: what they say must be true of everything that is read after them."""
        while seals := await self.kept.seals(number, _PAGE):
            yield seals
            number = seals[-1].number

    async def _hold(self, sealed: int) -> None:
        """Raise Problem when a seal behind that number says that records were archived: a chain may begin later."""
        async for seals in self._seals(sealed):
            if any(seal.kind is SealKind.ARCHIVED for seal in seals):
                raise _moved()

    async def _checkpoints(self, kept: Kept | None) -> AsyncIterator[list[bytes]]:
        """Yield the checkpoints up to the one that was the last when the seals were read."""
        number = 0
        while kept is not None and (page := await self.kept.checkpoints(number, _PAGE)):
            yield [export.checkpoint(item.document) for item in page if item.number <= kept.number]
            number = page[-1].number

    async def _chain(self, end: ChainEnd, after: int) -> AsyncIterator[list[bytes]]:
        while after < end.seq:
            page = await self.log.records(end.chain, after, min(_PAGE, end.seq - after))
            if not page or page[0].seq != after + 1:
                await self._explain(end.chain, after)
            if not page:
                break
            yield [export.line(item) for item in page]
            after = page[-1].seq

    async def _explain(self, chain: str, after: int) -> None:
        """Raise Problem when the record behind `after` is not there because it was archived meanwhile."""
        now = await self.log.chain_end(chain)
        if now is not None and now.anchor > after:
            raise _moved()


def _moved() -> Problem:
    text = "records were archived while they were read; begin anew when `accredit audit archive` has ended"
    return Problem(ProblemCode.CONFLICT, text)


def _anchor(end: ChainEnd) -> Head:
    return Head(end.chain, end.anchor, end.anchor_hash)
