"""Signals over the management API: what was raised, and how far it has come."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import Field

from accredit.identity import times
from accredit.identity.changes import NumberedSignal
from accredit.identity.lease import Lease
from accredit.web.api.fields import Body, Limit, View
from accredit.web.api.routes import Routes
from accredit.web.api.services import Services

Number = Annotated[int, Field(ge=0, le=2**53)]
"""The number of a signal."""


_CURSOR: Final = "The `next` of the page before, or the number of any signal; left out, the last ones are listed."


class SignalView(View):
    """One signal: what it says of which handle (an id), and on which server, if only there."""

    seq: int
    at: str | None
    kind: str
    handle: str
    server: str | None
    scopes: list[str]


class SignalPage(View):
    """Signals in their order; `next` is the number to go on behind, or null when there is no more now."""

    items: list[SignalView]
    next: int | None


class After(Body):
    """Which signals are wanted: those behind the number `cursor`, or the last ones."""

    cursor: Annotated[Number | None, Field(description=_CURSOR)] = None
    limit: Limit = 50


class Wanted(Body):
    """Which signal is asked about (the last one, if none is named), and how long to wait for guards, in seconds."""

    seq: Annotated[Number | None, Field(description="The number of the signal; left out, the last one.")] = None
    wait: Annotated[float, Field(ge=0, le=30, description="How many seconds to wait for guards.")] = 0


class LateProcessView(View):
    """A process of a guard: the slug of the guard, its instance, and from when on it refuses by itself."""

    guard: str
    instance: str
    refuses_at: str | None


class ReachView(View):
    """How far a signal has come.

    `everywhere`: no guard acts on anything older. `acknowledged` processes have it, and `took_ms` is how long it took
    to the last of them; `waiting` ones live and have not; `silent` ones may act on older state until they refuse.
    """

    seq: int
    everywhere: bool
    acknowledged: int
    took_ms: float | None
    waiting: list[LateProcessView]
    silent: list[LateProcessView]
    everywhere_at: str | None


class SignalApi:
    """The handlers of `/signals`."""

    def __init__(self, services: Services) -> None:
        self._signals = services.signals
        self._guards = services.guards

    @classmethod
    def router(cls) -> APIRouter:
        """Return the routes."""
        found = Routes(cls, prefix="/signals")
        found.add_api_route("", cls.list_signals, methods=["GET"])
        found.add_api_route("/reach", cls.reach, methods=["GET"])
        return found

    async def list_signals(self, page: Annotated[After, Query()]) -> SignalPage:
        """List signals in the order in which they became visible."""
        found = await self._signals.page(page.cursor, page.limit)
        following = found[-1].seq if len(found) == page.limit else None
        return SignalPage(items=[_view(one) for one in found], next=following)

    async def reach(self, wanted: Annotated[Wanted, Query()]) -> ReachView:
        """Tell how far a signal has come, once every guard that lives has it, or after the wait."""
        progress = await self._signals.progress(wanted.seq, wanted.wait)
        found = progress.reach
        names = await self._guards.names() if found.waiting or found.lapsed else {}
        return ReachView(
            seq=found.seq,
            everywhere=found.everywhere,
            acknowledged=len(found.acknowledged),
            took_ms=None if progress.took is None else progress.took / 1000,
            waiting=[_process(one, names) for one in found.waiting],
            silent=[_process(one, names) for one in found.lapsed],
            everywhere_at=times.render(found.certain_at) if found.certain_at is not None else None,
        )


def _view(one: NumberedSignal) -> SignalView:
    return SignalView(
        seq=one.seq,
        at=times.render(one.at),
        kind=one.kind.value,
        handle=one.handle,
        server=one.server or None,
        scopes=sorted(one.scopes),
    )


def _process(one: Lease, names: dict[str, str]) -> LateProcessView:
    return LateProcessView(
        guard=names.get(one.guard, one.guard), instance=one.instance, refuses_at=times.render(one.harmless_at())
    )
