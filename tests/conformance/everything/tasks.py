"""The extension io.modelcontextprotocol/tasks (SEP-2663): calls that go on after their answer, and are asked about."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.extension import Extension, MethodBinding, ToolBinding
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.server import require_client_extension
from mcp.shared.exceptions import MCPError
from mcp.types import (
    HEADER_MISMATCH,
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CallToolRequestParams,
    ElicitResult,
    RequestParams,
)

from tests.conformance.everything.asking import Round, test_input_required_result_elicitation

IDENTIFIER: Final = "io.modelcontextprotocol/tasks"
_LIFE: Final = 600_000
_POLL: Final = 100


class TaskParams(RequestParams):
    """Params of a request about one task."""

    task_id: str


class UpdateParams(TaskParams):
    """Params of a request that answers what a task has asked."""

    input_responses: dict[str, Any] = {}  # noqa: RUF012  (pydantic copies it)


@dataclass
class Job:
    """A task: what it is doing, and what it is waiting for."""

    id: str
    status: str = "working"
    outcome: dict[str, Any] = field(default_factory=dict)
    asked: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    work: asyncio.Task[None] | None = None
    began: str = field(default_factory=lambda: datetime.now(UTC).isoformat())
    touched: str = field(default_factory=lambda: datetime.now(UTC).isoformat())

    def become(self, status: str, **outcome: Any) -> None:
        """Take on a status."""
        self.status, self.outcome, self.touched = status, outcome, datetime.now(UTC).isoformat()

    async def ask(self, *keys: str) -> dict[str, Any]:
        """Ask the person for one thing each, and wait until all is answered."""
        schema = {"type": "object", "properties": {"confirm": {"type": "boolean"}}, "required": ["confirm"]}
        params = {"mode": "form", "message": "Please confirm", "requestedSchema": schema}
        self.asked = {key: {"method": "elicitation/create", "params": params} for key in keys}
        self.become("input_required")
        while self.asked:
            await self.changed.wait()
            self.changed.clear()
        self.become("working")
        return self.answers

    async def run(self, work: Awaitable[str]) -> None:
        """Do the work, and keep what comes of it: a tool's error is a result, a protocol error is not."""
        try:
            text, failed = await work, False
        except asyncio.CancelledError:
            self.become("cancelled")
            return
        except MCPError as error:
            self.become("failed", error={"code": error.error.code, "message": error.error.message})
            return
        except ValueError as error:
            text, failed = str(error), True
        self.become("completed", result={"content": [{"type": "text", "text": text}], "isError": failed})

    def described(self) -> dict[str, Any]:
        """Return what every answer about it says."""
        times = {"createdAt": self.began, "lastUpdatedAt": self.touched, "ttlMs": _LIFE, "pollIntervalMs": _POLL}
        return {"taskId": self.id, "status": self.status, **times}

    def detailed(self) -> dict[str, Any]:
        """Return it with its outcome, or with what it asks."""
        asked = {"inputRequests": self.asked} if self.asked and self.status == "input_required" else {}
        return self.described() | self.outcome | asked


def greet(name: str) -> str:
    """Greet, at once and never as a task."""
    return f"Hello, {name}!"


async def slow_compute(seconds: float, label: str = "") -> str:
    """Take its time."""
    await asyncio.sleep(seconds)
    return f"computed {label}"


async def failing_job(ctx: Context) -> str:
    """Fail, and only as a task."""
    require_client_extension(ctx.request_context, IDENTIFIER)
    raise ValueError("it never comes to this")


def protocol_error_job() -> str:
    """Break, as far as the protocol goes."""
    raise MCPError(INTERNAL_ERROR, "This job breaks")


def confirm_delete(filename: str) -> str:
    """Ask before it deletes; without tasks it does neither."""
    return f"{filename} is not deleted"


def multi_input() -> str:
    """Ask for two things at once; without tasks it asks nothing."""
    return "nothing was asked"


async def test_tool_with_task(ctx: Context) -> Round:
    """Ask for a name first, in a round of its own; go on as a task."""
    return await test_input_required_result_elicitation(ctx)


async def _slow(job: Job, arguments: Mapping[str, Any]) -> str:
    return await slow_compute(arguments.get("seconds", 0), arguments.get("label", ""))


