"""session_takeover, for what outlives a request without a session: tasks, and the state of a call with many rounds."""

import json
from collections.abc import AsyncIterator, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from accredit_sdk.guard.headers import encoded_name
from tests.support.authority import FakeAccredit
from tests.support.guarded import META, Guarded, Inner, call, guarded

THIEVES = (
    {"sub": "usr_thief", "client_id": "app_thief"},
    {"sub": "usr_owner", "client_id": "app_thief"},
    {"sub": "usr_thief", "client_id": "app_owner"},
)
DECLARED = META | {"io.modelcontextprotocol/clientCapabilities": {"extensions": {"io.modelcontextprotocol/tasks": {}}}}
UNKNOWN = {"code": -32602, "message": "Unknown task"}
METHODS = ("tasks/get", "tasks/cancel", "tasks/update")


@dataclass
class Saying(Inner):
    """Answers with `result`."""

    result: dict[str, Any] = field(default_factory=dict)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await super().__call__(scope, receive, send)
            return
        body = (await receive())["body"]
        self.calls.append((scope, body))
        answer = json.dumps({"jsonrpc": "2.0", "id": json.loads(body)["id"], "result": self.result}).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": answer})


@dataclass
class Scene:
    """The guard, the server, and the owner's token."""

    site: Guarded
    server: Saying
    accredit: FakeAccredit

    def token(self, scope: str = "ledger:read ledger:write", **who: str) -> str:
        """Return a token, by default of the owner."""
        return self.accredit.token(scope, **({"sub": "usr_owner", "client_id": "app_owner"} | who))

    async def begun(self, tool: str = "read") -> str:
        """Let the owner begin a task, and return its id as the owner hears it."""
        self.server.result = {"resultType": "task", "taskId": "task-1", "status": "working", "ttl": 1, "createdAt": "x"}
        answer = await self.site.send(call(tool), token=self.token())
        found: str = answer.json()["result"]["taskId"]
        self.server.calls.clear()
        return found

    async def about(self, task: str, method: str = "tasks/get", **who: str) -> int:
        """Ask about a task, and return the status."""
        message = call(method=method, taskId=task, _meta=DECLARED)
        header: dict[str, str | None] = {"mcp-name": encoded_name(task).decode()}
        answer = await self.site.send(message, token=self.token(**who), headers=header)
        assert answer.status != 400 or answer.json() == {"jsonrpc": "2.0", "id": 7, "error": UNKNOWN}
        return answer.status


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """A guard in front of a server that says what the test wants."""
    accredit, server = FakeAccredit(), Saying()
    async with guarded(tmp_path / "guard", accredit, inner=server) as site:
        yield Scene(site, server, accredit)


@pytest.mark.parametrize("method", METHODS)
async def test_the_task_of_another_does_not_exist(scene: Scene, method: str) -> None:
    task = await scene.begun()
    for thief in THIEVES:
        assert await scene.about(task, method, **thief) == 400
    assert scene.server.calls == []
    assert await scene.about(task, method) == 200
    assert scene.server.messages()[0]["params"]["taskId"] == "task-1"


async def test_a_task_id_taken_apart_or_put_together_again_does_not_exist(scene: Scene) -> None:
    one, two = await scene.begun("read"), await scene.begun("post")
    inner, tool, mac = one.rsplit(".", 2)
    _, other_tool, other_mac = two.rsplit(".", 2)
    forged = (
        inner,
        f"{inner}.{tool}",
        f"{inner}.{mac}",
        f"{inner}.{other_tool}.{mac}",
        f"{inner}.{tool}.{other_mac}",
        f"task-2.{tool}.{mac}",
        f"{inner}..{mac}",
        f"{one}.{mac}",
        f"{inner}.{tool}.{mac.swapcase()}",
        f"{inner}.{tool}.{mac}\n",
        f" {one}",
        f"{inner}\u00e9.{tool}.{mac}",
    )
    for task in forged:
        assert await scene.about(task) == 400, task
    assert scene.server.calls == []


async def test_a_task_needs_the_scopes_of_the_tool_that_began_it_for_as_long_as_it_lives(scene: Scene) -> None:
    task = await scene.begun("post")
    for method in METHODS:
        assert await scene.about(task, method, scope="ledger:read") == 403
    assert scene.server.calls == []
    assert await scene.about(task) == 200


async def test_nobody_is_told_the_tasks_of_all(scene: Scene) -> None:
    scene.server.result = {"tasks": [{"taskId": "task-1"}, {"taskId": "task-2"}]}
    answer = await scene.site.send(call(method="tasks/list"), token=scene.token())
    assert (answer.status, answer.json()["error"]["code"]) == (404, -32601)
    answer = await scene.site.send(call("read"), token=scene.token())
    assert answer.json()["result"]["tasks"] == []


async def test_the_state_of_a_call_is_good_for_nobody_else_and_for_no_other_call(scene: Scene) -> None:
    scene.server.result = {"resultType": "input_required", "requestState": "secret-state"}
    answer = await scene.site.send(call("read"), token=scene.token())
    state = answer.json()["result"]["requestState"]
    assert state != "secret-state"
    scene.server.calls.clear()
    foreign = [(call("read", requestState=state), thief) for thief in THIEVES]
    changed: list[tuple[Any, dict[str, str]]] = [
        (call("post", requestState=state), {}),
        (call("summary", "prompts/get", requestState=state), {}),
        (call("read", requestState="secret-state"), {}),
        (call("read", requestState=state[:-1]), {}),
        (call("read", requestState=f"x{state}"), {}),
    ]
    for message, who in [*foreign, *changed]:
        answer = await scene.site.send(message, token=scene.token(**who))
        assert (answer.status, answer.json()["error"]["code"]) == (400, -32602), message
    assert scene.server.calls == []
    assert (await scene.site.send(call("read", requestState=state), token=scene.token())).status == 200
    assert scene.server.messages()[0]["params"]["requestState"] == "secret-state"
