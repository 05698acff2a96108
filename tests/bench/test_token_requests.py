import base64
import time
from itertools import islice
from urllib.parse import parse_qs, unquote

import joserfc.jwk
import jwt
import pytest

from bench.load import CONNECTIONS
from bench.token_requests import Endpoint, KeyClient, SecretClient, by_key, by_secret

ENDPOINT = Endpoint("http://127.0.0.1:81/token", "http://127.0.0.1:81", "http://127.0.0.1:9/mcp", "ledger:read")


def parts(request):
    head, _, body = request.decode().partition("\r\n\r\n")
    start, *lines = head.split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert int(headers["Content-Length"]) == len(body)
    return start, headers, parse_qs(body, strict_parsing=True)


def test_a_request_by_secret_says_who_asks_for_what():
    client = SecretClient("https://a.example/client", "s:e+c%41/ret")
    start, headers, form = parts(next(by_secret(ENDPOINT, [client], 1)))
    assert start == "POST /token HTTP/1.1"
    assert headers["Host"] == "127.0.0.1:81"
    name, _, secret = base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode().partition(":")
    assert (unquote(name), unquote(secret)) == (client.client_id, client.secret)
    assert form == {"grant_type": ["client_credentials"], "resource": [ENDPOINT.resource], "scope": [ENDPOINT.scope]}


def test_an_assertion_convinces_an_independent_judge_and_none_is_used_twice():
    client, now = KeyClient.generate("bench"), int(time.time())
    judge = jwt.PyJWK(client.jwk())
    seen = set()
    for request in by_key(ENDPOINT, [client], 300, now):
        _, headers, form = parts(request)
        assert "Authorization" not in headers
        assert form["client_assertion_type"] == ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"]
        (assertion,) = form["client_assertion"]
        claims = jwt.decode(assertion, judge, algorithms=["ES256"], audience=ENDPOINT.issuer, issuer="bench")
        assert (claims["sub"], claims["aud"], claims["iat"]) == ("bench", ENDPOINT.issuer, now)
        assert 60 <= claims["exp"] - now <= 300
        seen.add(claims["jti"])
    assert len(seen) == 300


def test_two_mints_of_the_same_client_do_not_meet():
    client = KeyClient.generate("bench")
    jtis = [
        jwt.decode(assertion, options={"verify_signature": False})["jti"]
        for _ in range(2)
        for assertion in islice(client.assertions("x", 0), 100)
    ]
    assert len(set(jtis)) == 200


def test_the_key_id_is_the_thumbprint():
    client = KeyClient.generate("bench")
    assert client.kid == joserfc.jwk.ECKey.import_key(client.jwk()).thumbprint()
    assert "d" not in client.jwk()


@pytest.mark.parametrize("count", [1, CONNECTIONS, 1000])
def test_clients_take_turns(count):
    clients = [SecretClient(name, "s") for name in "abc"]
    requests = list(by_secret(ENDPOINT, clients, count))
    assert len(requests) == count
    assert requests[3:] == requests[:-3] or count < 3
    assert len(set(requests)) == min(count, 3)
    keys = [KeyClient.generate(name) for name in "ab"]
    assert sum(1 for _ in by_key(ENDPOINT, keys, count, 0)) == count
