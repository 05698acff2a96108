"""Settings that are ignored or exposed are told before anything starts."""

from pathlib import Path

import pytest

from accredit import config
from accredit.config import ConfigurationProblems


def problems(file: Path | None = None) -> list[str]:
    with pytest.raises(ConfigurationProblems) as caught:
        config.load(file)
    return caught.value.problems


def test_a_variable_that_is_no_setting_is_told_with_the_one_that_was_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCREDIT_ISUER", "https://id.example")
    (problem,) = problems()
    assert problem.startswith("ACCREDIT_ISUER:")
    assert "ACCREDIT_ISSUER" in problem


def test_a_master_key_in_a_file_that_others_can_read_keeps_a_node_from_starting(tmp_path: Path) -> None:
    file = tmp_path / "accredit.toml"
    file.write_text('master_key = "AAAA"\n')
    file.chmod(0o644)
    (problem,) = problems(file)
    assert "chmod 600" in problem


def test_other_settings_may_be_read_by_everybody(tmp_path: Path) -> None:
    file = tmp_path / "accredit.toml"
    file.write_text('issuer = "https://id.example"\n')
    file.chmod(0o644)
    assert config.load(file, data=tmp_path).issuer == "https://id.example"
