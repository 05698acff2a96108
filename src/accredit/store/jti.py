"""RFC 7519, 4.1.7: every `jti` counts once per issuer. Rows stay until the assertion could no longer be used anyway."""

import hashlib
from collections.abc import Sequence

import sqlalchemy as sa

from accredit.identity.changes import ForgetJti, UseJti
from accredit.store import inserts
from accredit.store.tables import used_jti


def use(conn: sa.Connection, claims: Sequence[UseJti]) -> list[bool]:
    """Remember every `jti` that was not used before, and tell which."""
    rows = [{"digest": digest(claim.issuer, claim.jti), "expires_at": claim.expires_at} for claim in claims]
    return inserts.claim(conn, used_jti, rows)


def forget(conn: sa.Connection, writes: Sequence[ForgetJti]) -> None:
    """Drop every use whose time is over."""
    for write in writes:
        conn.execute(sa.delete(used_jti).where(used_jti.c.expires_at < write.before))


def digest(issuer: str, jti: str) -> bytes:
    """Return what is kept of a use: 128 bits of SHA-256 over both texts, the first with its length.

    Two uses with the same digest would cost the second one its answer, and gain nobody anything.
    """
    first = issuer.encode("utf-8", "surrogatepass")
    whole = len(first).to_bytes(8, "big") + first + jti.encode("utf-8", "surrogatepass")
    return hashlib.sha256(whole).digest()[:16]
