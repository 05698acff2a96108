"""RFC 6749, 5: what a token endpoint must answer before its speed says anything."""

import socket
import time
from dataclasses import dataclass
from typing import Any, Final

import httpx2
import jwt
import msgspec

from bench.load import answer_end
from bench.running import Running
from bench.token_requests import Endpoint, SecretClient, by_key, by_secret

_STRANGER: Final = "127.0.0.2"
"""Where refused requests come from: a server may well treat the address of failures with more care from then on."""


class NotComparable(RuntimeError):
    """A server does not do what the figure says it does; the text says what."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and JSON body of an answer."""

    status: int
    body: dict[str, Any]


def ask(endpoint: Endpoint, request: bytes, source: str = "127.0.0.1") -> Answer:
    """Send one request on a connection of its own, from the address `source`, and read the answer.

    Raises LoadFailed, NotComparable, OSError.
    """
    data = b""
    with socket.create_connection(endpoint.address, 10, (source, 0)) as connection:
        connection.sendall(request)
        while (end := answer_end(data)) is None or len(data) < end:
            more = connection.recv(65536)
            if not more:
                raise NotComparable(f"half an answer: {data[:200]!r}")
            data += more
    body = data[:end].partition(b"\r\n\r\n")[2]
    return Answer(int(data[9:12]), msgspec.json.decode(body, type=dict[str, Any]))


def prove(running: Running) -> None:
    """Check that `running` issues what the figure is about, by secret and by key, and not to just anybody.

    The token is an ES256 JWT for the resource and with the scope asked for, signed with a published key; a wrong secret
    and a used assertion are refused. Raises NotComparable.
    """
    endpoint, now = running.basic_endpoint, int(time.time())
    for client in running.basic_clients:
        _check_token(endpoint, ask(endpoint, next(by_secret(endpoint, [client], 1))))
    wrong = SecretClient(running.basic_clients[0].client_id, "wrong")
    _check_refused("a wrong secret", ask(endpoint, next(by_secret(endpoint, [wrong], 1)), _STRANGER))
    endpoint = running.key_endpoint
    for owner in running.key_clients:
        request = next(by_key(endpoint, [owner], 1, now))
        _check_token(endpoint, ask(endpoint, request))
        _check_refused("a used assertion", ask(endpoint, request, _STRANGER))


def _check_token(endpoint: Endpoint, answer: Answer) -> None:
    if answer.status != 200 or answer.body.get("token_type", "").lower() != "bearer":
        raise NotComparable(f"no bearer token but {answer}")
    token = answer.body["access_token"]
    with httpx2.Client(trust_env=False) as client:
        published = jwt.PyJWKSet.from_dict(client.get(endpoint.issuer + "/jwks").json())
    try:
        header = jwt.get_unverified_header(token)
        key, algorithms = published[header["kid"]], ["ES256"]
        claims = jwt.decode(token, key, algorithms, audience=endpoint.resource, issuer=endpoint.issuer)
    except (jwt.PyJWTError, KeyError) as error:
        raise NotComparable(f"the token is not acceptable: {error!r}") from error
    if header.get("typ") != "at+jwt" or claims.get("scope") != endpoint.scope:
        raise NotComparable(f"not an access token for {endpoint.scope}: {claims}")


def _check_refused(what: str, answer: Answer) -> None:
    if answer.status not in (400, 401) or answer.body.get("error") != "invalid_client":
        raise NotComparable(f"{what} was not refused but {answer}")
