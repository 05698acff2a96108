"""The tables, as they are after the last migration. Times are microseconds UTC, ids are text, digests are bytes."""

from typing import Final

import sqlalchemy as sa

from accredit.store import log_tables
from accredit.store.columns import data as _bytes
from accredit.store.columns import flag as _flag
from accredit.store.columns import maybe as _maybe
from accredit.store.columns import number as _number
from accredit.store.columns import text as _text
from accredit.store.columns import unique as _unique

_LIVING: Final = sa.text("state <> 'deleted'")

metadata: Final = log_tables.metadata
"""All tables, with those of the log."""

deployment: Final = sa.Table(
    "deployment",
    metadata,
    sa.Column("id", sa.SmallInteger, sa.CheckConstraint("id = 1", "one"), primary_key=True, autoincrement=False),
    _text("issuer"),
    _bytes("key_check"),
    _number("created_at"),
    _number("epoch"),
    sa.Column("epoch_at", sa.BigInteger, nullable=False, server_default="0"),
)
"""One row: what this database belongs to."""

servers: Final = sa.Table(
    "servers",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    _text("slug"),
    _text("name"),
    _text("resource"),
    _number("created_at"),
    _flag("builtin"),
    _text("state"),
    _number("version"),
    sa.Column("may_ask", sa.Text, nullable=False, server_default=""),
    sa.Column("mode", sa.Text, nullable=False, server_default="enforce"),
    sa.Column("candidate", sa.LargeBinary, nullable=True),
)
"""MCP servers; `resource` is the audience of their tokens (RFC 8707), `may_ask` words with spaces between them.

`candidate` holds, as JSON, the tools of the policy that a dry run compares with.
"""
_unique("uq_servers_slug", servers.c.slug, where=_LIVING)
_unique("uq_servers_resource", servers.c.resource, where=_LIVING)

server_scopes: Final = sa.Table(
    "server_scopes",
    metadata,
    sa.Column("server", sa.ForeignKey(servers.c.id), primary_key=True),
    sa.Column("word", sa.Text, primary_key=True),
    _number("position"),
    _text("description"),
    _flag("is_default"),
    sa.Column("is_first_use", sa.Boolean, nullable=False, server_default=sa.false()),
)
"""The scope words of a server, which a request without `scope` gets, and which a client that nobody approved yet."""

