"""Configuration: one tree from a TOML file and the environment, with every problem reported at once."""

import difflib
import ipaddress
import os
import re
import stat
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from accredit.identity.address import Inside
from accredit_sdk import resource
from accredit_sdk.errors import ResourceError

DEFAULT_PORT: Final = 8700
"""The port of the public listener unless another is configured."""


_NO_ADDRESS: Final = "metrics: name a host and a port, like 127.0.0.1:9464 or [::1]:9464"


class ConfigurationProblems(Exception):
    """The configuration cannot be used; `problems` are sentences, one for each thing to mend."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Settings(BaseSettings):
    """The static configuration of a process. Environment variables are named `ACCREDIT_…` and win over the file."""

    model_config = SettingsConfigDict(env_prefix="ACCREDIT_", extra="forbid", hide_input_in_errors=True, frozen=True)

    data: Path = Field(default=Path("accredit-data"), description="Folder of the database, master key and socket.")
    issuer: str = Field(default="", description="Public https origin of this server, with an optional path (RFC 8414).")
    database: SecretStr = Field(default=SecretStr(""), description="PostgreSQL URL; empty: SQLite in the data folder.")
    host: str = Field(default="127.0.0.1", description="Address that the public listener binds.")
    port: int = Field(default=DEFAULT_PORT, ge=0, le=65535, description="Port of the public listener; 0: any free one.")
    master_key: SecretStr | None = Field(
        default=None, description="Master key, base64url of 32 bytes; absent: the file master.key in the data folder."
    )
    node: str = Field(
        default="", max_length=100, pattern=r"^[!-~]*$", description="Name of this node; empty: that of the machine."
    )
    checkpoints: Path | None = Field(
        default=None, description="Folder of this node alone, out of the database's reach, for checkpoints of the log."
    )
    archive: Path | None = Field(default=None, description="Folder for old records of the audit log.")
    keep_days: int | None = Field(
        default=None, ge=1, description="Days that records stay in the database before they are archived; absent: all."
    )
    proxies: tuple[str, ...] = Field(default=(), description="Addresses of proxies whose X-Forwarded-* are believed.")
    log: Literal["console", "json"] = Field(
        default="console", description="How log lines are written to standard error: for people, or for programs."
    )
    key_days: int = Field(
        default=90, ge=0, le=3650, description="Days after which a signing key is replaced by itself; 0: never."
    )
    metrics: str = Field(
        default="",
        description="HOST:PORT of a listener with nothing but /metrics; empty: only at the socket in the data folder.",
    )
    danger_public_metrics: bool = Field(
        default=False, description="Show /metrics to everybody at the public listener, too."
    )
    credential_days: int = Field(
        default=0, ge=0, le=3650, description="Days for which a credential works at the most; 0: no limit."
    )
    fetch_allow: tuple[str, ...] = Field(
        default=(), description="Hosts and networks that are not public and that Accredit itself may ask, by https."
    )
    fetch_ca: Path | None = Field(
        default=None, description="File (PEM) of authorities whose certificates it believes besides the system's."
    )
    danger_http: bool = Field(
        default=False, description="Allow an http issuer off loopback. Tokens then travel in the clear: tests only."
    )

    @model_validator(mode="after")
    def _sound(self) -> "Settings":
        found = [*_issuer_problems(self.issuer, self.danger_http), *_database_problems(self.database_url)]
        if self.keep_days is not None and self.archive is None:
            found.append("keep_days: also set `archive`, the folder that older records go to")
        found += _fetch_problems(self.fetch_allow)
        found += [] if self.metrics_address is not None or not self.metrics else [_NO_ADDRESS]
        for proxy in self.proxies:
            try:
                ipaddress.ip_network(proxy)
            except ValueError:
                found.append(f"proxies: {proxy!r} is neither an address nor a network")
        if found:
            raise ValueError("\n".join(found))
        return self

    @field_validator("data", "checkpoints", "archive", "fetch_ca")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return value.expanduser().absolute() if value is not None else None

    @property
    def origin(self) -> str:
        """The issuer: as configured, or the loopback origin of the listener."""
        return self.issuer or f"http://{'[::1]' if self.host == '::1' else '127.0.0.1'}:{self.port}"

    @property
    def database_url(self) -> str | None:
        """The PostgreSQL URL, or None for SQLite in the data folder."""
        return self.database.get_secret_value() or None

    @property
    def metrics_address(self) -> tuple[str, int] | None:
        """Host and port of the listener of `/metrics`, or None."""
        host, _, port = self.metrics.rpartition(":")
        usable = host and port.isascii() and port.isdigit() and int(port) <= 65535
        return (host.removeprefix("[").removesuffix("]"), int(port)) if usable else None

    @property
    def socket(self) -> Path:
        """The Unix socket of the local administrator."""
        return self.data / "admin.sock"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  (pydantic-settings names its arguments)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: arguments, environment, file."""
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls))


