"""parser_strictness: whatever two parsers could read in two ways is a 4xx: never a 5xx, and nothing was done."""

import base64
import json
from typing import Any

import pytest

from accredit_sdk import jws, keys
from tests.support.guarded import call
from tests.support.house import FORM, LINES, RESOURCE, House

DEEP = b"[" * 20_000 + b"]" * 20_000
GOOD = f"grant_type=client_credentials&resource={RESOURCE}&scope=ledger:read"
JSON = "application/json"
NO_JSON = [
    b"",
    b"\0",
    b"{",
    b"\xef\xbb\xbf{}",
    b"\xff\xfe{\0}\0",
    b"{}{}",
    b"{}\0",
    b'{"a":1,}',
    b"{'a':1}",
    b'{"a":NaN}',
    b'{"a":Infinity}',
    b'{"a":1e999}',
    b'{"a":01}',
    b'{"a":"\x01"}',
    b'{"a":"\\ud800"}',
    b'{"a":"\xc0\xaf"}',
    b'{"a":' + b"9" * 5000 + b"}",
    b'{"a":' + DEEP + b"}",
    DEEP,
    b"null",
    b"[]",
    b'"x"',
]


# ---------------------------------------------------------------- the token endpoint


async def sent(victim: House, body: bytes | str, **headers: str) -> tuple[int, str]:
    """Send a form as it stands, with the agent's good secret."""
    basic = base64.b64encode(f"{victim.client_id}:{victim.secret}".encode()).decode()
    fields = {"content-type": FORM, "authorization": f"Basic {basic}"} | headers
    answer = await victim.public.post("/token", content=body, headers=fields)
    assert answer.headers["content-type"] == JSON
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, answer.json().get("error", "")


BODIES: list[bytes | str] = [
    "",
    "&",
    "=",
    GOOD + "&grant_type=client_credentials",
    GOOD + "&grant%5Ftype=client_credentials",
    GOOD + "&scope=ledger:read",
    GOOD + "&unknown=1&unknown=2",
    GOOD + "&scope%00=x",
    GOOD.replace("read", "read%00"),
    GOOD.replace("read", "read\0"),
    GOOD.replace("read", "read%0d%0aset-cookie:x"),
    GOOD.replace("client_credentials", "client_credentials%00"),
    GOOD + "&x",
    GOOD + "&=x",
    GOOD + "&x=%",
    GOOD + "&x=%zz",
    GOOD + "&x=%u0041",
    GOOD + "&x=%ff",
    GOOD.encode() + b"&x=\xff",
    GOOD + "&x=é",
    GOOD + "&" + "&".join(f"a{n}=1" for n in range(100)),
    GOOD + ";scope=x&y",
    "\ufeff" + GOOD,
    json.dumps({"grant_type": "client_credentials", "resource": RESOURCE}),
    f"grant_type=client_credentials&resource={RESOURCE}&scope=" + "a" * 20_000,
    GOOD.encode("utf-16"),
    bytes(range(256)),
]


async def test_a_sloppy_form_is_an_invalid_request(victim: House) -> None:
    assert await sent(victim, GOOD) == (200, "")
    for body in BODIES:
        status, error = await sent(victim, body)
        if body == GOOD + "&scope%00=x":
            assert (status, error) == (200, ""), "an unknown parameter is ignored, whatever its name"
        else:
            assert (status, error) in {(400, "invalid_request"), (400, "unsupported_grant_type")}, body[:90]


async def test_a_form_has_one_content_type_and_is_utf_8(victim: House) -> None:
    assert await sent(victim, GOOD, **{"content-type": FORM + "; charset=UTF-8"}) == (200, "")
    for kind in ("", "text/plain", JSON, "multipart/form-data; boundary=x", FORM + "x", "x" + FORM, "*/*",
                 FORM + "; charset=utf-16", FORM + "; charset=utf-7", FORM + ", " + JSON, FORM + "; boundary=x",
                 FORM + "; charset=utf-8; charset=utf-16", FORM + "\0"):  # fmt: skip
        assert await sent(victim, GOOD, **{"content-type": kind}) == (400, "invalid_request"), kind


