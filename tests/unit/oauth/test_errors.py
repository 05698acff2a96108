"""Errors of the token endpoint: the code decides the status, the reason stays inside."""

import pytest

from accredit.oauth.errors import ErrorCode, Refusal


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_code_has_its_status(code: ErrorCode) -> None:
    other = {"invalid_client": 401, "slow_down": 429, "temporarily_unavailable": 503}
    assert Refusal(code, "text", "reason").status == other.get(code.value, 400)