def load(file: Path | None = None, **given: Any) -> Settings:
    """Return the settings of `file` (TOML), the environment and `given` (which wins, None counts as not given).

    Raises ConfigurationProblems with everything that is wrong.
    """
    found = [*_strangers(os.environ), *(_file_problems(file) if file is not None else ())]
    if found:
        raise ConfigurationProblems(found)

    class Located(Settings):
        model_config = SettingsConfigDict(toml_file=file)

    try:
        return Located(**{key: value for key, value in given.items() if value is not None})
    except ValidationError as error:
        raise ConfigurationProblems(_sentences(error)) from None
    except ValueError as error:
        where = file if isinstance(error, tomllib.TOMLDecodeError) else "the environment (lists are written as JSON)"
        raise ConfigurationProblems([f"{where}: {error}"]) from None


def _strangers(environment: Iterable[str]) -> list[str]:
    """Name the variables that look like ours and are none: a mistyped one must not be ignored."""
    known = sorted(f"ACCREDIT_{name.upper()}" for name in Settings.model_fields)
    found = []
    for name in sorted(environment):
        if name.upper().startswith("ACCREDIT_") and name.upper() not in known:
            near = difflib.get_close_matches(name.upper(), known, 1)
            found.append(f"{name}: there is no such setting" + (f"; {near[0]} is one" if near else ""))
    return found


def _file_problems(file: Path) -> list[str]:
    if not file.is_file():
        return [f"there is no configuration file {file}"]
    shared = os.name == "posix" and stat.S_IMODE(file.stat().st_mode) & 0o077
    if shared and re.search(rb"^\s*master_key\s*=", file.read_bytes(), re.MULTILINE):
        return [f"{file} holds the master key and others can read it; run: chmod 600 {file}"]
    return []


def _sentences(error: ValidationError) -> list[str]:
    found: list[str] = []
    for item in error.errors(include_url=False, include_input=False):
        where = ".".join(str(part) for part in item["loc"])
        text = item["msg"].removeprefix("Value error, ")
        found.extend(f"{where}: {line}" if where else line for line in text.splitlines())
    return found


def _issuer_problems(issuer: str, danger_http: bool) -> list[str]:
    """RFC 8414, 2: one spelling only, since everybody compares the issuer byte by byte."""
    if not issuer:
        return []
    checked = issuer.replace("http://", "https://", 1) if danger_http else issuer
    try:
        canonical = resource.canonical(checked)
    except ResourceError as error:
        return [
            f"issuer: {issuer!r} must be an https origin with an optional path; http is for loopback only ({error})"
        ]
    if canonical != checked or issuer.endswith("/"):
        return [f"issuer: write {issuer!r} in lower case, without default port, final slash and needless escapes"]
    return []


def _fetch_problems(texts: tuple[str, ...]) -> list[str]:
    try:
        Inside.parse(texts)
    except ValueError as error:
        return [f"fetch_allow: {error}"]
    return []


def _database_problems(url: str | None) -> list[str]:
    if url is None or url.startswith(("postgresql://", "postgres://")):
        return []
    return ["database: use postgresql://USER:PASSWORD@HOST/NAME, or leave it out for SQLite in the data folder"]
