"""What an agent does not do for a server, or an authorization server, that wants it to."""

import base64
import logging
import traceback
from typing import Any

import httpx2
import pytest

from accredit_sdk.agent import AgentError
from tests.support.strangers import EVIL, ISSUER, SECRET, SERVER, Drip, Net

METADATA = "https://tools.example/.well-known/oauth-protected-resource/mcp"
KNOWN = ISSUER + "/.well-known/oauth-authorization-server"
BASIC = base64.b64encode(f"agt_one:{SECRET}".encode()).decode()


@pytest.fixture
def net() -> Net:
    """A network of strangers."""
    return Net()


async def refused(net: Net, url: str = SERVER, **more: Any) -> AgentError:
    """Ask for something that cannot be had; nobody may have seen the secret."""
    async with net.client(net.auth(**more)) as client:
        with pytest.raises(AgentError) as caught:
            await client.post(url, json={})
    assert SECRET not in net.said()
    assert BASIC not in net.said()
    assert str(caught.value).isprintable()
    return caught.value


def challenge(net: Net, parameters: str, status: int = 401) -> None:
    """Let the server answer with this challenge, whatever it is shown."""
    header = [(b"www-authenticate", f"Bearer {parameters}".encode())]
    net.script[SERVER] = lambda _: httpx2.Response(status, headers=header)


@pytest.mark.parametrize(
    "where",
    [
        EVIL + "/metadata",
        "http://tools.example/.well-known/oauth-protected-resource/mcp",
        "https://tools.example:8443/metadata",
        "https://tools.example@evil.example/metadata",
        "https://[",
        "//tools.example/metadata",
        "file:///etc/passwd",
        "\u001b[31mhttps://tools.example",
        "",
    ],
)
async def test_metadata_of_another_origin_are_not_even_fetched(net: Net, where: str) -> None:
    challenge(net, f'resource_metadata="{where}"')
    await refused(net)
    assert [str(one.url) for one in net.asked] == [SERVER]


@pytest.mark.parametrize(
    "audience",
    [
        "https://books.example/mcp",
        "https://tools.example/mc",
        "https://tools.example/mcp/other",
        "https://tools.example",
        "https://tools.example/",
        "http://tools.example/mcp",
        "https://tools.example/mcp?",
        "https://tools.example/%2e%2e/mcp",
        "",
        None,
        [SERVER],
    ],
)
async def test_metadata_about_another_resource_get_no_token(net: Net, audience: object) -> None:
    net.metadata["resource"] = audience
    await refused(net)
    assert net.issued == 0


async def test_a_server_below_a_shared_host_gets_no_token_for_the_whole_host(net: Net) -> None:
    challenge(net, 'resource_metadata="https://tools.example/mcp/mine.json"')
    document = {"resource": "https://tools.example", "authorization_servers": [ISSUER]}
    net.script["https://tools.example/mcp/mine.json"] = lambda _: httpx2.Response(200, json=document)
    await refused(net)
    assert net.issued == 0


async def test_the_whole_host_may_speak_for_itself_where_its_own_metadata_are(net: Net) -> None:
    net.script[METADATA] = lambda _: httpx2.Response(404)
    document = {"resource": "https://tools.example", "authorization_servers": [ISSUER]}
    net.script["https://tools.example/.well-known/oauth-protected-resource"] = lambda _: httpx2.Response(
        200, json=document
    )
    async with net.client(net.auth()) as client:
        assert (await client.post(SERVER, json={})).status_code == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": EVIL},
        {"issuer": ISSUER + "/"},
        {"issuer": None},
        {"token_endpoint": "http://id.example/token"},
        {"token_endpoint": "http://127.0.0.1:1/token"},
        {"token_endpoint": "https://me:you@id.example/token"},
        {"token_endpoint": None},
        {"token_endpoint_auth_methods_supported": ["none"]},
    ],
)
async def test_an_authorization_server_that_is_another_or_not_safe_sees_no_credential(
    net: Net, changed: dict[str, Any]
) -> None:
    net.issuer |= changed
    await refused(net)
    assert net.issued == 0


