"""Redaction: the person part of a record goes, the chain stays."""

from dataclasses import replace

from accredit.identity.changes import StoredRecord


def redacted(stored: StoredRecord) -> StoredRecord:
    """Return `stored` without its person part and salt; its commitment, and so its link, still holds."""
    return replace(stored, person=None, salt=None)
