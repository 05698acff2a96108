"""Whether this process lives, and whether it can do its work. Strangers hear no more than that."""

from collections.abc import Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from accredit.service.readiness import Check, Readiness

_AGAIN: Final = {"Retry-After": "1", "Cache-Control": "no-store"}


def routes(readiness: Readiness, *, told: bool) -> Sequence[BaseRoute]:
    """Return `/healthz` and `/readyz`; with `told`, the latter names every check and the cause of what is not well."""

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def readyz(_: Request) -> Response:
        checks = await readiness.look()
        well = all(check.trouble is None for check in checks)
        body = {"status": "ready" if well else "not ready"} | ({"checks": _told(checks)} if told else {})
        return JSONResponse(body, status_code=200 if well else 503, headers=None if well else _AGAIN)

    return [Route("/healthz", healthz, methods=["GET"]), Route("/readyz", readyz, methods=["GET"])]


def _told(checks: Sequence[Check]) -> list[dict[str, str | bool | None]]:
    return [{"name": one.name, "ok": one.trouble is None, "cause": one.trouble} for one in checks]
