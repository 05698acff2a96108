"""Accredit: identity and access for the Model Context Protocol. The server side; see `accredit_sdk` for the library."""

__all__: list[str] = []
