"""RFC 5208 and RFC 7517: an agent's own key pair as two files, the private half for its owner alone."""

import contextlib
import os
import stat
from pathlib import Path
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from accredit_sdk import keys
from accredit_sdk.errors import ConfigurationError
from accredit_sdk.jws import Algorithm, SigningKey

PRIVATE: Final = "agent-key.pem"
"""The private key: PKCS #8, PEM, mode 0600."""

PUBLIC: Final = "agent-key.jwk.json"
"""The public key as a JSON Web Key: what `accredit agent credential add --public-key` takes."""

_LARGEST: Final = 64 * 1024


def generate(folder: Path, algorithm: Algorithm = Algorithm.ES256) -> tuple[Path, Path]:
    """Make a key pair in `folder`; return the paths of the private and the public file. Nothing is ever overwritten.

    Raises ConfigurationError when a file is there already, OSError.
    """
    private, public = folder / PRIVATE, folder / PUBLIC
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    there = [str(path) for path in (private, public) if path.exists() or path.is_symlink()]
    if there:
        raise ConfigurationError([f"{path} is there already; use another folder, or move it away" for path in there])
    key = keys.generate(algorithm)
    pem = key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    _create(private, pem, 0o600)
    try:
        _create(public, msgspec.json.encode(keys.public_jwk(key.verifying())) + b"\n", 0o644)
    except BaseException:
        with contextlib.suppress(OSError):
            private.unlink()
        raise
    return private, public


def load_key(path: str | os.PathLike[str]) -> SigningKey:
    """Return the private key in a PEM file (PKCS #8, unencrypted), for `AgentAuth(key=…)`.

    P-256 is used with ES256, Ed25519 with EdDSA, RSA of 2,048 bits or more with RS256. Raises ConfigurationError when
    the file cannot be read, can be read by others than its owner, or holds no such key. No text quotes the file.
    """
    file = Path(path)
    try:
        with file.open("rb") as opened:
            status = os.fstat(opened.fileno())
            content = opened.read(_LARGEST + 1)
    except OSError as error:
        raise ConfigurationError([f"{file}: {error.strerror or type(error).__name__}"]) from None
    if os.name == "posix" and stat.S_IMODE(status.st_mode) & 0o077:
        raise ConfigurationError(
            [f"{file} can be read by others: chmod 600 {file}, and if they might have, make a new key"]
        )
    key = _parsed(content)
    if key is None:
        raise ConfigurationError([f"{file} holds no private key that can be used (PKCS #8 as PEM, without a password)"])
    return key


def _parsed(content: bytes) -> SigningKey | None:
    with contextlib.suppress(Exception):  # whatever is wrong with it: the error could quote it
        private = load_pem_private_key(content, None)
        algorithm = _algorithm(private)
        if algorithm is not None and len(content) <= _LARGEST:
            der = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
            return keys.signing_key(algorithm, der)
    return None


def _algorithm(private: object) -> Algorithm | None:
    match private:
        case ec.EllipticCurvePrivateKey():
            return Algorithm.ES256
        case ed25519.Ed25519PrivateKey():
            return Algorithm.EDDSA
        case rsa.RSAPrivateKey():
            return Algorithm.RS256
    return None


def _create(path: Path, content: bytes, mode: int) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
