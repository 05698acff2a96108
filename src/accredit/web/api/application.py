"""RFC 9457: the management API as one application. Whatever goes wrong is answered with a problem document."""

import sys
from collections.abc import Sequence
from functools import cache
from inspect import signature
from typing import Any, Final

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from accredit.identity import credential as credentials
from accredit.ports.journal import Overloaded, StoreError, Unstorable, WriterStopped
from accredit.service.manifests import Faulty
from accredit.service.once import Repeated
from accredit.service.problem import Problem
from accredit.web import errors, site
from accredit.web.api import idempotency, preconditions
from accredit.web.api.administrators import AdministratorApi
from accredit.web.api.agents import AgentApi
from accredit.web.api.applications import ApplicationApi
from accredit.web.api.archives import ArchiveApi
from accredit.web.api.audit import AuditApi
from accredit.web.api.checkpoints import CheckpointApi
from accredit.web.api.decisions import DecisionApi
from accredit.web.api.denials import DenialApi
from accredit.web.api.document import complete
from accredit.web.api.door import on_not_permitted
from accredit.web.api.gate import MANIFEST_BYTES, Gate
from accredit.web.api.groups import GroupApi
from accredit.web.api.guards import GuardApi
from accredit.web.api.idempotency import Known
from accredit.web.api.keys import KeyApi
from accredit.web.api.manifests import ManifestApi, on_faulty
from accredit.web.api.modes import ModeApi
from accredit.web.api.permissions import OPERATIONS, NotPermitted, operation, permit
from accredit.web.api.preconditions import PreconditionFailed, PreconditionRequired
from accredit.web.api.proofs import ProofApi
from accredit.web.api.questions import QuestionApi
from accredit.web.api.redactions import RedactionApi
from accredit.web.api.reindexings import ReindexingApi
from accredit.web.api.replays import ReplayApi
from accredit.web.api.reports import ReportApi
from accredit.web.api.roles import RoleApi
from accredit.web.api.routes import ForNode, Noun
from accredit.web.api.servers import ServerApi
from accredit.web.api.services import Services
from accredit.web.api.signals import SignalApi
from accredit.web.api.software import SoftwareApi
from accredit.web.api.status import StatusApi
from accredit.web.api.suggestions import SuggestionApi
from accredit.web.api.webhooks import WebhookApi

PREFIX: Final = "/api/v1"
"""Where the API begins."""

_MOST_ERRORS: Final = 20
_GATE: Final = Middleware(Gate, larger={f"{PREFIX}/{name}": MANIFEST_BYTES for name in ("plan", "apply", "replay")})


class _Api(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """Return the document, made when somebody asks for it first."""
        if self.openapi_schema is None:
            self.openapi_schema = complete(super().openapi(), self.state.tags, self.state.tagged)
        return self.openapi_schema


def management_api(services: Services) -> ASGIApp:
    """Return the application behind both doors. By itself it lets nobody in: a door says who comes."""
    return ForNode(_application(services.version), services)


def document(version: str) -> dict[str, Any]:
    """Return the OpenAPI document of that version of the software."""
    return _application(version).openapi()


@cache
def _application(version: str) -> FastAPI:
    """Return what all nodes of this process share: the routes, which take long to build."""
    application = _Api(
        title="Accredit management API",
        version=version,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        middleware=[_GATE],
        generate_unique_id_function=operation,
        dependencies=[Depends(permit)],
        exception_handlers={
            Faulty: on_faulty,
            NotPermitted: on_not_permitted,
            Known: idempotency.on_known,
            Repeated: idempotency.on_repeated,
            PreconditionRequired: preconditions.on_required,
            PreconditionFailed: preconditions.on_failed,
            Problem: idempotency.on_problem,
            RequestValidationError: _on_invalid,
            HTTPException: site.on_http,
            Unstorable: _on_unstorable,
            StoreError: site.on_unavailable,
            Overloaded: site.on_unavailable,
            WriterStopped: site.on_unavailable,
            Exception: site.on_surprise,
        },
        # FastAPI would take exporters from the environment, and send what people typed to them.
        telemetry={
            "tracing": False, "metrics": False, "logs": False, "operation_spans": False, "auto_configure": False,
        },
    )  # fmt: skip
    routers = [noun.router() for noun in _NOUNS]
    routes = {operation(route): route for router in routers for route in router.routes if isinstance(route, APIRoute)}
    if set(routes) != set(OPERATIONS):
        raise RuntimeError(f"not in the table of permissions, or in it alone: {sorted(set(routes) ^ set(OPERATIONS))}")
    for router in routers:
        application.include_router(router, prefix=PREFIX)
    application.state.tags = {str(router.tags[0]): _told(noun) for router, noun in zip(routers, _NOUNS, strict=True)}
    application.state.tagged = {name for name, route in routes.items() if _tags(route)}
    return application


_NOUNS: Final[tuple[type[Noun], ...]] = (
    AdministratorApi, ServerApi, RoleApi, AgentApi, ApplicationApi, GroupApi, GuardApi, SignalApi, KeyApi, AuditApi,
    CheckpointApi, RedactionApi, ReindexingApi, ArchiveApi, ProofApi, DenialApi, StatusApi, ManifestApi, QuestionApi,
    DecisionApi, ModeApi, ReplayApi, ReportApi, SuggestionApi, SoftwareApi,
    WebhookApi,
)  # fmt: skip


def _told(noun: type) -> str:
    """Return the first line of the module of a noun."""
    return str(sys.modules[noun.__module__].__doc__).partition("\n")[0]


def _tags(route: APIRoute) -> bool:
    """Tell whether a handler answers with an ETag: it asks for the response to put it there."""
    return any(parameter.annotation is Response for parameter in signature(route.endpoint).parameters.values())


async def _on_invalid(_: Request, error: Exception) -> Response:
    """Answer what pydantic refused: one sentence for each member, and never what was sent."""
    if not isinstance(error, RequestValidationError):
        raise error
    found = [_sentence(item) for item in error.errors()[:_MOST_ERRORS]]
    detail = "; ".join(f"{item['where']}: {item['what']}" for item in found)
    return errors.response("invalid", 422, detail, errors=found)


async def _on_unstorable(_: Request, error: Exception) -> Response:
    """Answer what no database keeps, and so could not be looked for either."""
    if not isinstance(error, Unstorable):
        raise error
    return errors.response("invalid", 422, str(error))


def _sentence(item: dict[str, Any]) -> dict[str, str]:
    return {"where": _where(item["loc"]), "what": _what(item)}


def _where(place: Sequence[object]) -> str:
    """Name the member, like tools.0.name, or the part of the request. A name may be a stranger's text."""
    named = ".".join(str(part) for part in (place[1:10] or place))
    if credentials.resembles(named):
        return "a member that looks like a secret"
    return "".join(c if c.isprintable() else "?" for c in named[:200])


def _what(item: dict[str, Any]) -> str:
    if item["type"] == "extra_forbidden":
        return "is not known here"
    if item["type"] == "missing":
        return "is missing"
    text = str(item["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    return text[:1].lower() + text[1:]
