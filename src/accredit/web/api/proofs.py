"""Whether the audit log is what was written, and the whole of it to be verified elsewhere, over the management API."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints
from starlette.responses import StreamingResponse

from accredit.audit.export import STORED, broken
from accredit.audit.verification import Fault, Flaw, Report
from accredit.identity import times
from accredit.service.problem import Problem
from accredit.web.api.fields import Body, View
from accredit.web.api.routes import Routes
from accredit.web.api.services import Services


class Place(Body):
    """Where an export that broke off goes on: behind the record `chain_name.number`."""

    after: Annotated[str, StringConstraints(pattern=r"^chn_[0-9a-z]{1,40}\.[0-9]{1,18}$")] | None = Field(
        None, description="Only what follows this record, written as the name of its chain, a dot, and its number."
    )

    sealed: Annotated[int, Field(ge=0, lt=2**63)] = Field(
        0, description="With `after`: the number of the last seal in what there is already; 0 when there is none."
    )

    def place(self) -> tuple[str, int] | None:
        """Return chain and number, or None."""
        if self.after is None:
            return None
        chain, _, seq = self.after.partition(".")
        return chain, int(seq)


class FlawView(View):
    """Something that is not as it was written: what, in words and as a word, and where. See `Fault` for the words.

    `seq` is the first record that is or may be bad, `checkpoint` the number of the one that proves it; null for none.
    """

    fault: Fault
    trouble: str
    chain: str | None
    seq: int | None
    decision: str | None
    checkpoint: int | None


class CheckedView(View):
    """One chain: who wrote it, how many records hold, and the first flaw, if any."""

    chain: str
    guard: str | None
    records: int
    flaw: FlawView | None


class ProofView(View):
    """What was recorded until `at` is proved by the checkpoint with that number."""

    number: int
    at: str | None


class VerifiedView(View):
    """Whether everything holds, the chains, and flaws that are no chain's. `proved` is None without a checkpoint."""

    ok: bool
    first: FlawView | None
    chains: list[CheckedView]
    flaws: list[FlawView]
    proved: ProofView | None


class ProofApi:
    """The handlers of `/audit/verify` and `/audit/export`."""

    def __init__(self, services: Services) -> None:
        self._audit = services.audit
        self._exports = services.exports

    @classmethod
    def router(cls) -> APIRouter:
        """Return the routes."""
        found = Routes(cls, tag="proofs")
        found.add_api_route("/audit/verify", cls.verify, methods=["GET"])
        found.add_api_route("/audit/export", cls.export, methods=["GET"], response_class=StreamingResponse)
        return found

    async def verify(self) -> VerifiedView:
        """Walk through every chain and compare everything that can be compared. Takes its time with a long log."""
        return verified(await self._audit.verify(), STORED)

    async def export(self, wanted: Annotated[Place, Query()]) -> StreamingResponse:
        """Send the whole log as lines of JSON that can be verified elsewhere, or what follows one of its records.

        When records are archived meanwhile, the last line says so and it has to begin anew.
        """
        pages = self._exports.pages(wanted.place(), wanted.sealed)
        first = await anext(pages)
        return StreamingResponse(_stream(first, pages), media_type="application/x-ndjson")


def verified(report: Report, sequence: str) -> VerifiedView:
    """Return a report as the API tells it; `sequence` names the checkpoints whose proof counts."""
    first, proof = report.first, report.proofs.get(sequence)
    return VerifiedView(
        ok=first is None,
        first=_flaw(first) if first is not None else None,
        chains=[
            CheckedView(
                chain=item.chain,
                guard=item.guard,
                records=item.records,
                flaw=_flaw(item.flaw) if item.flaw is not None else None,
            )
            for item in report.chains
        ],
        flaws=[_flaw(item) for item in report.flaws],
        proved=ProofView(number=proof.number, at=times.render(proof.at)) if proof is not None else None,
    )


def _flaw(flaw: Flaw) -> FlawView:
    return FlawView(
        fault=flaw.fault,
        trouble=flaw.sentence,
        chain=flaw.chain or None,
        seq=flaw.seq or None,
        decision=flaw.decision or None,
        checkpoint=flaw.checkpoint or None,
    )


async def _stream(first: list[bytes], rest: AsyncIterator[list[bytes]]) -> AsyncIterator[bytes]:
    page: list[bytes] | None = first
    while page is not None:
        yield b"".join(line + b"\n" for line in page)
        try:
            page = await anext(rest, None)
        except Problem as problem:  # the answer has begun: no other place is left for it
            page = [broken(problem.detail)]
