"""The database: one implementation of the ports in SQLAlchemy Core, for SQLite and PostgreSQL. Knows no protocol.

Nothing here decides anything but who won a claim. Changes go through `writer` only; everything else reads.
"""
