"""The registration of the suite's server: everything that it has is mapped, each to a scope of its own."""

from accredit.web.api.servers import ServerBody
from tests.conformance.house import catalogue, registration


def test_everything_that_the_server_has_is_registered_with_a_scope_of_its_own() -> None:
    found = ServerBody.model_validate(registration("http://127.0.0.1:1/mcp"))
    names = [(f"{tool.kind.value}s", tool.name) for tool in found.tools]
    assert names == [(kind, name) for kind, names in catalogue().items() for name in names]
    needed = [word for tool in found.tools for word in tool.needs]
    assert len(needed) == len(set(needed)) == len(names)
    assert set(needed) <= {scope.word for scope in found.scopes}


def test_the_catalogue_has_a_template_and_a_prompt() -> None:
    assert "test://template/{id}/data" in catalogue()["resources"]
    assert "test_simple_prompt" in catalogue()["prompts"]
