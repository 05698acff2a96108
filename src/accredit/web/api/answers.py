"""RFC 9457: every problem that the management API answers with, for its document: when, as what, with which headers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Answer:
    """A status: what it tells, and an example of the problem for each of its codes. `headers` come with it."""

    about: str
    details: Mapping[str, str]
    headers: tuple[str, ...] = ()
    members: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def response(self, status: int) -> dict[str, Any]:
        """Return the response object of the document."""
        examples = {code: {"value": self._problem(status, code, detail)} for code, detail in self.details.items()}
        schema = {
            "allOf": [
                {"$ref": "#/components/schemas/Problem"},
                {"properties": {"type": {"enum": [f"urn:accredit:problem:{code}" for code in self.details]}}},
            ]
        }
        found: dict[str, Any] = {
            "description": self.about,
            "content": {"application/problem+json": {"schema": schema, "examples": examples}},
        }
        if self.headers:
            found["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in self.headers}
        return found

    def _problem(self, status: int, code: str, detail: str) -> dict[str, Any]:
        named = {"type": f"urn:accredit:problem:{code}", "title": code.replace("_", " ")}
        return {**named, "status": status, "detail": detail, **self.members.get(code, {})}


ANSWERS: Final[Mapping[int, Answer]] = MappingProxyType(
    {
        400: Answer(
            "The request cannot be read, or could be read in two ways: a body that is not JSON, a member or a query "
            "parameter that is there twice, a header that cannot be meant so.",
            {"invalid": "a member of a JSON object appears more than once"},
        ),
        401: Answer(
            "At the public address: no access token, or one that opens nothing here.",
            {"unauthorized": "this needs the access token of an administrator or an auditor"},
            ("WWW-Authenticate",),
        ),
        403: Answer(
            "The caller may not do this, or nobody may.",
            {"forbidden": "this needs an administrator"},
            members={"forbidden": {"decision_id": "dec_06h0tqua8pq3devqjaleimsn08"}},
        ),
        404: Answer(
            "Something that the request names is not there.",
            {"not_found": "there is no server called 'ledger'; `accredit server list` shows them"},
        ),
        408: Answer("The body took too long.", {"invalid": "the body did not arrive within 30 seconds"}),
        409: Answer(
            "What is there stands against it.",
            {"conflict": "a server called 'ledger' is there already; choose another name"},
        ),
        412: Answer(
            "What is there is not what the change was decided on; nothing was changed.",
            {"stale": "this was changed since it was read; look again, then retry"},
        ),
        413: Answer("The body is too large.", {"invalid": "the body is larger than 1048576 bytes"}),
        415: Answer("The body is something else.", {"invalid": "send application/json"}),
        422: Answer(
            "The request can be read and not be meant so.",
            {
                "invalid": "slug: is missing",
                "key_reused": "this Idempotency-Key was used for another request; take a new key for a new request",
            },
            members={"invalid": {"errors": [{"where": "slug", "what": "is missing"}]}},
        ),
        428: Answer(
            "The change does not say which state it was decided on.",
            {"precondition_required": "say which state this changes: send the ETag of the last read as If-Match"},
        ),
        503: Answer(
            "The database cannot be asked or written at the moment; nothing was changed.",
            {"unavailable": "the database is not available at the moment; try again shortly"},
            ("Retry-After",),
        ),
    }
)
"""Status → what it tells. Operations of the document refer to these."""

HEADERS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "ETag": {
            "description": "The state that is shown, to be sent as `If-Match` with a change of it (RFC 9110, 8.8.3).",
            "required": True,
            "schema": {"type": "string", "pattern": '^"[0-9a-f]{32}"$'},
        },
        "Idempotency-Replayed": {
            "description": "`true` in an answer that was given before to the same request with the same key.",
            "schema": {"const": "true"},
        },
        "Retry-After": {"description": "In how many seconds to try again.", "schema": {"type": "integer"}},
        "WWW-Authenticate": {
            "description": "Where the metadata of the management API is, and the scope that would do (RFC 6750, 3).",
            "schema": {"type": "string"},
        },
    }
)
"""The headers of answers."""

_FINDING: Final = {
    "type": "object",
    "description": "One thing that is wrong, and where.",
    "required": ["where", "what"],
    "properties": {
        "where": {"type": "string"},
        "what": {"type": "string"},
        "path": {"type": "array", "items": {"type": "string"}, "description": "The names that lead there in a file."},
    },
}

SCHEMAS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "Problem": {
            "type": "object",
            "description": "What could not be done, and why (RFC 9457). Nothing was changed.",
            "required": ["type", "title", "status", "detail"],
            "properties": {
                "type": {"type": "string", "description": "What kind of problem it is; programs go by this."},
                "title": {"type": "string"},
                "status": {"type": "integer"},
                "detail": {"type": "string", "description": "What to do, for people."},
                "decision_id": {"type": "string", "description": "What the audit log knows the refusal as."},
                "errors": {"type": "array", "items": {"$ref": "#/components/schemas/Finding"}},
            },
        },
        "Finding": _FINDING,
    }
)
"""The schemas of problems."""
