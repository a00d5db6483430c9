import base64
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.settings import AddressKeeping, Environment, Settings, SmtpSecurity

SECRET = "a secret of exactly 32 characters"[:32]
JWKS = "https://login.acme.test/jwks"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of this machine, no file of this folder."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"LETTERBOX_{name.upper()}", raising=False)
    monkeypatch.chdir(tmp_path)


def test_the_defaults() -> None:
    settings = Settings()

    assert settings.environment is Environment.PRODUCTION
    assert (settings.host, settings.port) == ("127.0.0.1", 18080)
    assert settings.public_base == "http://localhost:18080"
    assert settings.body_limit == 10 * 1024 * 1024
    assert settings.recipient_limit == 50
    assert settings.idempotency_hours == 24
    assert settings.smtp_security is SmtpSecurity.NONE
    assert (settings.jwt_secret, settings.jwt_jwks_url) == (None, None)


def test_every_setting_is_described() -> None:
    missing = [name for name, field in Settings.model_fields.items() if not field.description]

    assert missing == []


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("smtp_timeout", "2.5", timedelta(seconds=2.5)),
        ("lease", "90", timedelta(seconds=90)),
        ("port", "9000", 9000),
        ("environment", "development", Environment.DEVELOPMENT),
        ("smtp_security", "starttls", SmtpSecurity.STARTTLS),
        ("body_limit", "1024", 1024),
        ("default_sender_email", "crm@acme.test", "crm@acme.test"),
        ("scan_delay", "0", timedelta(0)),
        ("engagement_retention", "31536000", timedelta(days=365)),
        ("engagement_address", "full", AddressKeeping.FULL),
        ("trusted_proxies", "10.0.0.0/8, ::1", "10.0.0.0/8, ::1"),
        ("trusted_proxies", "*", "*"),
    ],
)
def test_a_setting_is_read_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, expected: object
) -> None:
    monkeypatch.setenv(f"LETTERBOX_{name.upper()}", text)

    assert getattr(Settings(), name) == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("port", "0"),
        ("port", "65536"),
        ("port", "http"),
        ("environment", "prod"),
        ("smtp_security", "ssl"),
        ("public_url", "mail.acme.test"),
        ("smtp_connections", "0"),
        ("send_attempts", "0"),
        ("worker_jobs", "0"),
        ("smtp_ca_file", "/nowhere/ca.pem"),
        ("jwt_jwks_url", "login"),
        ("secret_keys", "password"),
        ("scan_delay", "-1"),
        ("scan_delay", "301"),
        ("engagement_retention", "0"),
        ("engagement_address", "some"),
        ("trusted_proxies", "127.0.0.1, proxy.acme.test"),
        ("attachment_link_lifetime", "59"),
        ("attachment_link_lifetime", "86401"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    monkeypatch.setenv(f"LETTERBOX_{name.upper()}", text)

    with pytest.raises(ValidationError) as refused:
        Settings()

    assert [error["loc"] for error in refused.value.errors()] == [(name,)]


def test_a_short_secret_is_refused_without_showing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LETTERBOX_JWT_SECRET", SECRET[:31])

    with pytest.raises(ValidationError) as refused:
        Settings()

    (error,) = refused.value.errors()
    assert error["loc"] == ("jwt_secret",)
    assert "must have at least 32 characters" in error["msg"]
    assert SECRET[:31] not in str(refused.value)


def test_a_secret_of_32_characters_is_long_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LETTERBOX_JWT_SECRET", SECRET)

    secret = Settings().jwt_secret

    assert secret is not None
    assert secret.get_secret_value() == SECRET


def test_a_secret_and_a_jwks_exclude_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LETTERBOX_JWT_SECRET", SECRET)
    monkeypatch.setenv("LETTERBOX_JWT_JWKS_URL", JWKS)

    with pytest.raises(ValidationError, match="exclude each other"):
        Settings()


def test_keys_are_read_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [bytes(range(32)), bytes(range(9, 41))]
    text = ", ".join(base64.b64encode(key).decode() for key in keys)
    assert Settings().encryption_keys == ()
    monkeypatch.setenv("LETTERBOX_SECRET_KEYS", text)

    settings = Settings()

    assert settings.encryption_keys == tuple(keys)
    assert text not in repr(settings)
    monkeypatch.setenv("LETTERBOX_SECRET_KEYS", f"{text},weak-key")
    with pytest.raises(ValidationError, match="key 3 must be 32 random bytes") as refused:
        Settings()
    assert "weak-key" not in str(refused.value)


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LETTERBOX_JWT_SECRET", SECRET)
    monkeypatch.setenv("LETTERBOX_SMTP_PASSWORD", "s3cret-of-the-relay")

    shown = repr(Settings())

    assert SECRET not in shown
    assert "s3cret-of-the-relay" not in shown


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("https://mail.acme.test", "https://mail.acme.test"),
        ("https://mail.acme.test/", "https://mail.acme.test"),
        ("https://acme.test/mail/", "https://acme.test/mail"),
        ("http://acme.test:8080", "http://acme.test:8080"),
    ],
)
def test_the_public_address_ends_without_a_slash(
    monkeypatch: pytest.MonkeyPatch, given: str, base: str
) -> None:
    monkeypatch.setenv("LETTERBOX_PUBLIC_URL", given)

    assert Settings().public_base == base


def test_settings_do_not_change() -> None:
    settings = Settings()

    with pytest.raises(ValidationError):
        settings.port = 1  # type: ignore[misc]  # that it cannot be done is the point
