"""The management API as a program calls it: HTTP/1.1 over the Unix socket of a data folder."""

import contextlib
import secrets
import shlex
from collections.abc import Iterator
from pathlib import Path
from ssl import PROTOCOL_TLS_CLIENT, SSLContext
from typing import Any, Final
from urllib.parse import quote

import httpx2

from accredit.cli.trouble import Exit, Trouble, usage
from accredit.identity.spelling import suggestion

SECONDS: Final = 30.0
"""How long a command waits for an answer."""

_PAGE: Final = 200
_MOST_PAGES: Final = 5
_AGAIN: Final = 2
"""How often a request with a key is sent again when the connection breaks."""

_TAGGED: Final = frozenset({"administrators", "servers", "roles", "agents", "applications", "groups", "webhooks"})
_APART: Final = frozenset({"assignments", "credentials", "members"})
"""What is under a noun and changes nothing in its own state."""
_LONGEST_SEGMENT: Final = 2000


def path(*segments: str) -> str:
    """Return an address of the API. What a person typed becomes one segment each, whatever it holds."""
    return "/" + "/".join(_segment(item) for item in segments)


def _segment(text: str) -> str:
    if not text:
        raise usage("a name cannot be empty")
    try:
        # A dot is spelled out, too: a segment of dots would be taken for a step up.
        encoded = quote(text, safe="").replace(".", "%2E")
    except UnicodeEncodeError:
        raise usage("a name must be text: these bytes are not UTF-8") from None
    if len(encoded) > _LONGEST_SEGMENT:
        raise usage("a name cannot be that long")
    return encoded


