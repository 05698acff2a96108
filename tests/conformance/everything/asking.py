"""Tools and a prompt that ask the client for something: over its session (2025-11-25), or in rounds (2026-07-28)."""

import json
from typing import Any, Final

from mcp.server.mcpserver import Context, MCPServer
from mcp.shared.exceptions import MCPError
from mcp.types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    ClientCapabilities,
    CreateMessageRequest,
    CreateMessageRequestParams,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequiredResult,
    ListRootsRequest,
    SamplingMessage,
    TextContent,
)

Round = str | InputRequiredResult

_CHOICES: Final = [{"const": "value1", "title": "First"}, {"const": "value2", "title": "Second"}]
_PLAIN: Final = ["option1", "option2", "option3"]
DEFAULTS: Final[dict[str, Any]] = {
    "name": {"type": "string", "default": "John Doe"},
    "age": {"type": "integer", "default": 30},
    "score": {"type": "number", "default": 95.5},
    "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
    "verified": {"type": "boolean", "default": True},
}
ENUMS: Final[dict[str, Any]] = {
    "untitledSingle": {"type": "string", "enum": _PLAIN},
    "titledSingle": {"type": "string", "oneOf": _CHOICES},
    "legacyEnum": {"type": "string", "enum": ["opt1", "opt2"], "enumNames": ["Option One", "Option Two"]},
    "untitledMulti": {"type": "array", "items": {"type": "string", "enum": _PLAIN}},
    "titledMulti": {"type": "array", "items": {"anyOf": _CHOICES}},
}


def _form(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def _texts(*names: str) -> dict[str, Any]:
    return _form({name: {"type": "string"} for name in names}, *names)


# ------------------------------------------------------------------ over the session


async def test_sampling(prompt: str, ctx: Context) -> str:
    """Ask the client's model."""
    message = SamplingMessage(role="user", content=TextContent(type="text", text=prompt))
    answer = await ctx.session.create_message(
        messages=[message], max_tokens=100, related_request_id=ctx.request_context.request_id
    )
    return f"LLM response: {answer.content.text if isinstance(answer.content, TextContent) else 'none'}"


async def test_elicitation(message: str, ctx: Context) -> str:
    """Ask the person for a name and an address."""
    return await _elicited(ctx, message, _texts("username", "email"))


async def test_elicitation_sep1034_defaults(ctx: Context) -> str:
    """Ask with a default of every type."""
    return await _elicited(ctx, "Please check these", _form(DEFAULTS))


async def test_elicitation_sep1330_enums(ctx: Context) -> str:
    """Ask with every form of a choice."""
    return await _elicited(ctx, "Please choose", _form(ENUMS))


async def _elicited(ctx: Context, message: str, schema: dict[str, Any]) -> str:
    answer = await ctx.session.elicit_form(message, schema, ctx.request_context.request_id)
    return f"Elicitation completed: action={answer.action}, content={json.dumps(answer.content)}"


# ------------------------------------------------------------------ in rounds


def _elicit(message: str, schema: dict[str, Any]) -> ElicitRequest:
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def _sample(text: str) -> CreateMessageRequest:
    message = SamplingMessage(role="user", content=TextContent(type="text", text=text))
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=[message], max_tokens=100))


def _ask(state: str | None = None, **requests: ElicitRequest | CreateMessageRequest | ListRootsRequest) -> Round:
    return InputRequiredResult(input_requests=dict(requests), request_state=state)


def _answers(ctx: Context) -> dict[str, Any]:
    return dict(ctx.input_responses or {})


def _form_of(answer: Any) -> dict[str, Any]:
    return dict(answer.content or {}) if isinstance(answer, ElicitResult) else {}


_NAME: Final = _elicit("What is your name?", _texts("name"))
_CONFIRM: Final = _elicit("Please confirm", _form({"ok": {"type": "boolean"}}, "ok"))


async def test_input_required_result_elicitation(ctx: Context) -> Round:
    """Greet by a name that it asks for."""
    name = _form_of(_answers(ctx).get("user_name")).get("name")
    return f"Hello, {name}!" if name else _ask(user_name=_NAME)


