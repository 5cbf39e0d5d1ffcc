"""The log: one structured event per line, with ids and never with secrets, addresses or bodies."""

import logging
import re
import sys
from collections.abc import Mapping
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN = "(hidden)"

SECRET_KEY = re.compile(
    r"(?:^|_)(?:key|keys|secret|secrets|password|passwd|token|tokens|authorization|cookie|cookies|session|otp|csrf)$"
    r"|^(?:address|email|mail_from|rcpt|rcpt_to|recipient|recipients|to|cc|bcc|from|reply_to|phone|body|subject|html)$"
    r"|(?:^|_)(?:address|email|body)$",
    re.IGNORECASE,
)
"""Names whose values are never written. Ids (`lead_id`) and step names (`step_key`) are exempt below."""

PLAIN_KEYS = frozenset({"step_key", "dedupe_key", "branch_key", "job_key"})

SECRET_IN_TEXT = (
    # Anything that looks like an address, so that an exception's words do not give a person away.
    (re.compile(r"[^\s@<>\"'(),;:=]+@[^\s@<>\"'(),;:]+\.[^\s@<>\"'(),;:]+"), "(address)"),
    # A password inside of a URL, and what follows a token's path.
    (re.compile(r"(://[^:/@\s]*):[^@\s/]*@"), rf"\1:{HIDDEN}@"),
    (re.compile(r"/(o|c|u|p|v|reset)/[A-Za-z0-9_-]{16,}"), rf"/\1/{HIDDEN}"),
    # SendGrid's keys, bearer tokens, and long values given by name.
    (re.compile(r"\bSG\.[\w-]{10,}\.[\w-]{10,}"), HIDDEN),
    (re.compile(r"(?i)\b(bearer|basic) [\w.~+/=-]{8,}"), rf"\1 {HIDDEN}"),
    (re.compile(r"(?i)\b(\w*(?:password|secret|token|api_?key))([=:] ?)[^\s&,;\"']+"), rf"\1\2{HIDDEN}"),
)


def configure_logs(level: str, *, json: bool, stream: TextIO | None = None) -> None:
    """Sends our log and that of every library to `stream` (standard error), one line per event.

    `level` is `debug`, `info`, `warning` or `error`; JSON is for machines, colours are for terminals.
    """
    target = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.PositionalArgumentsFormatter()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            mask,
            _renderer(json, target),
        ],
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # They tell of every job and request at INFO, which our own events already do.
    for name in ("alembic", "_granian", "granian.access"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    # It warns whenever a job takes longer than its interval, which is meant to be so.
    logging.getLogger("apscheduler").setLevel(max(logging.ERROR, root.level))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module: `logger(__name__).info("message_sent", message_id=7)`."""
    bound: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return bound


def mask(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Hides secrets and people: by the name of a value, and by what a text looks like."""
    return {name: _masked(name, value) for name, value in event.items()}


def _masked(name: str, value: object) -> object:
    if name not in PLAIN_KEYS and SECRET_KEY.search(name):
        return HIDDEN
    if isinstance(value, Mapping):
        return {str(inner): _masked(str(inner), content) for inner, content in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked("", content) for content in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return _masked_text(str(value))


def _masked_text(text: str) -> str:
    for pattern, replacement in SECRET_IN_TEXT:
        text = pattern.sub(replacement, text)
    return text


def _renderer(json: bool, target: TextIO) -> Processor:
    if json:
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(
        colors=target.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