async def test_a_server_cannot_choose_who_sees_the_credential(net: Net) -> None:
    for named in ([EVIL], [], None, EVIL, [7], ["\u001b[31m"]):
        net.metadata["authorization_servers"] = named
        await refused(net)
    assert {one.url.host for one in net.asked} == {"tools.example"}


@pytest.mark.parametrize("named", ["http://127.0.0.1:6379", "http://evil.example", "javascript:", "https://[", ""])
async def test_even_who_trusts_any_issuer_is_not_led_to_plain_http_or_this_machine(net: Net, named: str) -> None:
    net.metadata["authorization_servers"] = [named]
    await refused(net, issuer=None, danger_any_issuer=True)
    assert {one.url.host for one in net.asked} == {"tools.example"}


@pytest.mark.parametrize("where", [METADATA, KNOWN, ISSUER + "/token"])
@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_no_redirect_is_followed_with_or_towards_a_credential(net: Net, where: str, status: int) -> None:
    net.script[where] = lambda _: httpx2.Response(status, headers={"location": EVIL})
    await refused(net, client=lambda: httpx2.AsyncClient(transport=net, follow_redirects=True))
    assert "evil.example" not in {one.url.host for one in net.asked}


@pytest.mark.parametrize("where", [METADATA, KNOWN, ISSUER + "/token"])
async def test_an_endless_document_is_let_go_of(net: Net, where: str) -> None:
    drip = Drip()
    net.script[where] = lambda _: httpx2.Response(200, stream=drip)
    await refused(net)
    assert drip.closed
    assert drip.read <= 512 * 1024


async def test_an_endless_refusal_is_let_go_of_and_answered(net: Net) -> None:
    drip = Drip()
    first = [httpx2.Response(401, headers={"www-authenticate": "Bearer"}, stream=drip)]
    net.script[SERVER] = lambda request: first.pop() if first else net.serve(request)
    async with net.client(net.auth()) as client:
        assert (await client.post(SERVER, json={})).status_code == 200
    assert drip.closed
    assert drip.read <= 512 * 1024


@pytest.mark.parametrize("where", [METADATA, KNOWN, ISSUER + "/token"])
@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b'"', b"\xff", b'{"a":1,"a":2}', b"[" * 100_000, b"1e999"])
async def test_a_document_that_is_none_is_an_error_of_ours(net: Net, where: str, body: bytes) -> None:
    net.script[where] = lambda _: httpx2.Response(200, content=body)
    await refused(net)


async def test_a_compressed_answer_is_not_inflated(net: Net) -> None:
    net.script[METADATA] = lambda _: httpx2.Response(200, content=b"x", headers={"content-encoding": "gzip"})
    await refused(net)
    assert net.asked[1].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    "changed",
    [
        {"access_token": "two words"},
        {"access_token": "a\r\nx-more: 1"},
        {"access_token": "ü"},
        {"access_token": ""},
        {"access_token": "a" * 20_000},
        {"access_token": None},
        {"token_type": "DPoP"},
        {"token_type": None},
        {"expires_in": "300"},
        {"expires_in": None},
    ],
)
async def test_what_is_no_bearer_token_is_not_used(net: Net, changed: dict[str, Any]) -> None:
    answer = {"access_token": "good", "token_type": "Bearer", "expires_in": 300} | changed
    net.script[ISSUER + "/token"] = lambda _: httpx2.Response(200, json=answer)
    await refused(net)
    assert all("authorization" not in one.headers for one in net.asked if str(one.url) == SERVER)


async def test_a_server_that_only_refuses_gets_its_agent_to_ask_for_few_tokens(net: Net) -> None:
    challenge(net, "")
    async with net.client(net.auth()) as client:
        for _ in range(200):
            assert (await client.post(SERVER, json={})).status_code == 401
            net.now += 0.01
    assert net.issued <= 25


async def test_a_server_that_always_wants_more_gets_its_agent_to_ask_for_few_tokens(net: Net) -> None:
    async with net.client(net.auth()) as client:
        await client.post(SERVER, json={})
        wanted = iter(range(10_000))
        net.script[SERVER] = lambda _: httpx2.Response(
            403, headers={"www-authenticate": f'Bearer error="insufficient_scope", scope="s{next(wanted)}"'}
        )
        for _ in range(200):
            assert (await client.post(SERVER, json={})).status_code == 403
            net.now += 0.01
    assert net.issued <= 25


