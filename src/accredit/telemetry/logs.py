"""Log lines: one form for people, one for programs, and no secret in either."""

import logging
import re
import sys
from typing import Any, Final, Literal, TextIO

import structlog
from structlog.types import EventDict, Processor

Form = Literal["console", "json"]
"""How a line is written."""

_SECRETS: Final = (
    re.compile(r"(?<![A-Za-z0-9])ac[a-z]_[\w-]{20,}"),
    re.compile(r"(?<![A-Za-z0-9])whsec_[\w+/=-]{20,}"),
    re.compile(r"(?<![A-Za-z0-9])eyJ[\w-]+\.[\w-]+\.[\w-]*"),
    re.compile(r"(?i)\b(?:bearer|basic|dpop)\s+[\w.~+/=-]{8,}"),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END|\Z)", re.DOTALL),
    re.compile(r"(?<=://)[^\s/@:]*:[^\s@]*(?=@)"),
    re.compile(r"(?i)\b(?:client_secret|client_assertion|password|access_token|refresh_token)=[^\s&]+"),
)
"""What looks like a secret of ours or of somebody else: no line should hold one, and none does."""

_KEPT: Final = ("decision", "correlation", "trace")
"""What a line may carry beside its text: ids only."""


def redacted(text: str) -> str:
    """Return `text` with everything that looks like a secret taken out."""
    for pattern in _SECRETS:
        text = pattern.sub("[secret]", text)
    return text


def configure(form: Form, stream: TextIO | None = None) -> logging.Handler:
    """Write every line of this process to `stream` (standard error) from now on; return what does it."""
    target = stream or sys.stderr
    handler = logging.StreamHandler(target)
    handler.setFormatter(_formatter(form, target))
    root = logging.getLogger()
    for old in list(root.handlers):
        if getattr(old, "accredit", False):
            root.removeHandler(old)
    handler.accredit = True  # type: ignore[attr-defined]
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("accredit").setLevel(logging.INFO)
    return handler


class _Redacting(structlog.stdlib.ProcessorFormatter):
    """Takes secrets out of the finished line, whatever part of it they came with."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return redacted(super().format(record))


def _formatter(form: Form, stream: TextIO) -> logging.Formatter:
    render: Processor = structlog.processors.JSONRenderer(ensure_ascii=True)
    if form == "console":
        render = structlog.dev.ConsoleRenderer(
            colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    shared: list[Processor] = [
        structlog.stdlib.ExtraAdder(_KEPT),
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]
    last: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if form == "json":
        last.append(structlog.processors.format_exc_info)
    return _Redacting(foreign_pre_chain=shared, processors=[*last, _printable, render])


def _printable(_: Any, __: str, event: EventDict) -> EventDict:
    """Spell out what would end a line or move a cursor: what strangers send must not look like a line of ours."""
    return {name: _spelled(value) if name != "exception" else value for name, value in event.items()}


def _spelled(value: Any) -> Any:
    if not isinstance(value, str) or value.isprintable():
        return value
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in value)
