"""Settings from `LETTERBOX_*` variables, and what the development stack adds to them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from app.dev.folder import DataFolder
from app.settings import Environment, Settings

PREFIX = "LETTERBOX_"


@dataclass(frozen=True)
class Addresses:
    """Where the servers of this stack are; the ports are on loopback.

    `inbound_port` is None where no mail servers are listened to.
    """

    mongo_url: str
    redis_url: str
    smtp_port: int
    inbound_port: int | None = None


def letterbox_variables(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Select the variables that are settings and not empty."""
    return {name: value for name, value in environment.items() if name.startswith(PREFIX) and value}


def settings_from(variables: Mapping[str, str]) -> Settings:
    """Read settings from these variables, and from the process environment for the others.

    Raises pydantic's ValidationError; `problems_of` makes it readable.
    """
    values = {name.removeprefix(PREFIX).lower(): value for name, value in variables.items()}
    return Settings.model_validate(values)


def problems_of(error: ValidationError) -> list[str]:
    """Say what is wrong, one line per setting, without repeating its value: it may be secret."""
    return [_problem(detail["loc"], detail["msg"]) for detail in error.errors()]


def _problem(location: tuple[int | str, ...], message: str) -> str:
    message = message.removeprefix("Value error, ")
    return f"{PREFIX}{str(location[0]).upper()}: {message}" if location else message


def stack_variables(
    folder: DataFolder, port: int, addresses: Addresses, own: Mapping[str, str]
) -> dict[str, str]:
    """Complete the user's `own` variables to those of the API and the workers."""
    defaults = {
        "LETTERBOX_HOST": "127.0.0.1",
        "LETTERBOX_PUBLIC_URL": f"http://localhost:{port}",
        "LETTERBOX_DEFAULT_SENDER_EMAIL": "crm@letterbox.test",
        "LETTERBOX_DEFAULT_SENDER_NAME": "Letterbox demo",
        "LETTERBOX_MONGO_URL": addresses.mongo_url,
        "LETTERBOX_REDIS_URL": addresses.redis_url,
        # The inbox is an SMTP relay on loopback, and an account may name it.
        "LETTERBOX_ALLOW_PRIVATE_HOSTS": "true",
    }
    if "LETTERBOX_SECRET_KEYS" not in own:
        defaults["LETTERBOX_SECRET_KEYS"] = folder.encryption_key()
    if "LETTERBOX_JWT_JWKS_URL" not in own and "LETTERBOX_JWT_SECRET" not in own:
        defaults["LETTERBOX_JWT_SECRET"] = folder.jwt_secret()
    if "LETTERBOX_SMTP_HOST" not in own:
        # Its own port alone is no relay: host and port belong together.
        own = {name: value for name, value in own.items() if name != "LETTERBOX_SMTP_PORT"}
        defaults["LETTERBOX_SMTP_HOST"] = "127.0.0.1"
        defaults["LETTERBOX_SMTP_PORT"] = str(addresses.smtp_port)
    if addresses.inbound_port is not None:
        own = {**own, "LETTERBOX_INBOUND_LISTENER": f"127.0.0.1:{addresses.inbound_port}"}
    fixed = {
        "LETTERBOX_ENVIRONMENT": Environment.DEVELOPMENT.value,
        "LETTERBOX_PORT": str(port),
        "LETTERBOX_DATA_DIR": str(folder.root),
    }
    return {**defaults, **own, **fixed}


def token_settings(folder: DataFolder) -> Settings:
    """Read settings, with the secret of `folder` where the environment names no key.

    Raises StackError when that folder has none.
    """
    settings = settings_from({})
    if settings.jwt_secret is None and settings.jwt_jwks_url is None:
        return settings_from({"LETTERBOX_JWT_SECRET": folder.known_jwt_secret()})
    return settings


def data_folder(chosen: Path | None) -> DataFolder:
    """Open the folder of `--data-dir`, else of LETTERBOX_DATA_DIR, else `.letterbox`."""
    return DataFolder.at(chosen or os.environ.get("LETTERBOX_DATA_DIR") or ".letterbox")