async def test_a_second_header_that_must_be_alone_is_refused(victim: House) -> None:
    basic = "Basic " + base64.b64encode(f"{victim.client_id}:{victim.secret}".encode()).decode()
    for more in ([("content-type", FORM)], [("content-type", JSON)], [("authorization", basic)],
                 [("authorization", "Bearer x")]):  # fmt: skip
        headers = [("content-type", FORM), ("authorization", basic), *more]
        answer = await victim.public.post("/token", content=GOOD, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_ten_megabytes_are_too_large_everywhere(victim: House) -> None:
    large = b"x" * 10_000_000
    assert await sent(victim, GOOD.encode() + b"&x=" + large) == (413, "invalid_request")
    bearer = {"authorization": f"Bearer {await victim.guard_token()}"}
    for path, kind in (("enrol", JSON), ("records", LINES)):
        headers = bearer | {"content-type": kind}
        assert (await victim.public.post(f"/guard/v1/{path}", content=large, headers=headers)).status_code == 413
    assert (await refused(victim, "POST", "/agents", large))[0] == 413
    assert (await victim.reach(await victim.token(), body=large)).status == 413
    assert victim.site.inner.calls == []


async def test_basic_credentials_have_one_spelling(victim: House) -> None:
    pair = f"{victim.client_id}:{victim.secret}".encode()
    good = base64.b64encode(pair).decode()
    assert await sent(victim, GOOD, authorization=f"basic {good}") == (200, "")
    sloppy = [
        "", "Basic", "Basic ", f"Basic  {good}", f"Basic\t{good}", f"Basic {good} ", f"Basic {good}=", f"Basic{good}",
        "Basic " + good[:-2] + "\n" + good[-2:], "Basic " + base64.b64encode(pair.replace(b":", b"")).decode(),
        "Basic " + base64.b64encode(b"\xff" + pair).decode(), "Basic " + base64.b64encode(pair + b"%").decode(),
        "Basic " + base64.b64encode(b"%zz" + pair).decode(), "Basic " + base64.b64encode(pair + b"\0").decode(),
        "Basic " + base64.b64encode(b" " + pair).decode(), "Basic " + base64.b64encode(pair.upper()).decode(),
        "Bearer " + good, "Digest " + good, f"Basic {good}, Basic {good}", "Basic " + "A" * 60_000,
    ]  # fmt: skip
    for header in sloppy:
        status, error = await sent(victim, GOOD, authorization=header)
        assert (status, error) == (401, "invalid_client"), header[:60]
    assert await sent(victim, GOOD) == (200, "")


# ---------------------------------------------------------------- the guard API


@pytest.mark.parametrize("kind", [JSON, "text/plain", "", FORM, "application/jsonx", f"{JSON}, {JSON}"])
async def test_enrolment_takes_one_json_object(victim: House, kind: str) -> None:
    code = (await victim.admin.ok("POST", "/servers/ledger/enrolments", json={}))["code"]
    jwk = {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43}
    whole = json.dumps({"code": code, "jwk": jwk}).encode()
    twice = whole.replace(b'"code"', b'"code": "another", "code"')
    inside = whole.replace(b'"crv"', b'"crv": "P-384", "crv"')
    for body in (*NO_JSON, twice, inside, b'{"code":"x","jwk":{"a":%b}}' % DEEP[:3000], b'{"code":1,"jwk":{}}',
                 b'{"code":"x","jwk":%b,"z":%b}' % (b"{}", b"[" * 3000 + b"]" * 3000)):  # fmt: skip
        answer = await victim.public.post("/guard/v1/enrol", content=body, headers={"content-type": kind})
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.status_code == (415 if kind != JSON else 413 if len(body) > 8192 else 400), body[:60]


async def test_a_code_survives_what_cannot_be_read(victim: House) -> None:
    code = (await victim.admin.ok("POST", "/servers/ledger/enrolments", json={}))["code"]
    for jwk in ({}, {"kty": "oct", "k": "AA"}, {"kty": "EC", "crv": "P-256", "x": "\0", "y": "A"}, {"kty": ["EC"]},
                {"kty": "RSA", "n": "AQAB", "e": "AQAB"}, {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43},
                {"kty": "OKP", "crv": "Ed25519", "x": "AQ" + "A" * 41}):  # fmt: skip
        answer = await victim.public.post("/guard/v1/enrol", json={"code": code, "jwk": jwk})
        assert answer.status_code == 422, jwk
    good = {"code": code, "jwk": _fresh_key()}
    assert (await victim.public.post("/guard/v1/enrol", json=good)).status_code == 201
    again = good | {"jwk": _fresh_key()}
    assert (await victim.public.post("/guard/v1/enrol", json=again)).status_code == 410


async def test_records_that_cannot_be_read_or_kept_are_refused_and_nothing_of_them_is_kept(victim: House) -> None:
    bearer = {"authorization": f"Bearer {await victim.guard_token()}"}

    async def deliver(body: bytes, kind: str = LINES) -> int:
        headers = bearer | {"content-type": kind}
        answer = await victim.public.post("/guard/v1/records", content=body, headers=headers)
        return answer.status_code

    assert await deliver(victim.line()) == 200
    headers: list[dict[str, Any]] = [
        {"at": 2**63}, {"at": "now"}, {"decision": "dec_\0"}, {"decision": "x" * 5000}, {"outcome": "x" * 5000},
        {"outcome": "a\0b"}, {"kind": "a\0b"}, {"kind": "k" * 5000}, {"chain": "chn_\0"}, {"chain": "../x"},
        {"chain": None}, {"decision": "' OR 1=1"},
    ]  # fmt: skip
    bad = [*NO_JSON, *(victim.line(**header) for header in headers), victim.line() + b"\n\n", victim.line() * 2]
    bad += [victim.line().replace(b'"hash"', b'"hash":"00","hash2"'), b'{"x":' + DEEP + b"}"]
    for body in bad:
        assert await deliver(body) in (400, 403), body[:200]
    for kind in ("", JSON, "text/plain", f"{LINES}, {LINES}"):
        assert await deliver(victim.line(), kind) == 415
    assert await deliver(victim.line(seq=2**63)) == 409
    found = await victim.admin.ok("GET", "/audit", params={"kind": "decision"})
    assert len(found["items"]) == 1
    assert (await victim.admin.ok("GET", "/audit/verify"))["ok"]


async def test_a_guard_puts_no_words_into_the_mouth_of_accredit(victim: House) -> None:
    headers = {"authorization": f"Bearer {await victim.guard_token()}", "content-type": LINES}
    for kind in (
        "token_issued",
        "token_refused",
        "token_revoked",
        "revocation_refused",
        "administered",
        "guard_enrolled",
        "enrolment_refused",
        "administration_refused",
    ):
        answer = await victim.public.post("/guard/v1/records", content=victim.line(kind=kind), headers=headers)
        assert answer.status_code == 403, kind


@pytest.mark.parametrize(
    "query",
    ["", "after", "after=", "after=x", "after=-1", "after=1.0", "after=1e3", "after=%00", "after=1%00", "after= 1",
     "after=٣", "after=1&after=1", "after=1&after=2", "after=" + "9" * 19, "after=" + "1" * 5000, "After=1"],
)  # fmt: skip
async def test_after_is_one_number(victim: House, query: str) -> None:
    bearer = {"authorization": f"Bearer {await victim.guard_token()}"}
    answer = await victim.public.get(f"/guard/v1/changes?{query}", headers=bearer)
    assert answer.status_code == 400
    assert (await victim.public.get("/guard/v1/changes?after=1", headers=bearer)).status_code == 200


async def test_the_authorization_of_a_guard_is_one_bearer_token(victim: House) -> None:
    token = await victim.guard_token()
    bearer = f"Bearer {token}"
    assert (await victim.public.get("/guard/v1/snapshot", headers={"authorization": bearer})).status_code == 200
    sloppy = [
        "", "Bearer", "Bearer ", token, f"Bearer{token}", f"Bearer\t{token}", f"Bearer {token} {token}",
        f"Bearer {token}.",        f"Basic {token}", f"{bearer}, {bearer}", f"Bearer {token}\0", "Bearer \u00e9",
    ]  # fmt: skip
    for header in sloppy:
        answer = await victim.public.get("/guard/v1/snapshot", headers={"authorization": header.encode("latin-1")})
        assert answer.status_code == 401, header
    twice = [("authorization", bearer), ("authorization", bearer)]
    assert (await victim.public.get("/guard/v1/snapshot", headers=twice)).status_code == 401
    assert (await victim.public.get(f"/guard/v1/snapshot?access_token={token}")).status_code == 401


# ---------------------------------------------------------------- the management API


async def refused(victim: House, method: str, where: str, body: bytes, kind: str = JSON) -> tuple[int, str]:
    return await victim.admin.refused(method, where, content=body, headers={"content-type": kind})


async def test_the_management_api_reads_json_of_one_meaning(victim: House) -> None:
    good = b'{"slug":"x","owner":"dana"}'
    twice = (b'{"slug":"y","slug":"x","owner":"dana"}', b'{"\\u0073lug":"y","slug":"x","owner":"dana"}')
    for body in (*(item for item in NO_JSON if item), *twice, good.decode().encode("utf-16")):
        status, code = await refused(victim, "POST", "/agents", body)
        assert (status, code) in {(400, "invalid"), (422, "invalid")}, body[:60]
    for kind in ("", "text/plain", FORM, f"{JSON}, {JSON}", "application/jsonx"):
        assert await refused(victim, "POST", "/agents", good, kind) == (415, "invalid")
    twice_typed = [("content-type", JSON), ("content-type", JSON)]
    assert await victim.admin.refused("POST", "/agents", content=good, headers=twice_typed) == (415, "invalid")
    for more in ('"admin":true', '"id":"agt_x"', '"state":"active"', '"secret":"x"', '"__class__":"x"'):
        assert (await refused(victim, "POST", "/agents", good[:-1] + b"," + more.encode() + b"}"))[0] == 422
    assert await victim.admin.refused("GET", "/agents/x") == (404, "not_found")


@pytest.mark.parametrize("place", ["slug", "owner", "name", "purpose", "sponsor"])
async def test_no_text_of_an_agent_holds_what_cannot_be_kept_or_seen(victim: House, place: str) -> None:
    for text in ("a\0b", "a\nb", "a\x1b[2Jb", "\u202eb", "\ufeffa", "a\u200bb", "x" * 5000, 7, None, [], {}, True):
        status, _ = await victim.admin.refused("POST", "/agents", json={"slug": "x", "owner": "d"} | {place: text})
        assert status == 422, repr(text)
    assert await victim.admin.refused("GET", "/agents/x") == (404, "not_found")


@pytest.mark.parametrize(
    "where",
    ["/agents?limit=1&limit=2", "/agents?limit=0", "/agents?limit=-1", "/agents?limit=1e9", "/agents?limit=%00",
     "/agents?limit=" + "9" * 400, "/agents?cursor=%00", "/agents?cursor=..%2f", "/agents?x=1", "/agents?%ff=1",
     "/audit?since=yesterday", "/audit?cursor=1.1", "/audit?cursor=" + "9" * 40 + ".1.1", "/audit?decision=%00",
     "/audit?kind=%27", "/audit?outcome=maybe", "/audit?server=%00", "/audit?" + "&".join(f"a{n}=" for n in range(99)),
     "/agents/%00", "/agents/..%2f..%2fservers", "/agents/%2e%2e", "/agents/a%0d%0ab", "/decisions/%00",
     "/decisions/dec_x", "/servers/%ff", "/roles/%e2%80%ae"],
)  # fmt: skip
async def test_a_query_or_a_path_that_makes_no_sense_is_a_4xx(victim: House, where: str) -> None:
    status, _ = await victim.admin.refused("GET", where)
    assert status in (400, 404, 422)


# ---------------------------------------------------------------- the guarded MCP endpoint


async def test_the_guarded_endpoint_reads_one_json_rpc_message(victim: House) -> None:
    token = await victim.token()
    good = json.dumps(call("list_invoices")).encode()
    for body in (*NO_JSON, good + good, good + b"\0", b"\0" + good, good.replace(b'"id"', b'"id": 8, "id"')):
        answer = await victim.reach(token, body=body)
        assert answer.status == 400, body[:60]
        assert answer.headers["content-type"] == JSON
    assert victim.site.inner.calls == []
    assert (await victim.reach(token, body=good)).status == 200


@pytest.mark.parametrize(
    "kind",
    [None, "", "text/plain", "text/json", "application/jsonx", FORM, f"{JSON}, {JSON}", "multipart/form-data",
     f"{JSON}; charset=utf-16", f"{JSON}; charset=utf-7", f'{JSON}; charset="utf-7"', f"{JSON}; x=1; charset=utf-7"],
)  # fmt: skip
async def test_the_guarded_endpoint_takes_json_in_utf_8_alone(victim: House, kind: str | None) -> None:
    token = await victim.token()
    assert (await victim.reach(token, headers={"content-type": kind})).status == 415
    assert victim.site.inner.calls == []
    for fine in (JSON, f"{JSON}; charset=utf-8", f'{JSON};charset="UTF-8"'):
        assert (await victim.reach(token, headers={"content-type": fine})).status == 200


async def test_headers_that_must_be_alone_are_alone_at_the_guarded_endpoint(victim: House) -> None:
    token = await victim.token()
    doubles = {
        "authorization": f"Bearer {token}", "content-type": JSON, "content-length": "1", "mcp-method": "x",
        "mcp-name": "list_invoices", "host": "tools.example", "origin": "https://tools.example",
        "content-encoding": "identity", "transfer-encoding": "chunked", "mcp-protocol-version": "x",
    }  # fmt: skip
    for name, value in doubles.items():
        raw = [(name.encode(), value.encode())]
        raw = raw * 2 if name in ("origin", "content-length", "content-encoding", "transfer-encoding") else raw
        answer = await victim.reach(token, raw=raw)
        assert 400 <= answer.status < 500, name
    for length in ("-1", "+5", "0x10", "1e3", "", " 5", "5 ", "\u0665", "1" * 40):
        headers = {"content-length": length.encode().decode("latin-1")}
        assert (await victim.reach(token, headers=headers)).status in (400, 413), length  # type: ignore[arg-type]
    assert victim.site.inner.calls == []


def _fresh_key() -> dict[str, str]:
    return keys.public_jwk(keys.generate(jws.Algorithm.ES256).verifying())
