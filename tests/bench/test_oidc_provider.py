import json
import re

import pytest

from bench import oidc_provider
from bench.running import ROOT, Unavailable

FOLDER = ROOT / "bench" / "peers" / "oidc_provider"


def test_every_package_of_the_peer_is_pinned_by_hash_and_none_by_address():
    packages = json.loads((FOLDER / "package-lock.json").read_text())["packages"]
    wanted = json.loads((FOLDER / "package.json").read_text())
    versions = {**wanted["dependencies"], **wanted["optionalDependencies"]}
    root = packages.pop("")
    assert {**root["dependencies"], **root["optionalDependencies"]} == versions
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions.values())
    assert all(packages[f"node_modules/{name}"]["version"] == version for name, version in versions.items())
    for name, package in packages.items():
        assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name


def test_without_node_the_bench_says_what_it_needs(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match=r"Node\.js"):
        oidc_provider.install()
