"""An agent's key pair: made where it is used, for its owner alone, and never made over."""

import json
import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from accredit.identity import credential
from accredit_sdk import ConfigurationError, keys
from accredit_sdk.agent import key_file, load_key
from accredit_sdk.agent.__main__ import main
from accredit_sdk.jws import Algorithm


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_the_public_file_is_what_the_server_takes_and_the_private_one_is_its_other_half(
    tmp_path: Path, algorithm: Algorithm
) -> None:
    private, public = key_file.generate(tmp_path / "new" / "folder", algorithm)
    jwk = json.loads(public.read_bytes())
    key = load_key(private)
    assert credential.public_key(jwk)
    assert keys.public_jwk(key.verifying()) == jwk
    assert key.alg is algorithm
    assert keys.verifying_key(jwk).signed(key.sign(b"data"), b"data")


def test_the_private_file_is_for_its_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        private, _ = key_file.generate(tmp_path / "keys")
    finally:
        os.umask(before)
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert stat.S_IMODE(private.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("name", [key_file.PRIVATE, key_file.PUBLIC])
def test_a_file_that_is_there_is_never_overwritten_and_no_half_pair_is_left(tmp_path: Path, name: str) -> None:
    for link in (False, True):
        folder = tmp_path / str(link)
        folder.mkdir()
        if link:
            (folder / name).symlink_to(tmp_path / "elsewhere")
        else:
            (folder / name).write_text("mine")
        with pytest.raises(ConfigurationError):
            key_file.generate(folder)
        assert [path.name for path in folder.iterdir()] == [name]
        assert link or (folder / name).read_text() == "mine"
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o601])
def test_a_file_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    private, _ = key_file.generate(tmp_path)
    private.chmod(mode)
    with pytest.raises(ConfigurationError):
        load_key(private)


def pem(private: object, password: bytes = b"") -> bytes:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)  # type: ignore[attr-defined, no-any-return]


BROKEN = {
    "empty": b"",
    "text": b"my password is hunter2",
    "a password": pem(ec.generate_private_key(ec.SECP256R1()), b"hunter2"),
    "another curve": pem(ec.generate_private_key(ec.SECP384R1())),
    "a weak key": pem(rsa.generate_private_key(65537, 1024)),
    "no key for signatures": pem(x25519.X25519PrivateKey.generate()),
    "endless": b"\n" * 100_000 + pem(ec.generate_private_key(ec.SECP256R1())),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_usable_key_is_refused_and_not_quoted(tmp_path: Path, name: str) -> None:
    file = tmp_path / "key.pem"
    file.touch(mode=0o600)
    file.write_bytes(BROKEN[name])
    with pytest.raises(ConfigurationError) as caught:
        load_key(file)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "none.pem", tmp_path):
        with pytest.raises(ConfigurationError) as caught:
            load_key(path)
        assert str(path) in str(caught.value)


def test_the_command_names_both_files_and_shows_no_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keygen", "--folder", str(tmp_path / "a"), "--algorithm", "EdDSA"]) == 0
    said = capsys.readouterr().out
    assert str(tmp_path / "a" / key_file.PRIVATE) in said
    assert "PRIVATE KEY" not in said
    assert load_key(tmp_path / "a" / key_file.PRIVATE).alg is Algorithm.EDDSA
    assert main(["keygen", "--folder", str(tmp_path / "a")]) == 1
    (tmp_path / "file").touch()
    assert main(["keygen", "--folder", str(tmp_path / "file" / "b")]) == 1
    assert capsys.readouterr().err.count("agent: ") == 3