@pytest.mark.parametrize("scope", ["", "  ", "a\u0000b", "ü", "a" * 500, " ".join(f"s{n}" for n in range(1000)), ":"])
async def test_a_challenge_that_names_no_scopes_is_not_answered(net: Net, scope: str) -> None:
    async with net.client(net.auth()) as client:
        await client.post(SERVER, json={})
        challenge(net, f'error="insufficient_scope", scope="{scope}"', 403)
        assert (await client.post(SERVER, json={})).status_code == 403
    assert net.issued == 1


async def test_no_server_makes_the_agent_ask_for_more_than_its_program_says(net: Net) -> None:
    async with net.client(net.auth(scope="read")) as client:
        await client.post(SERVER, json={})
        challenge(net, 'error="insufficient_scope", scope="purge"', 403)
        assert (await client.post(SERVER, json={})).status_code == 403
    assert net.issued == 1
    assert all(b"purge" not in one.content for one in net.asked)


async def test_a_refusal_from_where_a_redirect_led_is_not_the_servers(net: Net) -> None:
    net.script[SERVER] = lambda _: httpx2.Response(307, headers={"location": EVIL + "/"})
    header = {"www-authenticate": 'Bearer resource_metadata="https://tools.example/x"'}
    net.script[EVIL + "/"] = lambda _: httpx2.Response(401, headers=header)
    async with net.client(net.auth(), follow_redirects=True) as client:
        assert (await client.post(SERVER, json={})).status_code == 401
    assert net.issued == 0


async def test_a_token_does_not_follow_a_redirect_to_another_origin(net: Net) -> None:
    async with net.client(net.auth(), follow_redirects=True) as client:
        assert (await client.post(SERVER, json={})).status_code == 200
        net.script[SERVER] = lambda _: httpx2.Response(307, headers={"location": EVIL + "/"})
        await client.post(SERVER, json={})
    (there,) = (one for one in net.asked if one.url.host == "evil.example")
    assert "authorization" not in there.headers


@pytest.mark.parametrize(
    "url", ["https://tools.example/mcpx", "https://tools.example/", "https://tools.example/mcp/%2e%2e/other",
            "https://tools.example:8443/mcp", "http://tools.example/mcp", "https://x.tools.example/mcp"],
)  # fmt: skip
async def test_a_token_goes_to_its_resource_and_below_and_nowhere_else(net: Net, url: str) -> None:
    async with net.client(net.auth()) as client:
        await client.post(SERVER, json={})
        await client.post(SERVER + "/below?x=1", json={})
        assert "authorization" in net.asked[-1].headers
        await client.post(url, json={})
    assert "authorization" not in net.asked[-1].headers


async def test_no_error_and_no_log_holds_a_secret_or_a_token(net: Net, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    auth = net.auth()
    told: list[str] = [repr(auth)]
    async with net.client(auth) as client:
        await client.post(SERVER, json={})
        told.append(repr(auth._grants))
        net.now += 1_000
        for body in ({"error": "x", "error_description": f"got {SECRET}"}, {"error": SECRET}):
            net.script[ISSUER + "/token"] = lambda _, body=body: httpx2.Response(400, json=body)
            with pytest.raises(AgentError) as caught:
                await client.post(SERVER, json={})
            told.append("".join(traceback.format_exception(caught.value)))

        def broken(request: httpx2.Request) -> httpx2.Response:
            raise httpx2.ReadError(request.content.decode(), request=request)

        net.script[ISSUER + "/token"] = broken
        with pytest.raises(AgentError) as caught:
            await client.post(SERVER, json={})
        told.append("".join(traceback.format_exception(caught.value)))
        seen: BaseException | None = caught.value
        while seen is not None:
            assert not isinstance(seen, httpx2.HTTPError)
            seen = seen.__cause__ or seen.__context__
    for text in (*told, caplog.text):
        assert SECRET not in text
        assert BASIC not in text
        assert "token-1" not in text
