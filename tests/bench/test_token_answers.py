"""The checks before and after the load: a server that is fast because it does less must not pass."""

import base64
import json
import socketserver
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs

import jwt
import pytest

from bench.issue_client_credentials import turn
from bench.load import CONNECTIONS
from bench.running import Running
from bench.token_answers import NotComparable, prove
from bench.token_requests import Endpoint, KeyClient, SecretClient

RESOURCE, SCOPE = "http://127.0.0.1:9/mcp", "ledger:read"
SIGNER = KeyClient.generate("server")
FORGER = KeyClient.generate("server")


class Sloppy:
    """A token endpoint that does what it should, except for what `faults` names."""

    def __init__(self, *faults):
        self.faults, self.seen, self.audit = set(faults), set(), 0

    def token(self, issuer):
        claims = {"iss": issuer, "aud": RESOURCE, "scope": SCOPE, "exp": int(time.time()) + 300}
        claims |= {"aud": "http://other"} if "audience" in self.faults else {}
        claims |= {"scope": "all"} if "scope" in self.faults else {}
        key = FORGER.key if "signature" in self.faults else SIGNER.key
        typ = "JWT" if "typ" in self.faults else "at+jwt"
        return jwt.encode(claims, key, algorithm="ES256", headers={"kid": SIGNER.kid, "typ": typ})

    def answer(self, issuer, authorization, form):
        if authorization is not None:
            known = base64.b64decode(authorization.split()[1]) == b"ab:secret" or "secret" in self.faults
        else:
            known = form["client_assertion"][0] not in self.seen or "replay" in self.faults
            self.seen.add(form["client_assertion"][0])
        if not known:
            return 401, {"error": "invalid_client"}
        self.audit += 1
        return 200, {"access_token": self.token(issuer), "token_type": "DPoP" if "type" in self.faults else "Bearer"}

    def audited(self):
        return self.audit - ("audit" in self.faults and self.audit > CONNECTIONS)


@contextmanager
def serving(sloppy):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.say(200, {"keys": [SIGNER.jwk()]})

        def do_POST(self):
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.say(*sloppy.answer(issuer, self.headers["Authorization"], form))

        def say(self, status, body):
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 100

        def handle_error(self, *_):
            """A client that hangs up is none of our business."""

    with Server(("127.0.0.1", 0), Handler) as server:
        issuer = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            endpoint = Endpoint(issuer + "/token", issuer, RESOURCE, SCOPE)
            basic, key = SecretClient("ab", "secret"), KeyClient.generate("c")
            yield Running(issuer, endpoint, [basic], endpoint, [key], (), (), sloppy.audited)
        finally:
            server.shutdown()
            thread.join()


def test_a_server_that_does_what_it_says_is_measured():
    with serving(Sloppy()) as running:
        prove(running)


@pytest.mark.parametrize("fault", ["audience", "scope", "signature", "typ", "type", "secret", "replay"])
def test_a_server_that_cuts_a_corner_is_not_measured(fault):
    with serving(Sloppy(fault)) as running, pytest.raises(NotComparable):
        prove(running)


@pytest.mark.parametrize("kind", ["secret", "key"])
def test_a_turn_counts_each_request_and_finds_each_token_in_the_audit(kind):
    with serving(Sloppy()) as running:
        assert len(turn(running, kind, 20).waits) == 20


def test_a_token_that_the_audit_does_not_know_fails_the_turn():
    with serving(Sloppy("audit")) as running, pytest.raises(NotComparable):
        turn(running, "secret", 20)
