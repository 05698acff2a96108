"""What a guard is told by its program. Whatever is wrong with it is said at once, before anything runs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypedDict

from accredit_sdk import resource as resources
from accredit_sdk.errors import ConfigurationError, ResourceError
from accredit_sdk.guard.fetch import Fetch
from accredit_sdk.guard.folder import IDENTITY, Folder
from accredit_sdk.guard.identity import BrokenIdentity, Identity
from accredit_sdk.guard.moment import Clock
from accredit_sdk.policy import Target
from accredit_sdk.snapshot import LONGEST_BOUND

_BEAT: Final = 5
"""Seconds between two beats, unless a bound is so short that it needs more."""


class Settings(TypedDict, total=False):
    """The optional arguments of a guard.

    `code`: a one-time enrolment code, used when the folder holds no identity yet. `public`: exact paths of the wrapped
    app that need no token; every other path but the MCP endpoint is refused. `path`: where the app serves MCP, if not
    at the path of the resource. `name`: shown in the metadata. `targets`: what the server offers and what each needs,
    instead of what Accredit says about it. `hosts`, `origins`: values of `Host` and `Origin` to let
    in besides those of the resource. `poll_interval`: seconds between two attempts to hear from Accredit, when the
    stream of signals has ended or there is none. `stale_after`,
    `stale_after_destructive`: how old, in seconds, the policy behind a decision may be; at least 3, at most a day.
    `max_body`: bytes.
    `records`: "spool" keeps records in the folder until Accredit has them, "memory" loses them with the process.
    `spool_limit`: the most bytes that wait in the spool. `clock`, `fetch`: for tests.
    """

    code: str | None
    public: tuple[str, ...]
    path: str | None
    name: str | None
    targets: tuple[Target, ...] | None
    hosts: tuple[str, ...]
    origins: tuple[str, ...]
    poll_interval: float
    stale_after: float
    stale_after_destructive: float
    max_body: int
    records: Literal["spool", "memory"]
    spool_limit: int
    clock: Clock | None
    fetch: Fetch | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """All arguments of a guard, checked by `checked`. The members are those of Settings."""

    issuer: str
    resource: str
    folder: str | Path
    code: str | None = None
    public: tuple[str, ...] = ()
    path: str | None = None
    name: str | None = None
    targets: tuple[Target, ...] | None = None
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    poll_interval: float = 1.0
    stale_after: float = 300.0
    stale_after_destructive: float = 30.0
    max_body: int = 1024 * 1024
    records: Literal["spool", "memory"] = "spool"
    spool_limit: int = 64 * 1024 * 1024
    clock: Clock | None = None
    fetch: Fetch | None = None

    def beat(self) -> int:
        """Return every how many seconds Accredit is to say that nothing is new: three fit into each bound."""
        return max(1, min(_BEAT, int(min(self.stale_after, self.stale_after_destructive) // 3)))

    def checked(self) -> Identity | None:
        """Return the identity in the folder, None if the code is still to be used. Raises ConfigurationError."""
        found = [*self._addresses(), *self._numbers(), *self._paths(), *self._twice()]
        folder = Folder(Path(self.folder))
        if not str(self.folder):
            raise ConfigurationError([*found, "folder is empty: say where the guard keeps its identity and its spool"])
        found += folder.problems(writable=self.records == "spool" or self.code is not None)
        if folder.exposed(IDENTITY):
            found.append(f"{folder.path / IDENTITY} can be read by others; make it the guard's own: chmod 600")
        identity = None
        try:
            identity = Identity.load(folder)
        except BrokenIdentity as error:
            found.append(str(error))
        else:
            found += self._stranger(folder, identity)
        if found:
            raise ConfigurationError(found)
        return identity

    def _addresses(self) -> list[str]:
        found = []
        for name, value in (("issuer", self.issuer), ("resource", self.resource)):
            try:
                canonical = resources.canonical(value)
            except (ResourceError, TypeError) as error:
                found.append(f"{name} {value!r}: {error}")
            else:
                if canonical != value:
                    found.append(f"{name} {value!r} must be written as {canonical!r}")
        return found

    def _numbers(self) -> list[str]:
        found = [
            f"{name} must be more than 0"
            for name in ("poll_interval", "stale_after", "stale_after_destructive", "max_body", "spool_limit")
            if not getattr(self, name) > 0
        ]
        if self.poll_interval * 2 > min(self.stale_after, self.stale_after_destructive):
            found.append("poll_interval must be at most half of stale_after and of stale_after_destructive")
        found += [
            f"{name} must be at least 3 seconds: Accredit says once a second, at the most, that nothing is new"
            for name in ("stale_after", "stale_after_destructive")
            if 0 < getattr(self, name) < 3
        ]
        found += [
            f"{name} must be at most {LONGEST_BOUND} seconds: a revocation that takes longer than a day is none"
            for name in ("stale_after", "stale_after_destructive")
            if getattr(self, name) > LONGEST_BOUND
        ]
        if self.records not in ("spool", "memory"):
            found.append(f"records must be 'spool' or 'memory', not {self.records!r}")
        return found

    def _paths(self) -> list[str]:
        found = [f"path {path!r} must begin with a slash" for path in self._all_paths() if not path.startswith("/")]
        if self.path in self.public:
            found.append("the MCP endpoint cannot be public")
        return found

    def _twice(self) -> list[str]:
        named = [(target.kind, target.name) for target in self.targets or ()]
        return [
            f"targets: the {kind} {name!r} is there twice"
            for kind, name in sorted(set(named))
            if named.count((kind, name)) > 1
        ]

    def _all_paths(self) -> tuple[str, ...]:
        return self.public if self.path is None else (*self.public, self.path)

    def _stranger(self, folder: Folder, identity: Identity | None) -> list[str]:
        if identity is None:
            if self.code is not None:
                return []
            command = f"python -m accredit_sdk.guard enrol --issuer {self.issuer} --folder {folder.path}"
            return [
                f"folder {folder.path} holds no identity; get a code with `accredit guard enrol` and run: {command}"
            ]
        found = []
        if identity.issuer != self.issuer:
            found.append(f"folder {folder.path} belongs to a guard of issuer {identity.issuer}, not {self.issuer}")
        if identity.resource != self.resource:
            found.append(f"folder {folder.path} belongs to a guard of {identity.resource}, not {self.resource}")
        return found