class Client:
    """Talks to the server of one data folder. Only tests bring a transport of their own."""

    def __init__(self, folder: Path, socket: Path, transport: httpx2.BaseTransport | None = None) -> None:
        self._folder = folder
        self._socket = socket
        self._http = httpx2.Client(
            # There is no TLS at a socket; a context that trusts nobody spares the reading of all certificates.
            transport=transport or httpx2.HTTPTransport(uds=str(socket), verify=SSLContext(PROTOCOL_TLS_CLIENT)),
            base_url="http://accredit/api/v1",
            timeout=httpx2.Timeout(SECONDS),
            trust_env=False,
        )

    def get(self, where: str, *, patient: bool = False, **query: str | int | None) -> Any:
        """Return what is at `where`. A `patient` caller waits as long as it takes."""
        given = {name: value for name, value in query.items() if value is not None}
        timeout = httpx2.Timeout(SECONDS, read=None if patient else SECONDS)
        return self._call("GET", where, params=given, timeout=timeout)

    def post(self, where: str, body: Any = None, *, patient: bool = False) -> Any:
        """Send `body` (JSON, or nothing) and return the answer. A `patient` caller waits as long as it takes."""
        timeout = httpx2.Timeout(SECONDS, read=None if patient else SECONDS)
        return self._call("POST", where, timeout=timeout, **({} if body is None else {"json": body}))

    def make(self, where: str, body: Any = None, *, once: str = "") -> Any:
        """Have something made, once, and return the answer: the request is sent again when the connection breaks.

        `once` names the member of the answer that is shown once. Raises Trouble when it was lost on the way.
        """
        more = {"headers": {"Idempotency-Key": secrets.token_urlsafe()}} | ({} if body is None else {"json": body})
        found = self._read(self._send("POST", where, again=_AGAIN, **more))
        if once and found[once] is None:
            text = f"it was made, but the connection broke before its {once} arrived: revoke it, and make another"
            raise Trouble(Exit.UNREACHABLE, text, {"made": found})
        return found

    def put(self, where: str, body: Any) -> Any:
        """Put `body` (JSON, or None) and return the answer. What is part of something is put into it as it is now."""
        return self._call("PUT", where, headers=self._match(where), **({} if body is None else {"json": body}))

    def patch(self, where: str, body: Any) -> Any:
        """Change what is at `where`, as it is now, by the members of `body` (JSON), and return the answer."""
        return self._call("PATCH", where, json=body, headers=self._match(where))

    def delete(self, where: str, **query: str) -> Any:
        """Delete what is at `where`, out of what it is part of as that is now."""
        return self._call("DELETE", where, params=query, headers=self._match(where))

    def _match(self, where: str) -> dict[str, str]:
        """Return the header that names the state of the noun that a change at `where` is about."""
        noun, slug, *part = where.strip("/").split("/")
        if noun not in _TAGGED or (part and part[0] in _APART):
            return {}
        answer = self._send("GET", f"/{noun}/{slug}")
        self._read(answer)
        return {"If-Match": answer.headers["etag"]}

    def checks(self) -> list[dict[str, Any]]:
        """Return what the server says of its own state, whether it is well or not."""
        found = self._send("GET", "http://accredit/readyz")
        if found.status_code not in (200, 503):
            return []
        return list(found.json().get("checks", []))

    def items(self, where: str, cursor: str | None = None, **query: str) -> Iterator[Any]:
        """Yield every item of a list that `query` wants, page by page, behind `cursor` if there is one."""
        while True:
            page = self._call(
                "GET", where, params=query | {"limit": str(_PAGE)} | ({"cursor": cursor} if cursor else {})
            )
            yield from page["items"]
            cursor = page["next"]
            if cursor is None:
                return

    def lines(self, where: str, **query: str | None) -> Iterator[bytes]:
        """Yield the lines of a long answer as they come, without their ends. The last one may be a part of a line."""
        given = {name: value for name, value in query.items() if value is not None}
        try:
            with self._http.stream("GET", where, params=given, timeout=httpx2.Timeout(SECONDS, read=None)) as answer:
                if not answer.is_success:
                    answer.read()
                    self._read(answer)
                rest = b""
                for piece in answer.iter_bytes():
                    *whole, rest = (rest + piece).split(b"\n")
                    yield from whole
                if rest:
                    yield rest
        except httpx2.ConnectError as error:
            raise self._unreachable(error) from error
        except httpx2.TransportError as error:
            raise Trouble(Exit.UNREACHABLE, f"the connection to accredit broke ({type(error).__name__})") from error

    def close(self) -> None:
        """Let the connection go."""
        self._http.close()

    def _call(self, method: str, where: str, **more: Any) -> Any:
        return self._read(self._send(method, where, **more))

    def _send(self, method: str, where: str, *, again: int = 0, **more: Any) -> httpx2.Response:
        try:
            return self._http.request(method, where, **more)
        except httpx2.ConnectError as error:
            raise self._unreachable(error) from error
        except httpx2.TimeoutException as error:
            text = f"accredit did not answer within {SECONDS:.0f} seconds; whether anything was changed is not known"
            raise Trouble(Exit.UNREACHABLE, text) from error
        except httpx2.TransportError as error:
            if again:
                return self._send(method, where, again=again - 1, **more)
            text = f"the connection to accredit broke ({type(error).__name__}); look whether anything was changed"
            raise Trouble(Exit.UNREACHABLE, text) from error
        except httpx2.InvalidURL:
            raise usage("what was typed is too long") from None
        except UnicodeEncodeError:
            raise usage("what was typed must be text: these bytes are not UTF-8") from None

    def _read(self, answer: httpx2.Response) -> Any:
        if answer.status_code == 204:
            return None
        try:
            found = answer.json()
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Trouble(Exit.UNREACHABLE, f"what answers at {self._socket} is not accredit")
        if answer.is_success:
            return found
        detail = found.get("detail") or f"the server answered {answer.status_code}"
        members = {name: found[name] for name in ("type", "status", "errors", "kind", "name") if name in found}
        raise Trouble(Exit.REFUSED, f"{detail}{self._meant(found)}", members)

    def _meant(self, problem: dict[str, Any]) -> str:
        """Return the name that was probably meant, of those that the caller may see, or nothing."""
        kind, name = problem.get("kind"), problem.get("name")
        if not isinstance(kind, str) or not isinstance(name, str):
            return ""
        with contextlib.suppress(Trouble, ValueError, TypeError, LookupError):
            return suggestion(name, self._slugs(path(f"{kind}s")))
        return ""

    def _slugs(self, where: str) -> list[str]:
        """Return the slugs in the first pages of a list. Raises whatever a strange answer leads to."""
        found: list[str] = []
        page: Any = {"next": None}
        for _ in range(_MOST_PAGES):
            more = {} if page["next"] is None else {"cursor": page["next"]}
            page = self._send("GET", where, params={"limit": _PAGE, **more}).json()
            found += [str(item["slug"]) for item in page["items"]]
            if page["next"] is None:
                break
        return found

    def _unreachable(self, error: BaseException) -> Trouble:
        if _caused_by(error, PermissionError):
            text = f"{self._socket} belongs to somebody else: run this as the user who runs accredit"
            return Trouble(Exit.UNREACHABLE, text)
        folder = shlex.quote(str(self._folder))
        text = f"accredit is not running for {self._folder}: start it with `accredit up --data {folder}`"
        return Trouble(Exit.UNREACHABLE, text)


def _caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False
