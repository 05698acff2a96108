"""Files over the management API: what there is as one document, what another one would change, and changing it.

The document of a file is JSON here, whatever the file was written in; its schema is the same (`identity.schema`).
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final, TypeGuard

from fastapi import APIRouter
from pydantic import StringConstraints
from starlette.requests import Request
from starlette.responses import Response

from accredit.identity import credential as credentials
from accredit.identity.application import ClientType
from accredit.identity.holder import Holder, HolderKind
from accredit.identity.management import Need
from accredit.identity.manifest import AgentShape, AnyShape, ApplicationShape, ClientShape, Noun
from accredit.identity.plan import Change, Plan, Step, Verb
from accredit.identity.schema import Finding
from accredit.service.manifests import AboveOthers, Faulty, Wanted
from accredit.web import errors
from accredit.web.api.fields import Body, Flag, View, example
from accredit.web.api.permissions import NotPermitted, Who
from accredit.web.api.routes import Routes
from accredit.web.api.services import Services

_MOST_TOLD: Final = 20


class PlanBody(Body):
    """A file to compare with what there is. With `prune`, what its sections do not name goes."""

    model_config = example(document={"accredit": 1, "roles": {"reader": {"scopes": {"ledger": ["ledger:read"]}}}})

    document: dict[str, Any]
    prune: Flag = False


class ApplyBody(PlanBody):
    """A file to apply. `fingerprint` is that of the plan that was seen; any other one is refused."""

    model_config = example(
        document={"accredit": 1, "roles": {"reader": {"scopes": {"ledger": ["ledger:read"]}}}}, fingerprint="0" * 64
    )

    fingerprint: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class ChangeView(View):
    """One member of a noun, by the names that lead to it in the file; null before or after: it is not there."""

    path: list[str]
    before: str | int | bool | list[str] | None
    after: str | int | bool | list[str] | None


class StepView(View):
    """What happens to one noun. `takes` tells that something stops working."""

    verb: Verb
    noun: Noun
    slug: str
    takes: bool
    changes: list[ChangeView]


class StepCountsView(View):
    """How many nouns are added, changed and removed."""

    add: int
    change: int
    remove: int


class PlanView(View):
    """A plan: everything that happens, in its order."""

    fingerprint: str
    counts: StepCountsView
    steps: list[StepView]


class AppliedView(View):
    """What was done. `without_credential` names who is new and cannot authenticate yet: `bot`, `app:portal`."""

    fingerprint: str
    counts: StepCountsView
    without_credential: list[str]


class ManifestApi:
    """The handlers of `/export`, `/plan` and `/apply`."""

    def __init__(self, services: Services) -> None:
        self._manifests = services.manifests

    @classmethod
    def router(cls) -> APIRouter:
        """Return the routes."""
        found = Routes(cls, tag="files")
        found.add_api_route("/export", cls.export, methods=["GET"])
        found.add_api_route("/plan", cls.plan, methods=["POST"])
        found.add_api_route("/apply", cls.apply, methods=["POST"])
        return found

    async def export(self) -> dict[str, Any]:
        """Write the document of every server, role, client and group; it holds no ids and no secrets."""
        return await self._manifests.export()

    async def plan(self, body: PlanBody) -> PlanView:
        """Tell what applying the document would do, and do nothing."""
        found = await self._manifests.plan(body.document, prune=body.prune)
        steps = [_step(step) for step in found.steps]
        return PlanView(fingerprint=found.fingerprint(), counts=_counts(found), steps=steps)

    async def apply(self, who: Who, body: ApplyBody) -> AppliedView:
        """Do what the plan with this fingerprint tells, in one transaction, or nothing at all."""
        wanted = Wanted(body.document, prune=body.prune, fingerprint=body.fingerprint)
        try:
            found = await self._manifests.apply(wanted, who)
        except AboveOthers:
            raise NotPermitted(Need.LOCAL) from None
        new = [_name(step.after) for step in found.steps if step.verb is Verb.ADD and _authenticates(step.after)]
        return AppliedView(fingerprint=body.fingerprint, counts=_counts(found), without_credential=new)


async def on_faulty(_: Request, error: Exception) -> Response:
    """Answer a file that cannot be meant so: every problem with its place, for programs member by member."""
    if not isinstance(error, Faulty):
        raise error
    found = [_sentence(finding) for finding in error.findings]
    detail = "; ".join(f"{item['where']}: {item['what']}" for item in found[:_MOST_TOLD])
    return errors.response("invalid", 422, detail, errors=found)


def _sentence(finding: Finding) -> dict[str, Any]:
    path = [_shown(name) for name in finding.path]
    return {"where": ".".join(path) or "the file", "path": path, "what": finding.text}


def _shown(name: str) -> str:
    """Return a name of the file as it may be repeated; it is a stranger's text, and may be a secret that strayed."""
    return "…" if credentials.resembles(name) else "".join(c if c.isprintable() else "?" for c in name[:300])


def _authenticates(shape: AnyShape | None) -> TypeGuard[ClientShape]:
    """Tell whether what is described is a client that has credentials."""
    confidential = isinstance(shape, ApplicationShape) and shape.type is ClientType.CONFIDENTIAL
    return confidential or isinstance(shape, AgentShape)


def _name(shape: ClientShape) -> str:
    kind = HolderKind.APPLICATION if isinstance(shape, ApplicationShape) else HolderKind.AGENT
    return Holder(kind, shape.slug).render()


def _counts(plan: Plan) -> StepCountsView:
    return StepCountsView(add=plan.count(Verb.ADD), change=plan.count(Verb.CHANGE), remove=plan.count(Verb.REMOVE))


def _step(step: Step) -> StepView:
    return StepView(
        verb=step.verb, noun=step.noun, slug=step.slug, takes=step.takes, changes=_changes(step.changes)
    )  # fmt: skip


def _changes(changes: Sequence[Change]) -> list[ChangeView]:
    return [ChangeView(path=list(one.path), before=one.before, after=one.after) for one in changes]
