"""Logs: an event's name and its fields; JSON in production, readable lines in development."""

import logging
import re
import sys

import structlog
from structlog.tracebacks import ExceptionDictTransformer

from app.settings import Environment, Settings

# What whoever has it may do something by: links to attachments, and those to unsubscribe.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{33,}")


def configure_logs(settings: Settings) -> None:
    """Send our events and the libraries' warnings to standard error."""
    level = logging.getLevelNamesMapping()[settings.log_level]
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer()
    if settings.environment is Environment.DEVELOPMENT:
        renderer = structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            _without_tokens,
            # Local variables hold bodies, addresses and secrets.
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False))
            if settings.environment is Environment.PRODUCTION
            else structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=max(level, logging.WARNING), stream=sys.stderr)


def _without_tokens(
    logger: object,  # noqa: ARG001 - structlog's signature
    method: str,  # noqa: ARG001
    event: structlog.typing.EventDict,
) -> structlog.typing.EventDict:
    if isinstance(event.get("path"), str):
        event["path"] = _TOKEN.sub("...", event["path"])
    return event
