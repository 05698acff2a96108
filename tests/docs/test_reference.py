"""What the documentation takes from the program is what the program says now, and what it says of settings is so."""

import re
import tomllib
from pathlib import Path

import pytest

from accredit import config
from tests.docs import reference
from tests.laws.tree import ROOT


@pytest.mark.parametrize("path", list(reference.PAGES))
def test_the_reference_is_current(path: str) -> None:
    if (ROOT / path).read_text() != reference.PAGES[path]():
        pytest.fail(f"{path} is not what the program says now: make reference", pytrace=False)


def test_every_standard_that_is_claimed_is_in_the_table_and_every_file_of_it_is_there() -> None:
    table = reference.standards()
    assert len(table.splitlines()) == 2 + len(list((ROOT / reference.FOLDER).glob("*.toml"))) - 1
    files = re.findall(r"\]\(([^)]+)\)", table)
    assert all((ROOT / name).is_file() for name in files)
    assert all(line.count("](") > 1 for line in table.splitlines()[2:]), "a standard that no module decides"


def test_a_standard_with_a_clause_that_awaits_its_test_is_not_called_tested(tmp_path: Path) -> None:
    folder = tmp_path / reference.FOLDER
    folder.mkdir(parents=True)
    head = 'standard = "RFC 1"\ntitle = "One"\n'
    (folder / "rfc1.toml").write_text(head + '[requirement."RFC1-1"]\n[requirement."RFC1-2"]\n')
    (folder / "pending.toml").write_text('ids = ["RFC1-2"]')
    assert "| 2 clauses claimed, not all tested yet |" in reference.standards(tmp_path)
    (folder / "pending.toml").write_text("ids = []")
    assert "| 2 clauses claimed, all tested |" in reference.standards(tmp_path)


def test_every_attack_is_in_the_threat_model_and_says_what_must_be_seen() -> None:
    rows = reference.attacks().splitlines()[2:]
    files = {path.name for path in (ROOT / "tests" / "attack").glob("test_*.py")}
    assert {re.findall(r"attack/(\S+\.py)\)", row)[0] for row in rows} == files
    assert all(len(row.split(" | ")[1]) > 20 for row in rows)
    assert len((ROOT / "docs" / "threat-model.md").read_text().splitlines()) <= 120


def test_the_settings_page_tells_no_tales(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", reference.settings(), re.DOTALL)
    file = tmp_path / "accredit.toml"
    file.write_text(example)
    known = tomllib.loads(example)
    found = config.load(file)
    assert (found.issuer, found.port, list(found.proxies)) == (known["issuer"], known["port"], known["proxies"])
    monkeypatch.setenv("ACCREDIT_PROXIES", '["192.0.2.1", "10.0.0.0/8"]')
    monkeypatch.setenv("ACCREDIT_PORT", "8800")
    assert (config.load(file).port, len(config.load(file).proxies)) == (8800, 2)
    assert config.load(file, port=8900).port == 8900
    file.write_text(example + 'purple = true\nissuer2 = ""\n')
    with pytest.raises(config.ConfigurationProblems) as refused:
        config.load(file)
    assert len(refused.value.problems) == 2