async def test_input_required_result_sampling(ctx: Context) -> Round:
    """Answer with what the client's model says."""
    if "capital_question" not in _answers(ctx):
        return _ask(capital_question=_sample("What is the capital of France?"))
    return f"The model said: {_answers(ctx)['capital_question'].content.text}"


async def test_input_required_result_list_roots(ctx: Context) -> Round:
    """Answer with the client's roots."""
    if "client_roots" not in _answers(ctx):
        return _ask(client_roots=ListRootsRequest())
    return " ".join(str(root.uri) for root in _answers(ctx)["client_roots"].roots)


async def test_input_required_result_request_state(ctx: Context) -> Round:
    """Ask with a state, and want it back."""
    if ctx.request_state != "asked":
        return _ask("asked", confirm=_CONFIRM)
    return "state-ok"


async def test_input_required_result_tampered_state(ctx: Context) -> Round:
    """Ask with a state; the SDK seals it, and takes it back only unchanged."""
    return await test_input_required_result_request_state(ctx)


async def test_input_required_result_multiple_inputs(ctx: Context) -> Round:
    """Ask for three things at once."""
    asked = {"user_name": _NAME, "greeting": _sample("Generate a greeting"), "client_roots": ListRootsRequest()}
    if ctx.request_state is None or not asked.keys() <= _answers(ctx).keys():
        return _ask("asked", **asked)
    return "thank you"


async def test_input_required_result_multi_round(ctx: Context) -> Round:
    """Ask twice, and remember the first answer in the state."""
    name = _form_of(_answers(ctx).get("step1")).get("name")
    color = _form_of(_answers(ctx).get("step2")).get("color")
    if ctx.request_state is None:
        return _ask("step 1", step1=_NAME)
    if not color:
        return _ask(f"step 2 {name}", step2=_elicit("What is your favorite color?", _texts("color")))
    return f"{ctx.request_state.removeprefix('step 2 ')} likes {color}"


async def test_input_required_result_capabilities(ctx: Context) -> Round:
    """Ask only for what the client says it can do."""
    can = ctx.client_capabilities or ClientCapabilities()
    asked: dict[str, Any] = {}
    if can.sampling is not None:
        asked["greeting"] = _sample("Generate a greeting")
    if can.elicitation is not None:
        asked["user_name"] = _NAME
    return _ask(**asked) if asked and not _answers(ctx) else "nothing to ask"


async def test_streaming_elicitation(ctx: Context) -> Round:
    """Report progress, then ask: a stream that never carries a request of the server's own."""
    await ctx.report_progress(1, 2, "about to ask")
    return await test_input_required_result_elicitation(ctx)


async def test_missing_capability(ctx: Context) -> str:
    """Refuse a client that cannot sample."""
    if ctx.client_capabilities is not None and ctx.client_capabilities.sampling is not None:
        return "the client can sample"
    data = {"requiredCapabilities": {"sampling": {}}}
    raise MCPError(MISSING_REQUIRED_CLIENT_CAPABILITY, "This tool needs a client that can sample", data)


async def test_input_required_result_prompt(ctx: Context) -> Round:
    """Return a prompt about a context that it asks for."""
    context = _form_of(_answers(ctx).get("user_context")).get("context")
    if not context:
        return _ask(user_context=_elicit("What context should the prompt use?", _texts("context")))
    return f"Use this context: {context}"


TOOLS: Final = (
    test_sampling,
    test_elicitation,
    test_elicitation_sep1034_defaults,
    test_elicitation_sep1330_enums,
    test_input_required_result_elicitation,
    test_input_required_result_sampling,
    test_input_required_result_list_roots,
    test_input_required_result_request_state,
    test_input_required_result_tampered_state,
    test_input_required_result_multiple_inputs,
    test_input_required_result_multi_round,
    test_input_required_result_capabilities,
    test_streaming_elicitation,
    test_missing_capability,
)


def register(server: MCPServer) -> None:
    """Add everything of this module to `server`."""
    for tool in TOOLS:
        server.add_tool(tool, structured_output=False)
    server.prompt()(test_input_required_result_prompt)
