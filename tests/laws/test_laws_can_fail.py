"""Every law is seen to fail: over a small tree that obeys, and over the same tree with one thing wrong."""

import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.laws import architecture, dependencies, purity, requirements, sizes, surface, tracked
from tests.laws.tree import ROOT
from tests.laws.tree import tracked as tracked_files

SDK = "packages/sdk/src/accredit_sdk"
GOOD = {
    "src/accredit/py.typed": "",
    "src/accredit/__init__.py": '"""Server."""\n',
    "src/accredit/oauth/__init__.py": '"""Core."""\n',
    "src/accredit/oauth/revocation.py": '"""RFC 7009: revocation."""\n\n\ndef decide() -> None:\n    """Decide."""\n',
    f"{SDK}/py.typed": "",
    f"{SDK}/__init__.py": '"""SDK."""\n\nfrom accredit_sdk.jws import sign\n\n__all__ = ["sign"]\n',
    f"{SDK}/jws.py": '"""RFC 7515: compact JWS."""\n\n\ndef sign() -> None:\n    """Sign."""\n',
    "pyproject.toml": '[project]\ndependencies = ["accredit-sdk==0.1.0", "starlette>=1.0"]\n',
    "packages/sdk/pyproject.toml": (
        '[project]\ndependencies = ["msgspec"]\n[project.optional-dependencies]\nguard = ["httpx2"]\n'
    ),
    "requirements/bootstrap.in": "uv\n",
    "requirements/run.in": "# what users get\nhttpx2\nmsgspec\nstarlette>=1.0\n",
    "requirements/dev.in": "-r run.in\npytest\n",
    "requirements/bootstrap.txt": "uv==1 \\\n    --hash=sha256:00\n",
    "requirements/run.txt": "".join(
        f"{one}==1 \\\n    --hash=sha256:00\n" for one in ("httpx2", "msgspec", "starlette")
    ),
    "requirements/dev.txt": "pytest==1 \\\n    --hash=sha256:00\n",
    "docs/adr/dependencies.md": "".join(
        f"| `{one}` | why | else |\n" for one in ("uv", "httpx2", "msgspec", "starlette", "pytest")
    ),
    "tests/spec/requirements/rfc7009.toml": (
        '[requirement."RFC7009-2"]\nsource = "RFC 7009, 2"\nlevel = "MUST"\ntext = "It is so."\n'
        '[requirement."RFC7009-3"]\nsource = "RFC 7009, 3"\nlevel = "MUST"\ntext = "It will be so."\n'
        '[[divergence]]\nid = "RFC7009-2"\nsince = 2026-01-31\nwhat = "not quite"\nwhy = "better"\n'
    ),
    "tests/spec/requirements/pending.toml": 'ids = ["RFC7009-3"]\n',
    "tests/spec/test_rfc7009.py": '@pytest.mark.requirement("RFC7009-2")\ndef test_it(): ...\n',
    "ARCHITECTURE.md": (
        f"- `src/accredit/oauth/`: `revocation.py` decides\n- `{SDK}/`: `jws.py`\n"
        f"| RFC 7009 | `src/accredit/oauth/revocation.py` |\n| RFC 7515 | `{SDK}/jws.py` |\n"
    ),
}
LAWS = {
    "size": sizes.complaints,
    "typed": surface.untyped,
    "leak": surface.leaks,
    "documented": surface.undocumented,
    "pure": purity.complaints,
    "unit": purity.impure_unit_tests,
    "dependency": dependencies.complaints,
    "requirement": requirements.complaints,
    "architecture": architecture.complaints,
}
LONG = '"""Long."""\n\n\ndef long() -> None:\n    """Say\n    much.\n    """\n'
CORE = "src/accredit/oauth/revocation.py"
MANIFEST = "tests/spec/requirements/rfc7009.toml"

