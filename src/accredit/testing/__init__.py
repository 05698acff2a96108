"""What tests of Accredit, and of what is built on it, start: a PostgreSQL of their own, servers as real processes."""

__all__: list[str] = []
