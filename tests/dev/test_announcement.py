from pathlib import Path

import pytest

from app.dev.announcement import announce

BASE = "http://localhost:9000"


def test_token_and_addresses_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    announce(BASE, Path("data"), token="t.o.k", relay=None)

    said = capsys.readouterr().out
    assert f"GraphQL   {BASE}/graphql\n" in said
    assert f"Inbox     {BASE}/dev/inbox\n" in said
    assert "-H 'Authorization: Bearer t.o.k'" in said
    assert "Mail goes to" not in said


def test_own_relay_is_said_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    announce(BASE, Path("data"), token="t.o.k", relay="relay.example.com")

    lines = capsys.readouterr().out.splitlines()
    assert "Mail goes to relay.example.com, not to the inbox: LETTERBOX_SMTP_HOST is set." in lines


def test_identity_provider_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    announce(BASE, Path("data"), token=None, relay=None)

    said = capsys.readouterr().out
    assert "Your identity provider issues the tokens: LETTERBOX_JWT_JWKS_URL is set.\n" in said
    assert "-H 'Authorization: Bearer YOUR_TOKEN'" in said


@pytest.mark.parametrize(
    ("domain", "told"),
    [
        ("demo.test", "smtp://127.0.0.1:2525; anybody at demo.test is the tenant demo.\n"),
        (None, "smtp://127.0.0.1:2525\n"),
    ],
)
def test_where_mail_servers_hand_mail_in(
    capsys: pytest.CaptureFixture[str], domain: str | None, told: str
) -> None:
    announce(BASE, Path("data"), token=None, relay=None, inbound=2525, domain=domain)

    assert f"Mail servers hand mail in at {told}" in capsys.readouterr().out