async def _failing(job: Job, arguments: Mapping[str, Any]) -> str:
    await asyncio.sleep(_POLL / 1000)
    raise ValueError("This job fails")


async def _breaking(job: Job, arguments: Mapping[str, Any]) -> str:
    return protocol_error_job()


async def _confirming(job: Job, arguments: Mapping[str, Any]) -> str:
    await job.ask("confirmation")
    return f"{arguments.get('filename')} is deleted"


async def _asking_twice(job: Job, arguments: Mapping[str, Any]) -> str:
    return f"answered: {', '.join(await job.ask('first', 'second'))}"


async def _greeting(job: Job, arguments: Mapping[str, Any]) -> str:
    return greet(arguments["name"])


_JOBS: Final[Mapping[str, Callable[[Job, Mapping[str, Any]], Awaitable[str]]]] = {
    "slow_compute": _slow,
    "failing_job": _failing,
    "protocol_error_job": _breaking,
    "confirm_delete": _confirming,
    "multi_input": _asking_twice,
}
_TOOLS: Final = (
    greet,
    slow_compute,
    failing_job,
    protocol_error_job,
    confirm_delete,
    multi_input,
    test_tool_with_task,
)


class Tasks(Extension):
    """The extension, with the tools that the suite asks for."""

    identifier = IDENTIFIER

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._numbers = itertools.count(1)

    def tools(self) -> Sequence[ToolBinding]:
        """Return the tools, as they are called by clients that know no tasks."""
        return [ToolBinding(tool, kwargs={"structured_output": False}) for tool in _TOOLS]

    def methods(self) -> Sequence[MethodBinding]:
        """Return the requests about tasks."""
        return [
            MethodBinding("tasks/get", TaskParams, self._get),
            MethodBinding("tasks/update", UpdateParams, self._update),
            MethodBinding("tasks/cancel", TaskParams, self._cancel),
        ]

    async def intercept_tool_call(
        self, params: CallToolRequestParams, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        """Begin a task where client and tool can have one."""
        able = ctx.session.client_capabilities
        if able is None or IDENTIFIER not in (able.extensions or {}):
            return await call_next(ctx)
        if params.name == "test_tool_with_task":
            answer = (params.input_responses or {}).get("user_name")
            if isinstance(answer, ElicitResult) and answer.content:
                return self._begin(_greeting, answer.content)
        if params.name in _JOBS:
            return self._begin(_JOBS[params.name], params.arguments or {})
        return await call_next(ctx)

    def _begin(
        self, work: Callable[[Job, Mapping[str, Any]], Awaitable[str]], arguments: Mapping[str, Any]
    ) -> HandlerResult:
        job = Job(f"task-{next(self._numbers)}")
        self._jobs[job.id] = job
        job.work = asyncio.get_running_loop().create_task(job.run(work(job, arguments)))
        return {"resultType": "task", **job.described()}

    async def _get(self, ctx: ServerRequestContext[Any, Any], params: TaskParams) -> HandlerResult:
        return self._job(ctx, params).detailed()

    async def _update(self, ctx: ServerRequestContext[Any, Any], params: UpdateParams) -> HandlerResult:
        job = self._job(ctx, params)
        for key in job.asked.keys() & params.input_responses.keys():
            job.answers[key] = params.input_responses[key]
            del job.asked[key]
        job.changed.set()
        return {}

    async def _cancel(self, ctx: ServerRequestContext[Any, Any], params: TaskParams) -> HandlerResult:
        job = self._job(ctx, params)
        if job.work is not None:
            job.work.cancel()
        return {}

    def _job(self, ctx: ServerRequestContext[Any, Any], params: TaskParams) -> Job:
        """Return the task that a request is about; header and body must name the same one (SEP-2243)."""
        require_client_extension(ctx, IDENTIFIER)
        if ctx.request is not None and ctx.request.headers.get("mcp-name") != params.task_id:
            raise MCPError(HEADER_MISMATCH, "Mcp-Name does not say what the body says")
        found = self._jobs.get(params.task_id)
        if found is None:
            raise MCPError(INVALID_PARAMS, "Unknown task")
        return found
