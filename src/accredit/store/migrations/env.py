"""What Alembic runs: it finds its connection, already in a transaction, among the attributes of its configuration."""

from alembic import context

from accredit.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    transaction_per_migration=False,
)
context.run_migrations()