# law -> file, what is added to it (None: the file is removed), and what the complaint says
WRONG: list[tuple[str, str, str | None, str]] = [
    ("size", CORE, "# more\n" * 400, "405 lines"),
    ("size", "src/accredit/oauth/long.py", LONG + "    x = 1\n" * 51, "long has 52 lines"),
    ("size", f"{SDK}/jws.py", "class A:\n    async def long(self):\n" + "        x = 1\n" * 51, "long has 52 lines"),
    ("typed", "src/accredit/py.typed", None, "no py.typed"),
    ("typed", f"{SDK}/py.typed", None, "no py.typed"),
    ("leak", f"{SDK}/__init__.py", "import os\n", "shows os"),
    ("leak", f"{SDK}/__init__.py", "def helper(): ...\n", "shows helper"),
    ("leak", f"{SDK}/__init__.py", '__all__ = ["sign"]\nlimit = 5\n', "shows limit"),
    ("leak", "src/accredit/__init__.py", "import os\n", "no __all__"),
    ("leak", "src/accredit/__init__.py", '_x = 1\n__all__ = ["_x"]\n', "lists _x"),
    ("leak", "src/accredit/__init__.py", '__all__ = ["gone"]\n', "lists gone"),
    ("documented", "src/accredit/oauth/bare.py", "x = 1\n", "no docstring"),
    ("documented", CORE, "def silent(): ...\n", "silent has no docstring"),
    ("documented", CORE, 'class Told:\n    """It."""\n    def silent(self): ...\n', "Told.silent"),
    ("documented", CORE, "LIMIT: Final = 5\n", "LIMIT has no docstring"),
    ("documented", CORE, "# told\nONE = 1  # told\nTWO = 2  # noqa: X\n", "TWO has no docstring"),
    ("pure", CORE, "open('x')\n", "open()"),
    ("pure", CORE, "def late():\n    print('x')\n", "print()"),
    ("pure", f"{SDK}/jws.py", "eval('x')\n", "eval()"),
    ("pure", "src/accredit/service/token.py", "import os\nx = os.environ['A']\n", "environment"),
    ("pure", "src/accredit/service/token.py", "from os import getenv\n", "environment"),
    ("pure", "src/accredit/web/token.py", "from urllib import request\n", "urllib.request"),
    ("pure", "src/accredit/web/token.py", "import pickle\n", "pickle"),
    ("unit", "tests/unit/oauth/test_it.py", "async def test_it(): ...\n", "event loop"),
    ("unit", "tests/unit/oauth/test_it.py", "from accredit.store.writer import x\n", "imports accredit.store.writer"),
    ("unit", "tests/unit/oauth/test_it.py", "def test():\n    import sqlite3\n", "imports sqlite3"),
    ("dependency", "requirements/run.in", "requests\n", "requests is declared by no project"),
    ("dependency", "pyproject.toml", 'x = 1\n[project.optional-dependencies]\nmore = ["rich"]\n', "rich is missing"),
    ("dependency", "requirements/dev.in", "ruff\n", "ruff has no line"),
    ("dependency", "requirements/dev.in", "ruff\n", "ruff is not locked"),
    ("dependency", "docs/adr/dependencies.md", "| `left-pad` | why | |\n", "left-pad is no dependency"),
    ("dependency", "requirements/run.txt", "rich==1\n", "rich==1 has no hash"),
    ("dependency", "requirements/run.txt", "--index-" + "url https" + "://packages.example/\n", "an address"),
    ("dependency", "requirements/run.txt", "rich @ file:///x \\\n    --hash=sha256:00\n", "an address"),
    ("requirement", "tests/spec/test_rfc7009.py", None, "RFC7009-2 has no test"),
    ("requirement", "tests/spec/test_more.py", '@pytest.mark.requirement("RFC1-1")\ndef test(): ...\n', "RFC1-1"),
    ("requirement", "tests/unit/test_more.py", "pytestmark = pytest.mark.requirement(NAME)\n", "no requirement NAME"),
    ("requirement", "tests/spec/test_more.py", '@pytest.mark.requirement("RFC7009-3")\ndef t(): ...\n', "delete"),
    ("requirement", "tests/spec/requirements/pending.toml", "", "RFC7009-3 has no test"),
    ("requirement", MANIFEST, '[requirement."RFC7009-4"]\nsource = "x"\nlevel = "MUST"\n', "needs source"),
    ("requirement", MANIFEST, '[requirement."A"]\nsource = "x"\nlevel = "WISH"\ntext = "x"\n', "level WISH"),
    ("requirement", "tests/spec/requirements/b.toml", "SAME", "stands in"),
    ("requirement", MANIFEST, '[[divergence]]\nid = "RFC7009-2"\nwhat = "x"\nwhy = "y"\n', "needs id, since"),
    ("requirement", MANIFEST, '[[divergence]]\nid = "A"\nsince = 2026-01-31\nwhat = "x"\nwhy = "y"\n', "from A"),
    ("architecture", "src/accredit/oauth/code.py", '"""Codes."""\n', "code.py is not named"),
    ("architecture", CORE, None, "revocation.py does not exist"),
    ("architecture", "src/accredit/oauth/code.py", '"""RFC 6749: codes."""\n', "RFC 6749 stands in"),
    (
        "architecture",
        "ARCHITECTURE.md",
        "| RFC 9999 | `src/accredit/oauth/revocation.py` |\n",
        "RFC 9999 stands in no module",
    ),
    ("architecture", "ARCHITECTURE.md", "- `docs/nowhere.md`\n", "nowhere.md does not exist"),
    ("architecture", "ARCHITECTURE.md", "\n" * 200, "204 lines"),
]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A small tree that obeys every law."""
    for path, text in GOOD.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_a_tree_that_obeys_draws_no_complaint(house: Path, law: Callable[[Path], Iterable[str]]) -> None:
    assert list(law(house)) == []


@pytest.mark.parametrize(("law", "path", "addition", "complaint"), WRONG)
def test_one_wrong_thing_is_complained_about(
    house: Path, law: str, path: str, addition: str | None, complaint: str
) -> None:
    target = house / path
    target.parent.mkdir(parents=True, exist_ok=True)
    if addition is None:
        target.unlink()
    elif addition == "SAME":
        shutil.copy(house / MANIFEST, target)
    elif path.endswith("pending.toml"):
        target.write_text("ids = []\n")
    else:
        target.write_text((target.read_text() if target.exists() else "") + addition)
    said = list(LAWS[law](house))
    assert any(complaint in one for one in said), said


def test_the_table_of_rfcs_can_be_written_anew(house: Path) -> None:
    (house / CORE).write_text('"""RFC 6749: something else."""\n')
    document = house / "ARCHITECTURE.md"
    assert list(architecture.complaints(house))
    document.write_text(architecture.with_table(document.read_text() + "\nThe end.\n", house))
    assert list(architecture.complaints(house)) == []
    assert document.read_text().endswith("|\nThe end.\n")


def test_every_law_is_seen_to_fail() -> None:
    assert {law for law, _, _, _ in WRONG} == LAWS.keys()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("README.md", "see CHECKOUT/src"),
        ("notes.md", "in CHECKOUT"),
        ("run.sh", "cd /ho" + "me/somebody/accredit"),
        ("run.sh", "PATH=/ro" + "ot/.local/bin"),
        ("run.sh", "pip install --extra-index-" + "url x y"),
        ("docs/a.md", "https://py" + "pi.org/simple"),
        ("bench/package-lock.json", '{"resolved": ' + '"https://packages.example/x.tgz"}'),
        ("uv.lock", ""),
    ],
)
def test_a_path_of_the_machine_or_an_address_is_complained_about(house: Path, name: str, text: str) -> None:
    subprocess.run(["git", "init", "-q", str(house)], check=True)
    assert list(tracked.complaints(house, tracked_files(house), checkout=str(house))) == []
    (house / name).parent.mkdir(parents=True, exist_ok=True)
    (house / name).write_text(text.replace("CHECKOUT", str(house)))
    assert list(tracked.complaints(house, tracked_files(house), checkout=str(house)))


def test_what_git_ignores_is_nobodys_business(house: Path) -> None:
    subprocess.run(["git", "init", "-q", str(house)], check=True)
    shutil.copy(ROOT / ".gitignore", house)
    (house / "build").mkdir()
    (house / "build" / "notes.md").write_text(str(house))
    assert "build/notes.md" not in tracked_files(house)
