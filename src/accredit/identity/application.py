"""RFC 6749, 2.1: applications: clients that somebody registered up-front, with their redirect URIs and their type."""

from dataclasses import dataclass
from enum import StrEnum

from accredit.identity.client import Client


class ClientType(StrEnum):
    """CONFIDENTIAL can keep a secret or a key; PUBLIC cannot, and authenticates with `none` (RFC 6749, 2.1)."""

    CONFIDENTIAL = "confidential"
    PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class Application:
    """An application: its client, whose it is and what for. The type never changes: tokens and trust rest on it.

    `redirect_uris` have been judged by `oauth.redirect_uri`.
    """

    client: Client
    owner: str
    purpose: str = ""
    type: ClientType = ClientType.CONFIDENTIAL
    redirect_uris: frozenset[str] = frozenset()
