"""RFC 7523 and RFC 6749, 2.3: who the agent is, and how it shows that at a token endpoint. Pure."""

from base64 import b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

from accredit_sdk import assertion, jws
from accredit_sdk.errors import AccreditError


class AgentError(AccreditError):
    """The agent gets no token. The text says what happened and what to do, and holds no secret.

    `code` is the error code of the authorization server (RFC 6749, 5.2), empty when it was not asked or did not answer.
    """

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.code = code


def shown(text: str) -> str:
    """Return what a stranger said, as an error may print it: short, and nothing that could steer a terminal."""
    return "".join(one if one.isprintable() else "?" for one in text[:200]) + ("…" if len(text) > 200 else "")


@dataclass(frozen=True, slots=True)
class Identity:
    """An agent with its one credential: a secret, or a private key. `issuer` is where it is registered.

    Without an issuer, the agent shows its credential to whatever authorization server a server names.
    """

    client_id: str
    issuer: str | None
    secret: str | None = field(default=None, repr=False)
    key: jws.SigningKey | None = field(default=None, repr=False)

    def shown(self, issuer: str, methods: Collection[str], now: int, jti: str) -> tuple[dict[str, str], dict[str, str]]:
        """Return the headers and the form members that authenticate the agent to `issuer` at `now` (seconds UTC).

        `methods` are the ones that the token endpoint takes. Raises AgentError when none of them fits the credential.
        """
        if self.key is not None and "private_key_jwt" in methods:
            text = assertion.sign(self.key, self.client_id, issuer, now, jti)
            return {}, {"client_assertion_type": assertion.PARAMETER, "client_assertion": text}
        if self.secret is not None and "client_secret_basic" in methods:
            pair = f"{quote_plus(self.client_id)}:{quote_plus(self.secret)}"
            return {"authorization": "Basic " + b64encode(pair.encode()).decode()}, {}
        if self.secret is not None and "client_secret_post" in methods:
            return {}, {"client_id": self.client_id, "client_secret": self.secret}
        mine = "private_key_jwt" if self.key is not None else "client_secret_basic or client_secret_post"
        raise AgentError(f"{issuer} takes none of the ways in which this agent can authenticate ({mine})")

    def hushed(self, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return an answer without the texts that repeat the secret: what an error says ends in logs."""
        if self.secret is None:
            return document
        return {name: value for name, value in document.items() if self.secret not in str(value)}
