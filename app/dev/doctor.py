"""`letterbox doctor`: asks everything Letterbox depends on, and says how to mend what is wrong.

No line repeats a secret: URLs appear as host and port, settings by name.
"""

import json
import smtplib
import socket
import ssl
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from email_validator import EmailNotValidError, validate_email
from pydantic import ValidationError

from app.dev.environment import letterbox_variables, problems_of, settings_from
from app.dev.folder import DataFolder
from app.dev.output import say
from app.embedded.binaries import MONGOD_REMEDY, REDIS_REMEDY, find_mongod, find_redis
from app.embedded.errors import EmbeddedServerError
from app.embedded.probes import ask_mongo, ask_program, ask_redis, count_receiving
from app.settings import Environment, Settings, SmtpSecurity

LIMIT_SECONDS = 5
SMTP_OK = 250
GRAPH_PATH = "/api/v1/webhooks/graph"
_GREETING = 512
OLDEST_PYTHON = (3, 11)


class Fault(Exception):  # noqa: N818  # a finding, not an error of ours
    """What is wrong and how to mend it, in one line."""


@dataclass(frozen=True)
class Finding:
    subject: str
    text: str
    is_ok: bool = True

    @property
    def line(self) -> str:
        return f"{'ok  ' if self.is_ok else 'FAIL'}  {self.subject}: {self.text}"


def run_doctor(folder: DataFolder) -> int:
    """Print one line per check; the exit code is 1 when any failed."""
    is_well = True
    for finding in examine(folder):
        say(finding.line)
        is_well = is_well and finding.is_ok
    return 0 if is_well else 1


def examine(folder: DataFolder) -> Iterator[Finding]:
    """Check everything with the environment's settings, completed by a stack that runs."""
    running, own = folder.running_environment(), letterbox_variables()
    yield _finding("Python", _python)
    yield Finding("stack", f"{'runs' if running else 'does not run'} on {folder.root}")
    try:
        settings = settings_from({**running, **own})
    except ValidationError as error:
        yield from (Finding("settings", line, is_ok=False) for line in problems_of(error))
    else:
        yield Finding("settings", "valid")
        yield from _dependencies(settings)
    yield _finding("data folder", lambda: _data_folder(folder.root))
    yield _finding("mongod", lambda: _program("LETTERBOX_MONGO_URL", find_mongod, MONGOD_REMEDY))
    yield _finding("redis", lambda: _program("LETTERBOX_REDIS_URL", find_redis, REDIS_REMEDY))


def _dependencies(settings: Settings) -> Iterator[Finding]:
    yield _finding("MongoDB", lambda: _mongo(settings.mongo_url))
    yield _finding("Redis", lambda: _redis(settings.redis_url))
    yield _finding("SMTP relay", lambda: _relay(settings))
    yield _finding("token key", lambda: _token_key(settings))
    yield _finding("secret keys", lambda: _secret_keys(settings))
    yield _finding("public address", lambda: _public_address(settings))
    yield _finding("default sender", lambda: _default_sender(settings.default_sender_email))
    yield _finding("mail servers", lambda: _listener(settings.listener_place))
    yield _finding("Graph notices", lambda: _graph_notices(settings))


def _finding(subject: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, check())
    except (Fault, EmbeddedServerError) as fault:
        return Finding(subject, str(fault), is_ok=False)


def _python() -> str:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < OLDEST_PYTHON:
        raise Fault(f"{version} is too old: install Python 3.11 or newer")
    return version


def _mongo(url: str) -> str:
    try:
        facts = ask_mongo(url)
    except EmbeddedServerError as error:
        raise Fault(f"{error}: start `letterbox dev`, or set LETTERBOX_MONGO_URL") from error
    if facts.replica_set is None:
        raise Fault(
            f"{facts.version} runs alone, without transactions: start it with --replSet rs0 "
            "and call rs.initiate()"
        )
    if not facts.is_primary:
        raise Fault(f"replica set {facts.replica_set} has no primary here: look at rs.status()")
    return f"{facts.version}, primary of replica set {facts.replica_set}"


def _redis(url: str) -> str:
    try:
        return f"version {ask_redis(url)}"
    except EmbeddedServerError as error:
        raise Fault(f"{error}: start `letterbox dev`, or set LETTERBOX_REDIS_URL") from error


def _relay(settings: Settings) -> str:
    place = f"{settings.smtp_host}:{settings.smtp_port}"
    try:
        with _smtp(settings) as relay:
            code, _ = relay.ehlo()
            offers_tls = relay.has_extn("starttls")
    except (OSError, smtplib.SMTPException) as error:
        raise Fault(
            f"no answer at {place} ({type(error).__name__}): check LETTERBOX_SMTP_HOST and "
            "LETTERBOX_SMTP_PORT"
        ) from error
    if code != SMTP_OK:
        raise Fault(f"{place} answers EHLO with {code}: it is not a mail server we may use")
    if settings.smtp_security is SmtpSecurity.STARTTLS and not offers_tls:
        raise Fault(f"{place} offers no STARTTLS: set LETTERBOX_SMTP_SECURITY to tls or none")
    return f"{place} answers, security {settings.smtp_security.value}"


