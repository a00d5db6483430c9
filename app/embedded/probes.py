"""Questions to any MongoDB and Redis, ours or not, for `letterbox doctor`."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pymongo import MongoClient
from pymongo.errors import PyMongoError
from redis import Redis
from redis.exceptions import RedisError

from app.embedded.errors import EmbeddedServerError
from app.embedded.servers import unfitness

LIMIT_SECONDS = 3
PROGRAM_LIMIT_SECONDS = 20


@dataclass(frozen=True)
class MongoFacts:
    version: str
    replica_set: str | None
    is_primary: bool


def ask_mongo(url: str) -> MongoFacts:
    """Raises EmbeddedServerError, without the URL's credentials, when it does not answer."""
    try:
        client: MongoClient[dict[str, Any]] = MongoClient(
            url, serverSelectionTimeoutMS=LIMIT_SECONDS * 1000
        )
    except (PyMongoError, ValueError) as error:
        raise EmbeddedServerError(f"the URL cannot be used ({type(error).__name__})") from error
    with client:
        try:
            hello = client.admin.command("hello")
            version = client.admin.command("buildInfo")["version"]
        except PyMongoError as error:
            raise EmbeddedServerError(_silence(url, error)) from error
    return MongoFacts(version, hello.get("setName"), bool(hello.get("isWritablePrimary")))


def count_receiving(url: str, database: str) -> int:
    """How many accounts take in the mail of a mailbox; raises as `ask_mongo`."""
    try:
        with MongoClient[dict[str, Any]](
            url, serverSelectionTimeoutMS=LIMIT_SECONDS * 1000
        ) as client:
            found = client[database]["providerAccounts"]
            return found.count_documents({"graph.receivesMail": True}, limit=100)
    except (PyMongoError, ValueError) as error:
        raise EmbeddedServerError(
            f"the accounts cannot be read ({type(error).__name__})"
        ) from error


def ask_redis(url: str) -> str:
    """Return the version; raises EmbeddedServerError, without the URL's credentials."""
    try:
        client = Redis.from_url(
            url, socket_timeout=LIMIT_SECONDS, socket_connect_timeout=LIMIT_SECONDS
        )
    except ValueError as error:
        raise EmbeddedServerError("the URL cannot be used") from error
    with client:
        try:
            facts: Any = client.info("server")
        except (RedisError, OSError) as error:
            raise EmbeddedServerError(_silence(url, error)) from error
    return str(facts.get("valkey_version") or facts["redis_version"])


def ask_program(binary: Path, remedy: str) -> str:
    """Return its version line; raises EmbeddedServerError when it cannot run on this system."""
    try:
        answer = subprocess.run(  # noqa: S603  # the program we would start anyway
            [binary, "--version"],
            capture_output=True,
            text=True,
            timeout=PROGRAM_LIMIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EmbeddedServerError(f"{binary} does not run ({error}): {remedy}") from error
    if answer.returncode:
        lines = answer.stderr.splitlines()
        reason = unfitness(binary.name, lines, remedy)
        raise EmbeddedServerError(reason or f"{binary} does not run: {' '.join(lines[-1:])}")
    return answer.stdout.partition("\n")[0]


def _silence(url: str, error: Exception) -> str:
    place = urlsplit(url).netloc.rpartition("@")[2]
    return f"no answer at {place} ({type(error).__name__})"
