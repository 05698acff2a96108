"""RFC 6749, 2.3.1, 3.2, 4.4, 5.1 and 5.2: what the token endpoint answers over HTTP."""

import json

import pytest

from tests.support.house import RESOURCE, House, parts

FORM = {"grant_type": "client_credentials", "resource": RESOURCE, "scope": "ledger:read"}


@pytest.mark.requirement("RFC6749-2.3.1-not-in-uri")
async def test_credentials_in_the_uri_are_not_used_and_the_request_is_refused(deployed: House) -> None:
    own = {"client_id": deployed.client_id, "client_secret": deployed.secret}
    assert (await deployed.post(FORM | own)).status_code == 200
    for query in (own, {"client_secret": deployed.secret}, {"x": ""}):
        for form in (FORM, FORM | own):
            answer = await deployed.post(form, params=query)
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.requirement("RFC6749-2.3.1-brute-force")
async def test_guessing_a_secret_is_slowed_down(deployed: House) -> None:
    wrong = (deployed.client_id, deployed.secret[:-1] + ("A" if deployed.secret[-1] != "A" else "E"))
    found = [(await deployed.post(FORM, wrong)).status_code for _ in range(11)]
    assert found == [401] * 10 + [429]
    assert (await deployed.ask()).status_code == 429


@pytest.mark.requirement("RFC6749-3.2-post-only")
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "QUERY"])
async def test_the_endpoint_serves_post_only(deployed: House, method: str) -> None:
    answer = await deployed.public.request(method, "/token", auth=(deployed.client_id, deployed.secret))
    assert answer.status_code == 405
    assert "POST" in answer.headers["allow"]


@pytest.mark.requirement("RFC6749-4.4.2-grant-type")
async def test_the_grant_is_asked_for_by_its_name(deployed: House) -> None:
    auth = (deployed.client_id, deployed.secret)
    assert (await deployed.post(FORM, auth)).status_code == 200
    for name in ("", "Client_Credentials", "client_credentials ", "client-credentials"):
        answer = await deployed.post(FORM | {"grant_type": name}, auth)
        assert (answer.status_code, "access_token" in answer.json()) == (400, False)


@pytest.mark.requirement("RFC6749-4.4.3-no-refresh", "RFC6749-5.1-members", "RFC6749-5.1-no-store")
async def test_a_success_is_a_json_object_that_nobody_stores_and_holds_no_refresh_token(deployed: House) -> None:
    answer = await deployed.ask()
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    said = answer.json()
    assert said.keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert said["token_type"] == "Bearer"
    assert type(said["expires_in"]) is int
    claims = parts(said["access_token"])[1]
    assert (said["expires_in"], said["scope"]) == (claims["exp"] - claims["iat"], claims["scope"])


@pytest.mark.requirement("RFC6749-5.2-status-400")
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "x"}, "unsupported_grant_type"),
        ({"scope": "none"}, "invalid_scope"),
        ({"scope": '"'}, "invalid_scope"),
        ({"resource": ""}, "invalid_target"),
        ({"resource": "https://unknown.example"}, "invalid_target"),
        ({"client_secret": "x"}, "invalid_request"),
        ({"grant_type": ["client_credentials"] * 2}, "invalid_request"),
    ],
)
async def test_an_error_is_a_400_with_a_registered_code(deployed: House, change: dict[str, str], code: str) -> None:
    answer = await deployed.post(FORM | change, (deployed.client_id, deployed.secret))
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/json")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["error"] == code
    assert answer.json().keys() == {"error", "error_description"}


@pytest.mark.requirement("RFC6749-5.2-status-400")
async def test_a_client_that_may_get_nothing_now_is_an_invalid_grant(deployed: House) -> None:
    await deployed.admin.ok("POST", "/agents/bot/suspend")
    answer = await deployed.ask()
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


@pytest.mark.requirement("RFC6749-5.2-invalid-client-401")
@pytest.mark.parametrize("header", ["Basic eDp5", "basic eDp5", "Basic ???", "Bearer x", "Digest x", ""])
async def test_failed_authentication_by_header_is_a_401_with_a_challenge(deployed: House, header: str) -> None:
    answer = await deployed.post(FORM, headers={"authorization": header})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic realm=")


@pytest.mark.requirement("RFC6749-5.2-unsupported-grant-type")
@pytest.mark.parametrize(
    "name",
    ["authorization_code", "refresh_token", "password", "implicit", "urn:ietf:params:oauth:grant-type:device_code",
     "urn:ietf:params:oauth:grant-type:token-exchange", "urn:ietf:params:oauth:grant-type:jwt-bearer"],
)  # fmt: skip
async def test_a_grant_type_that_is_not_known_is_unsupported(deployed: House, name: str) -> None:
    form = FORM | {"grant_type": name, "username": "x", "password": "x", "code": "x", "refresh_token": "x"}
    answer = await deployed.post(form, (deployed.client_id, deployed.secret))
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")
    document = (await deployed.public.get("/.well-known/oauth-authorization-server")).json()
    assert name not in document["grant_types_supported"]


@pytest.mark.requirement("RFC6749-5.2-error-characters")
async def test_errors_hold_the_permitted_characters_whatever_was_sent(deployed: House) -> None:
    permitted = {chr(number) for number in (0x20, 0x21, *range(0x23, 0x5C), *range(0x5D, 0x7F))}
    auth = (deployed.client_id, deployed.secret)
    for text in ('"', "\\", "\u00e9", "\U0001f600", "<b>", "a\r\nb", "\0", "\x7f", "https://x/\u2028", "%22", "'"):
        for field in ("grant_type", "scope", "resource", "client_id", "client_assertion_type", text):
            answer = await deployed.post(FORM | {field: text}, auth)
            if answer.status_code != 200:
                said = json.loads(answer.content)
                assert set(said["error"]) | set(said["error_description"]) <= permitted, said
