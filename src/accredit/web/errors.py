"""RFC 9457: what a service could not do, as a problem document."""

from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from accredit.service.problem import Problem, ProblemCode

STATUS: Final = {
    ProblemCode.INVALID: 422,
    ProblemCode.NOT_FOUND: 404,
    ProblemCode.CONFLICT: 409,
    ProblemCode.STALE: 412,
    ProblemCode.GONE: 410,
    ProblemCode.FORBIDDEN: 403,
    ProblemCode.UNAVAILABLE: 503,
}
"""The HTTP status of each kind of problem."""


def response(code: str, status: int, detail: str, **members: object) -> Response:
    """Return a problem document; `code` is the last part of its type, `members` are added as they are."""
    title = code.replace("_", " ")
    body = {"type": f"urn:accredit:problem:{code}", "title": title, "status": status, "detail": detail, **members}
    return JSONResponse(body, status_code=status, media_type="application/problem+json")


def answer(problem: Problem) -> Response:
    """Return the document of a service's problem."""
    found = response(problem.code.value, STATUS[problem.code], problem.detail, **problem.members)
    if problem.code is ProblemCode.UNAVAILABLE:
        found.headers["Retry-After"] = "1"
    return found


async def on_problem(_: Request, error: Exception) -> Response:
    """Handle a Problem that reached the application (Starlette's exception handler)."""
    if not isinstance(error, Problem):
        raise error
    return answer(error)


def unauthorized(error: str | None) -> Response:
    """Answer whoever is not recognised as a guard (RFC 6750, 3); without an `error`, nothing was shown."""
    found = response("unauthorized", 401, "this needs the access token of an enrolled guard")
    found.headers["WWW-Authenticate"] = "Bearer" if error is None else f'Bearer error="{error}"'
    return found
