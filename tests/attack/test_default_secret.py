"""default_secret: nothing that ships opens anything, and a start with a placeholder for a key is refused."""

import asyncio
import base64
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx2
import pytest

from accredit import app, config, system
from tests.laws.tree import tracked
from tests.support.house import RESOURCE, b64, house
from tests.support.process import ROOT, free_port, run

TYPED = {
    "all zero": b64(bytes(32)),
    "counted": b64(bytes(range(32))),
    "counted down": b64(bytes(range(255, 223, -1))),
    "one word again and again": "changeme" * 5 + "chQ",
    "eleven letters again and again": "INSERT_KEY_" * 3 + "INSERT_KEQ",
    "a text in base64": b64(b"this is a text of 32 characters!"),
    "a sentence": "Please-replace-me-with-a-real-key-0123456789"[:43],
    "change me": "change_me_IsHouldBeaRandom32ByteKey_Really0",
    "a password": "MyPassword1MyOtherThingQwertyuiop1234567890"[:43],
    "an example": "example-aGk3jd8Fh2kL9sQw1ErTyUiOpAsDfGhJkLz",
    "the alphabet": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopg",
    "short": b64(bytes(range(16))),
    "empty": "",
    "hex": "00" * 32,
}
SECRET = re.compile(
    rb"acs_[0-9a-v]{26}_[A-Za-z0-9_-]{43}|\bace_[A-Za-z0-9_-]{43}"
    rb"|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}"
    rb"|-----BEGIN [A-Z ]*PRIVATE KEY-----|\"d\" ?: ?\"[A-Za-z0-9_-]{43,}\""
)
ASSIGNED = re.compile(rb"(?i:pass(?:word|wd)|secret|api_?key|master_?key) ?[:=] ?[\"'][A-Za-z0-9+/_-]{12,}={0,2}[\"']")


@pytest.mark.parametrize("name", TYPED)
def test_a_placeholder_is_no_master_key_wherever_it_stands(tmp_path: Path, name: str) -> None:
    for place in ("environment", "file"):
        data = tmp_path / place
        data.mkdir(mode=0o700)
        given = {"master_key": TYPED[name]} if place == "environment" else {}
        if place == "file":
            (data / "master.key").touch(mode=0o600)
            (data / "master.key").write_text(TYPED[name] + "\n")
        with pytest.raises(app.CANNOT_START) as refused:
            _start(data, **given)
        assert "master key" in str(refused.value) or "master.key" in str(refused.value)
        assert not TYPED[name] or TYPED[name] not in str(refused.value)


def test_the_command_refuses_too_and_says_how_to_make_a_key(tmp_path: Path) -> None:
    ended = run("up", folder=tmp_path / "data", port=str(free_port()), master_key=TYPED["a sentence"])
    assert ended.status == 1
    assert "openssl rand" in ended.err
    assert TYPED["a sentence"] not in ended.said
    made = subprocess.run(
        ["sh", "-c", "openssl rand -base64 32 | tr +/ -_"], capture_output=True, text=True, check=False
    )
    if made.returncode == 0 and made.stdout:
        _start(tmp_path / "other", master_key=made.stdout.strip())


def test_the_keys_that_accredit_makes_are_never_taken_for_placeholders(tmp_path: Path) -> None:
    for number in range(200):
        folder = tmp_path / str(number)
        folder.mkdir(mode=0o700)
        assert system.master_key(folder, None, create=True) == system.master_key(folder, None, create=False)
        assert (folder / "master.key").stat().st_mode & 0o777 == 0o600


async def test_two_installations_have_no_secret_in_common(tmp_path: Path) -> None:
    found = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        async with house(tmp_path / name) as made:
            kids = {key["kid"] for key in (await made.public.get("/jwks")).json()["keys"]}
            code = (await made.admin.ok("POST", "/servers/ledger/enrolments", json={}))["code"]
            key = (tmp_path / name / "data" / "master.key").read_text()
            token = await made.token(resource=RESOURCE)
            found.append(({*kids, made.secret, made.client_id, code, key, made.guard.key.kid}, token, made.secret))
        stored = b"".join(path.read_bytes() for path in (tmp_path / name / "data").glob("accredit.db*"))
        assert base64.urlsafe_b64decode(key) not in stored
        assert key.strip().encode() not in stored
    assert not found[0][0] & found[1][0]
    async with house(tmp_path / "three") as third:
        for _, token, secret in found:
            await third.stopped(token)
            form = {"grant_type": "client_credentials", "resource": RESOURCE}
            assert (await third.post(form, (third.client_id, secret))).status_code == 401


async def test_a_fresh_server_has_nobody_who_could_come_in(tmp_path: Path) -> None:
    async with app.node(config.load(data=tmp_path / "data")) as node:
        transport = httpx2.ASGITransport(app=node.admin)
        async with httpx2.AsyncClient(transport=transport, base_url="http://accredit/api/v1") as http:
            for noun in ("agents", "guards", "roles"):
                assert (await http.get(f"/{noun}")).json()["items"] == []
        public = httpx2.ASGITransport(app=node.public)
        async with httpx2.AsyncClient(transport=public, base_url="http://127.0.0.1:8700") as http:
            for pair in (("admin", "admin"), ("accredit", "accredit"), ("root", ""), ("test", "test")):
                form = {"grant_type": "client_credentials", "resource": "http://127.0.0.1:8700/guard"}
                assert (await http.post("/token", data=form, auth=pair)).status_code == 401
            assert (await http.get("/api/v1/agents")).status_code == 401


def test_no_setting_has_a_secret_as_its_default() -> None:
    for name, setting in config.Settings.model_fields.items():
        default = setting.default
        shown = default.get_secret_value() if hasattr(default, "get_secret_value") else default
        secretive = any(word in name for word in ("key", "secret", "password"))
        assert not secretive or shown is None or type(shown) is int, name
        assert name != "database" or shown == ""


def test_the_repository_holds_no_secret() -> None:
    leaks = [
        f"{name}: {found[0][:12]!r}"
        for name in tracked(ROOT)
        if not name.startswith("requirements/") and not name.endswith("package-lock.json")
        for form in ([SECRET] if name.startswith("tests/") else [SECRET, ASSIGNED])
        for found in form.finditer((ROOT / name).read_bytes())
    ]
    assert leaks == []


@pytest.mark.slow
def test_the_wheels_hold_no_secret(tmp_path: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    for project in (ROOT, ROOT / "packages" / "sdk"):
        subprocess.run(
            [uv, "build", "--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable, "--out-dir",
             tmp_path, project], check=True,
        )  # fmt: skip
    wheels = list(tmp_path.glob("*.whl"))
    assert len(wheels) == 2
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as opened:
            for name in opened.namelist():
                assert not SECRET.search(opened.read(name)), name
                assert not ASSIGNED.search(opened.read(name)), name
                assert not name.endswith((".key", ".pem", ".db", ".env", ".p12")), name


def _start(data: Path, **given: str) -> None:
    async def start() -> None:
        async with app.node(config.load(data=data, **given)):
            pass

    asyncio.run(start())


def test_each_placeholder_would_be_a_key_if_its_form_were_all_that_counts() -> None:
    formed = [
        name for name, text in TYPED.items() if len(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))) == 32
    ]
    assert sorted(set(TYPED) - set(formed)) == ["empty", "hex", "short"]
