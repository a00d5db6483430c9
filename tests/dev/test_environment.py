from pathlib import Path

import pytest
from pydantic import ValidationError

from app.dev.environment import (
    Addresses,
    letterbox_variables,
    problems_of,
    settings_from,
    stack_variables,
    token_settings,
)
from app.dev.folder import DataFolder

ADDRESSES = Addresses("mongodb://127.0.0.1:1/", "redis://127.0.0.1:2/0", 3)


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    return DataFolder.at(tmp_path)


def test_stack_adds_what_the_user_left_open(folder: DataFolder) -> None:
    variables = stack_variables(folder, 9000, ADDRESSES, {})

    assert variables == {
        "LETTERBOX_ENVIRONMENT": "development",
        "LETTERBOX_HOST": "127.0.0.1",
        "LETTERBOX_PORT": "9000",
        "LETTERBOX_PUBLIC_URL": "http://localhost:9000",
        "LETTERBOX_DATA_DIR": str(folder.root),
        "LETTERBOX_MONGO_URL": "mongodb://127.0.0.1:1/",
        "LETTERBOX_REDIS_URL": "redis://127.0.0.1:2/0",
        "LETTERBOX_JWT_SECRET": folder.jwt_secret(),
        "LETTERBOX_SECRET_KEYS": folder.encryption_key(),
        "LETTERBOX_ALLOW_PRIVATE_HOSTS": "true",
        "LETTERBOX_SMTP_HOST": "127.0.0.1",
        "LETTERBOX_SMTP_PORT": "3",
        "LETTERBOX_DEFAULT_SENDER_EMAIL": "crm@letterbox.test",
        "LETTERBOX_DEFAULT_SENDER_NAME": "Letterbox demo",
    }


def test_own_variables_win(folder: DataFolder) -> None:
    own = {
        "LETTERBOX_JWT_SECRET": "o" * 32,
        "LETTERBOX_SECRET_KEYS": "my own",
        "LETTERBOX_ALLOW_PRIVATE_HOSTS": "false",
        "LETTERBOX_SMTP_HOST": "relay.example.com",
        "LETTERBOX_PUBLIC_URL": "https://mail.example.com",
        "LETTERBOX_LOG_LEVEL": "DEBUG",
    }

    variables = stack_variables(folder, 9000, ADDRESSES, own)

    assert {name: variables[name] for name in own} == own
    assert "LETTERBOX_SMTP_PORT" not in variables
    assert not folder.root.exists() or not list(folder.root.iterdir())


def test_development_and_port_are_not_overridden(folder: DataFolder) -> None:
    own = {"LETTERBOX_ENVIRONMENT": "production", "LETTERBOX_PORT": "1", "LETTERBOX_SMTP_PORT": "2"}

    variables = stack_variables(folder, 9000, ADDRESSES, own)

    assert variables["LETTERBOX_ENVIRONMENT"] == "development"
    assert variables["LETTERBOX_PORT"] == "9000"
    assert variables["LETTERBOX_SMTP_PORT"] == "3"


def test_identity_provider_replaces_the_secret(folder: DataFolder) -> None:
    own = {"LETTERBOX_JWT_JWKS_URL": "https://id.example.com/jwks"}

    assert "LETTERBOX_JWT_SECRET" not in stack_variables(folder, 9000, ADDRESSES, own)


def test_empty_variables_and_others_are_left_out() -> None:
    environment = {"LETTERBOX_PORT": "1", "LETTERBOX_SMTP_HOST": "", "PATH": "/bin"}

    assert letterbox_variables(environment) == {"LETTERBOX_PORT": "1"}


def test_problems_name_the_variable_and_hide_the_value() -> None:
    wrong = {"LETTERBOX_PORT": "ninety", "LETTERBOX_JWT_SECRET": "short-secret"}

    with pytest.raises(ValidationError) as caught:
        settings_from(wrong)

    port, secret = problems_of(caught.value)
    assert port.startswith("LETTERBOX_PORT: Input should be a valid integer")
    assert secret.startswith("LETTERBOX_JWT_SECRET: must have at least 32 characters")
    assert "ninety" not in port
    assert "short-secret" not in secret


def test_problem_of_two_settings_together_is_said_as_it_is() -> None:
    both = {"LETTERBOX_JWT_SECRET": "s" * 32, "LETTERBOX_JWT_JWKS_URL": "https://id.example.com/k"}

    with pytest.raises(ValidationError) as caught:
        settings_from(both)

    [problem] = problems_of(caught.value)
    assert problem.startswith("LETTERBOX_JWT_SECRET and LETTERBOX_JWT_JWKS_URL exclude each other")


def test_token_settings_take_the_secret_of_the_folder(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LETTERBOX_JWT_SECRET", raising=False)
    made = folder.jwt_secret()

    secret = token_settings(folder).jwt_secret

    assert secret is not None
    assert secret.get_secret_value() == made


def test_token_settings_prefer_the_secret_of_the_environment(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LETTERBOX_JWT_SECRET", "e" * 32)

    secret = token_settings(folder).jwt_secret

    assert secret is not None
    assert secret.get_secret_value() == "e" * 32
    assert not (folder.root / "secret").exists()