tools: Final = sa.Table(
    "tools",
    metadata,
    sa.Column("server", sa.ForeignKey(servers.c.id), primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    _number("position"),
    _text("description"),
    _flag("read_only"),
    _flag("destructive"),
    _text("visibility"),
    sa.Column("pin", sa.LargeBinary, nullable=True),
)
"""What a server offers: tools, resources and prompts; `pin` is null for what was mapped by hand."""

tool_needs: Final = sa.Table(
    "tool_needs",
    metadata,
    sa.Column("server", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("word", sa.Text, primary_key=True),
    sa.ForeignKeyConstraint(["server", "kind", "name"], ["tools.server", "tools.kind", "tools.name"]),
)
"""The scope words that a tool needs, all of them."""

denials: Final = sa.Table(
    "denials",
    metadata,
    sa.Column("server", sa.ForeignKey(servers.c.id), primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    _number("at"),
    _text("by"),
    _text("reason"),
)
"""What nobody may use for the time being; of a whole server the kind is "server" and the name empty."""

software_denials: Final = sa.Table(
    "software_denials",
    metadata,
    sa.Column("software_id", sa.Text, primary_key=True),
    sa.Column("software_version", sa.Text, primary_key=True),
    _number("at"),
    _text("by"),
    _text("reason"),
)
"""The software whose clients get no tokens for the time being; of every version, when that is empty."""

roles: Final = sa.Table(
    "roles",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    _text("slug"),
    _text("name"),
    _number("created_at"),
    _number("version"),
    sa.UniqueConstraint("slug"),
)
"""Bundles of scopes."""

role_scopes: Final = sa.Table(
    "role_scopes",
    metadata,
    sa.Column("role", sa.ForeignKey(roles.c.id), primary_key=True),
    sa.Column("server", sa.ForeignKey(servers.c.id), primary_key=True),
    sa.Column("word", sa.Text, primary_key=True),
)
"""The scope words of a role, each on one server."""

assignments: Final = sa.Table(
    "assignments",
    metadata,
    sa.Column("holder", sa.Text, primary_key=True),
    sa.Column("role", sa.ForeignKey(roles.c.id), primary_key=True),
    _maybe("ends_at"),
)
"""Who holds which role, and until when (`ends_at`, microseconds UTC)."""

clients: Final = sa.Table(
    "clients",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    _text("client_id"),
    _text("kind"),
    _text("slug"),
    _text("name"),
    _number("created_at"),
    _text("state"),
    _maybe("expires_at"),
    _number("version"),
    sa.Column("software_id", sa.Text, nullable=False, server_default=""),
    sa.Column("software_version", sa.Text, nullable=False, server_default=""),
    sa.UniqueConstraint("client_id"),
    sa.Index(None, "software_id"),
)
"""Anything that asks for tokens; `client_id` is what it calls itself on the wire (RFC 6749, 2.2)."""
_unique("uq_clients_kind_slug", clients.c.kind, clients.c.slug, where=_LIVING)

client_servers: Final = sa.Table(
    "client_servers",
    metadata,
    sa.Column("client", sa.ForeignKey(clients.c.id), primary_key=True),
    sa.Column("server", sa.ForeignKey(servers.c.id), primary_key=True),
)
"""The servers that a guard speaks for."""

agents: Final = sa.Table(
    "agents",
    metadata,
    sa.Column("client", sa.ForeignKey(clients.c.id), primary_key=True),
    _text("owner"),
    _text("sponsor"),
    _text("purpose"),
)
"""The rest of an agent: the people and the purpose behind its client."""

applications: Final = sa.Table(
    "applications",
    metadata,
    sa.Column("client", sa.ForeignKey(clients.c.id), primary_key=True),
    _text("owner"),
    _text("purpose"),
    _text("type"),
    _text("redirect_uris"),
)
"""The rest of an application; `redirect_uris` have spaces between them."""

groups: Final = sa.Table(
    "groups",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    _text("slug"),
    _text("name"),
    _number("created_at"),
    _number("version"),
    sa.UniqueConstraint("slug"),
)
"""Holders of roles that clients can be members of; what they hold is among the assignments."""

group_members: Final = sa.Table(
    "group_members",
    metadata,
    sa.Column("member", sa.Text, primary_key=True),
    sa.Column("group", sa.ForeignKey(groups.c.id), primary_key=True),
    sa.Index(None, "group"),
)
"""Who is in which group; the prefix of a member's id tells what it is."""

credentials: Final = sa.Table(
    "credentials",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("client", sa.ForeignKey(clients.c.id), nullable=False),
    _text("kind"),
    _bytes("material"),
    _number("created_at"),
    _text("state"),
    _maybe("expires_at"),
    _maybe("retires_at"),
    sa.Column("created_by", sa.Text, nullable=False, server_default=""),
    sa.Index(None, "client"),
)
"""Secrets, as their SHA-256, and public keys of clients."""

credential_uses: Final = sa.Table(
    "credential_uses",
    metadata,
    sa.Column("credential", sa.ForeignKey(credentials.c.id), primary_key=True),
    _number("first_at"),
    _number("last_at"),
    _text("address"),
    _text("node"),
)
"""When tokens were got with a credential, where the last request came from, and which node answered it."""

enrolments: Final = sa.Table(
    "enrolments",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("server", sa.ForeignKey(servers.c.id), nullable=False),
    _text("slug"),
    _bytes("code_digest"),
    _number("created_at"),
    _number("expires_at"),
    _maybe("taken_at"),
    sa.UniqueConstraint("code_digest"),
)
"""Invitations for guards; the code itself is never stored."""

signing_keys: Final = sa.Table(
    "signing_keys",
    metadata,
    sa.Column("kid", sa.Text, primary_key=True),
    _text("use"),
    _text("algorithm"),
    _text("state"),
    _bytes("public"),
    _bytes("sealed"),
    _number("created_at"),
    _maybe("gone_at"),
    _maybe("active_at"),
)
"""Signing keys, private parts sealed under the master key."""
_unique("uq_signing_keys_upcoming", signing_keys.c.use, where=sa.text("state = 'upcoming'"))
_unique("uq_signing_keys_active", signing_keys.c.use, where=sa.text("state = 'active'"))

used_jti: Final = sa.Table(
    "used_jti",
    metadata,
    sa.Column("digest", sa.LargeBinary, primary_key=True),
    _number("expires_at"),
    sa.Index(None, "expires_at"),
)
"""`digest` covers issuer and jti: an outsider's text, of any form and length, never reaches the database."""

kept_answers: Final = sa.Table(
    "kept_answers",
    metadata,
    sa.Column("key", sa.LargeBinary, primary_key=True),
    _bytes("request"),
    sa.Column("status", sa.SmallInteger, nullable=False),
    _text("tag"),
    _bytes("answer"),
    _number("expires_at"),
    sa.Index(None, "expires_at"),
)
"""What requests with an Idempotency-Key were answered, without secrets; `key` covers the caller and their key."""

signal_head: Final = sa.Table(
    "signal_head",
    metadata,
    sa.Column("id", sa.SmallInteger, sa.CheckConstraint("id = 1", "one"), primary_key=True, autoincrement=False),
    _number("n"),
)
"""One row: the number of the last signal. Whoever updates it holds its lock until commit, so numbers have no gaps."""

signals: Final = sa.Table(
    "signals",
    metadata,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    _number("at"),
    _text("kind"),
    _text("handle"),
    sa.Column("server", sa.Text, nullable=False, server_default=""),
    sa.Column("scopes", sa.Text, nullable=False, server_default=""),
    sa.Index(None, "at"),
)
"""What guards and nodes must hear, by number; server and scopes (with spaces between them) of a reduction."""

guard_leases: Final = sa.Table(
    "guard_leases",
    metadata,
    sa.Column("guard", sa.ForeignKey(clients.c.id), primary_key=True),
    sa.Column("instance", sa.Text, primary_key=True),
    _number("seq"),
    _number("acked_at"),
    _number("seen_at"),
    _number("bound"),
    _number("beat"),
    _flag("ended"),
)
"""The processes of guards, and the last signal that each has applied; `bound` and `beat` are seconds."""
