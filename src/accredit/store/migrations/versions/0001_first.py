"""The first schema: what one call through the house needs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

LIVING = sa.text("state <> 'deleted'")


def upgrade() -> None:
    _deployment()
    _servers()
    _roles()
    _clients()
    _keys()
    _signals()
    _audit()


def _deployment() -> None:
    op.create_table(
        "deployment",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("issuer", sa.Text, nullable=False),
        sa.Column("key_check", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.CheckConstraint("id = 1", "one"),
    )


def _servers() -> None:
    op.create_table(
        "servers",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("slug", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("resource", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("builtin", sa.Boolean, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    _unique("uq_servers_slug", "servers", ["slug"], LIVING)
    _unique("uq_servers_resource", "servers", ["resource"], LIVING)
    op.create_table(
        "server_scopes",
        sa.Column("server", sa.Text, sa.ForeignKey("servers.id"), primary_key=True),
        sa.Column("word", sa.Text, primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("is_default", sa.Boolean, nullable=False),
    )
    op.create_table(
        "tools",
        sa.Column("server", sa.Text, sa.ForeignKey("servers.id"), primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("read_only", sa.Boolean, nullable=False),
        sa.Column("destructive", sa.Boolean, nullable=False),
        sa.Column("visibility", sa.Text, nullable=False),
    )
    op.create_table(
        "tool_needs",
        sa.Column("server", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("word", sa.Text, primary_key=True),
        sa.ForeignKeyConstraint(["server", "kind", "name"], ["tools.server", "tools.kind", "tools.name"]),
    )
    op.create_table(
        "enrolments",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("server", sa.Text, sa.ForeignKey("servers.id"), nullable=False),
        sa.Column("slug", sa.Text, nullable=False),
        sa.Column("code_digest", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("taken_at", sa.BigInteger, nullable=True),
        sa.UniqueConstraint("code_digest"),
    )


def _roles() -> None:
    op.create_table(
        "roles",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("slug", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("slug"),
    )
    op.create_table(
        "role_scopes",
        sa.Column("role", sa.Text, sa.ForeignKey("roles.id"), primary_key=True),
        sa.Column("server", sa.Text, sa.ForeignKey("servers.id"), primary_key=True),
        sa.Column("word", sa.Text, primary_key=True),
    )
    op.create_table(
        "assignments",
        sa.Column("holder", sa.Text, primary_key=True),
        sa.Column("role", sa.Text, sa.ForeignKey("roles.id"), primary_key=True),
        sa.Column("ends_at", sa.BigInteger, nullable=True),
    )


def _clients() -> None:
    op.create_table(
        "clients",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("slug", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=True),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("client_id"),
    )
    _unique("uq_clients_kind_slug", "clients", ["kind", "slug"], LIVING)
    op.create_table(
        "client_servers",
        sa.Column("client", sa.Text, sa.ForeignKey("clients.id"), primary_key=True),
        sa.Column("server", sa.Text, sa.ForeignKey("servers.id"), primary_key=True),
    )
    op.create_table(
        "agents",
        sa.Column("client", sa.Text, sa.ForeignKey("clients.id"), primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("sponsor", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
    )
    op.create_table(
        "credentials",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("client", sa.Text, sa.ForeignKey("clients.id"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("material", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=True),
        sa.Column("retires_at", sa.BigInteger, nullable=True),
    )
    op.create_index("ix_credentials_client", "credentials", ["client"])
    op.create_table(
        "used_jti",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_used_jti_expires_at", "used_jti", ["expires_at"])


def _keys() -> None:
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.Text, primary_key=True),
        sa.Column("use", sa.Text, nullable=False),
        sa.Column("algorithm", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("public", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("gone_at", sa.BigInteger, nullable=True),
    )
    _unique("uq_signing_keys_upcoming", "signing_keys", ["use"], sa.text("state = 'upcoming'"))
    _unique("uq_signing_keys_active", "signing_keys", ["use"], sa.text("state = 'active'"))


def _signals() -> None:
    head = op.create_table(
        "signal_head",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("n", sa.BigInteger, nullable=False),
        sa.CheckConstraint("id = 1", "one"),
    )
    op.bulk_insert(head, [{"id": 1, "n": 0}])
    op.create_table(
        "signals",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("handle", sa.Text, nullable=False),
    )
    op.create_index("ix_signals_at", "signals", ["at"])


def _audit() -> None:
    op.create_table(
        "audit_chains",
        sa.Column("number", sa.Integer, sa.Identity(), primary_key=True),
        sa.Column("chain", sa.Text, nullable=False),
        sa.Column("guard", sa.Text, sa.ForeignKey("clients.id"), nullable=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("chain"),
    )
    op.create_table(
        "audit_records",
        sa.Column("chain", sa.Integer, sa.ForeignKey("audit_chains.number"), primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("decision", sa.Text, nullable=False),
        sa.Column("server", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("header", sa.LargeBinary, nullable=False),
        sa.Column("person", sa.LargeBinary, nullable=True),
        sa.Column("salt", sa.LargeBinary, nullable=True),
        sa.Column("commitment", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_audit_records_decision", "audit_records", ["decision"])
    op.create_index("ix_audit_records_at_chain_seq", "audit_records", ["at", "chain", "seq"])


def _unique(name: str, table: str, columns: list[str], where: sa.TextClause) -> None:
    op.create_index(name, table, columns, unique=True, sqlite_where=where, postgresql_where=where)