def _smtp(settings: Settings) -> smtplib.SMTP:
    host, port = settings.smtp_host, settings.smtp_port
    if settings.smtp_security is SmtpSecurity.TLS:
        context = ssl.create_default_context(cafile=settings.smtp_ca_file)
        return smtplib.SMTP_SSL(host, port, "localhost", timeout=LIMIT_SECONDS, context=context)
    return smtplib.SMTP(host, port, "localhost", timeout=LIMIT_SECONDS)


def _token_key(settings: Settings) -> str:
    if settings.jwt_secret is not None:
        return "LETTERBOX_JWT_SECRET is set"
    if settings.jwt_jwks_url is None:
        raise Fault(
            "none: set LETTERBOX_JWT_SECRET (32 characters or more) or LETTERBOX_JWT_JWKS_URL"
        )
    url = str(settings.jwt_jwks_url)
    try:
        with urllib.request.urlopen(url, timeout=LIMIT_SECONDS) as answer:  # noqa: S310  # the setting allows http and https only
            keys = json.load(answer)["keys"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Fault(
            f"no key set at LETTERBOX_JWT_JWKS_URL ({type(error).__name__}): check the address"
        ) from error
    return f"{len(keys)} keys at LETTERBOX_JWT_JWKS_URL"


def _secret_keys(settings: Settings) -> str:
    count = len(settings.encryption_keys)
    if count == 0:
        raise Fault(
            "none, so no provider account can be made, and nobody can unsubscribe from mail: set "
            "LETTERBOX_SECRET_KEYS to the output of `openssl rand -base64 32`, and keep it"
        )
    return f"{count} in LETTERBOX_SECRET_KEYS"


def _public_address(settings: Settings) -> str:
    base = settings.public_base
    if settings.public_url.scheme == "https":
        return base
    if settings.environment is Environment.DEVELOPMENT:
        return f"{base}, good for development: links in real mail need https"
    raise Fault(
        f"{base} is no https address, so mail programs offer nobody to unsubscribe by one click, "
        "and links can be read on their way: set LETTERBOX_PUBLIC_URL to the address of a proxy "
        "with TLS"
    )


def _default_sender(address: str | None) -> str:
    if address is None:
        return "none, so every mail must name its senderEmail"
    try:
        validate_email(address, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise Fault(f"correct LETTERBOX_DEFAULT_SENDER_EMAIL: {error}") from error
    return address


def _listener(place: tuple[str, int] | None) -> str:
    if place is None:
        return (
            "none looked for: where `letterbox inbound` takes mail from them, set "
            "LETTERBOX_INBOUND_LISTENER"
        )
    name = f"{place[0]}:{place[1]}"
    try:
        with socket.create_connection(place, timeout=LIMIT_SECONDS) as connection:
            greeting = connection.recv(_GREETING).decode("ascii", "replace")
    except OSError as error:
        raise Fault(
            f"no answer at {name} ({type(error).__name__}): start `letterbox inbound`, or correct "
            "LETTERBOX_INBOUND_LISTENER"
        ) from error
    if not greeting.startswith("220 "):
        raise Fault(f"{name} takes no mail at the moment: {greeting[:3] or 'it says nothing'}")
    return f"{name} takes mail"


def _graph_notices(settings: Settings) -> str:
    if settings.public_url.scheme == "https":
        return f"Microsoft Graph tells of mail at {settings.public_base}{GRAPH_PATH}/..."
    every = round(settings.graph_poll_interval.total_seconds())
    words = (
        f"LETTERBOX_PUBLIC_URL is no https address, so mailboxes are looked into every {every} "
        "seconds"
    )
    with suppress(EmbeddedServerError):
        if count_receiving(settings.mongo_url, settings.mongo_database):
            raise Fault(f"{words}: set it to the https address at which Graph reaches this service")
    return words


def _data_folder(root: Path) -> str:
    existing = next(folder for folder in (root, *root.parents) if folder.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            return f"{root} is writable"
    except OSError as error:
        raise Fault(
            f"{existing} is not writable ({error.strerror}): choose another with --data-dir"
        ) from error


def _program(variable: str, find: Callable[[], Path], remedy: str) -> str:
    if variable in letterbox_variables():
        return f"not needed, {variable} is set"
    binary = find()
    return f"{binary} ({ask_program(binary, remedy)})"
