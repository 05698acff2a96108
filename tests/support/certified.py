"""Servers with certificates of an authority of our own, on loopback; what they say is up to the test."""

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Say = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""Answers one connection."""

LIFE = dt.timedelta(days=36500)
SINCE = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Authority:
    """Certifies hosts; `file` holds its own certificate."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def file(self) -> Path:
        return self.folder / "authority.pem"

    def context(self, *hosts: str) -> ssl.SSLContext:
        """Return what a server needs that is certified to be `hosts`."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = _certificate("host", key.public_key(), self.certificate.subject).add_extension(
            x509.SubjectAlternativeName([_name(host) for host in hosts]), critical=False
        )
        leaf = self.folder / f"{hosts[0].replace(':', '_')}.pem"
        leaf.write_bytes(_pem(key) + made.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        found.load_cert_chain(leaf)
        return found


def authority(folder: Path) -> Authority:
    """Found an authority that keeps its files in `folder`."""
    folder.mkdir(exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
    made = _certificate("authority", key.public_key(), name)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    found = Authority(folder, key, made.sign(key, hashes.SHA256()))
    found.file.write_bytes(found.certificate.public_bytes(serialization.Encoding.PEM))
    return found


def _certificate(name: str, key: ec.EllipticCurvePublicKey, issuer: x509.Name) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(SINCE)
        .not_valid_after(SINCE + LIFE)
    )


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    kind = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption())


@dataclass
class Heard:
    """What came to a server: each request as it was sent, and how many connections there were."""

    port: int = 0
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)


async def request(reader: asyncio.StreamReader) -> bytes:
    """Return one whole request."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-le")), 0
    )
    return head + await reader.readexactly(length)


def saying(answer: bytes) -> Say:
    """Return what answers every connection with these bytes, and ends it."""

    async def say(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    return say


def ok(body: bytes = b"", status: str = "200 OK", *headers: str) -> bytes:
    """Return an answer."""
    more = "".join(f"{header}\r\n" for header in headers)
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body


@asynccontextmanager
async def server(context: ssl.SSLContext, say: Say, host: str = "127.0.0.1") -> AsyncIterator[Heard]:
    """Serve on loopback until the block ends: read a request, note it, then let `say` answer."""
    heard = Heard()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.connections += 1
        try:
            heard.requests.append(await request(reader))
            await say(reader, writer)
        except (OSError, asyncio.IncompleteReadError, ssl.SSLError):
            pass  # whoever asked has gone
        finally:
            writer.close()

    running = await asyncio.start_server(serve, host, 0, ssl=context)
    heard.port = running.sockets[0].getsockname()[1]
    try:
        yield heard
    finally:
        running.close()
