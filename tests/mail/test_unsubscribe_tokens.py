"""Tokens of one-click unsubscribe: read back in any case, and not to be forged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from app.encryption import derived
from app.mail.reply_addresses import reply_address
from app.mail.unsubscribe_tokens import (
    is_genuine,
    read_unsubscribe_address,
    read_unsubscribe_token,
    unsubscribe_address,
    unsubscribe_token,
)
from app.settings import Settings

KEY, OLDER = b"k" * 32, b"o" * 32
DOMAIN = "in.letterbox.test"
ID = "665f1c2e9b1e8a0012345678"
TOKEN = unsubscribe_token(KEY, tenant="acme", mail_id=ID)
ADDRESS = unsubscribe_address(TOKEN, domain=DOMAIN)
# Mail with this token is out: it must be understood for ever.
WRITTEN = "mzprylu3d2faaerukz4btp273i475vhkqerioex267uy6"


def test_it_is_read_back_by_its_tenant() -> None:
    token = read_unsubscribe_token(TOKEN)

    assert token is not None
    assert (token.mail_id, token.text) == (ID, TOKEN)
    assert len(token.signature) == 16
    assert is_genuine([KEY], token, tenant="acme")
    assert is_genuine([OLDER, KEY], token, tenant="acme")
    assert read_unsubscribe_address(ADDRESS, domain=DOMAIN) == token


def test_tokens_in_old_mail_stay_good() -> None:
    assert TOKEN == WRITTEN


def test_it_fits_every_mail_system() -> None:
    local, _, domain = ADDRESS.partition("@")

    assert (len(local), domain) == (57, DOMAIN)
    assert local == local.lower()
    assert TOKEN.isalnum()


@pytest.mark.parametrize("written", [TOKEN.upper(), TOKEN.title()])
def test_its_case_does_not_matter(written: str) -> None:
    assert read_unsubscribe_token(written) == read_unsubscribe_token(TOKEN)
    address = unsubscribe_address(written, domain=DOMAIN.upper())
    assert read_unsubscribe_address(address, domain=DOMAIN) == read_unsubscribe_token(TOKEN)


@pytest.mark.parametrize(
    ("keys", "tenant"),
    [([KEY], "umbrella"), ([KEY], ""), ([KEY], "ACME"), ([OLDER], "acme"), ([], "acme")],
)
def test_of_another_tenant_or_key_it_is_worth_nothing(keys: list[bytes], tenant: str) -> None:
    token = read_unsubscribe_token(TOKEN)

    assert token is not None
    assert not is_genuine(keys, token, tenant=tenant)


def test_a_reply_address_cannot_be_made_into_one() -> None:
    settings = Settings(secret_keys=SecretStr("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="))
    [reply], [unsubscribe] = settings.reply_keys, settings.unsubscribe_keys
    answer = reply_address(reply, tenant="acme", delivery_id=ID, domain=DOMAIN)
    signed_alike = read_unsubscribe_token(unsubscribe_token(reply, tenant="acme", mail_id=ID))

    assert unsubscribe == derived(bytes(range(32)), "unsubscribe") != reply
    assert read_unsubscribe_address(answer, domain=DOMAIN) is None
    assert signed_alike is not None
    assert not is_genuine([unsubscribe], signed_alike, tenant="acme")


@pytest.mark.parametrize("place", range(45))
def test_a_changed_token_is_worth_nothing(place: int) -> None:
    other = "c" if TOKEN[place] == "a" else "a"
    token = read_unsubscribe_token(TOKEN[:place] + other + TOKEN[place + 1 :])

    assert token is not None
    assert not is_genuine([KEY], token, tenant="acme")


@pytest.mark.parametrize("extra", ["", "a", "=", "===", "\n", " "])
def test_a_token_has_one_spelling(extra: str) -> None:
    # `6` and `7` differ in a bit that stands for nothing.
    assert TOKEN[-1] == "6"
    assert read_unsubscribe_token(f"{TOKEN[:-1]}7{extra}") is None
    assert extra == "" or read_unsubscribe_token(TOKEN + extra) is None


@pytest.mark.parametrize(
    "address",
    [
        "",
        DOMAIN,
        TOKEN,
        "jan@customer.test",
        ADDRESS.replace(DOMAIN, "customer.test"),
        ADDRESS.replace(DOMAIN, f"x.{DOMAIN}"),
        ADDRESS.replace("unsubscribe+", ""),
        ADDRESS.replace("unsubscribe+", "reply+"),
        ADDRESS.replace("unsubscribe+", "unsubscribe+a"),
        ADDRESS[:20] + "1" + ADDRESS[21:],
        f"<{ADDRESS}>",
        f"{ADDRESS}\n",
    ],
)
def test_every_other_address_is_none(address: str) -> None:
    assert read_unsubscribe_address(address, domain=DOMAIN) is None


@given(st.text(max_size=80))
def test_no_text_breaks_it(text: str) -> None:
    assert read_unsubscribe_token(text) is None
    assert read_unsubscribe_address(f"unsubscribe+{text}@{DOMAIN}", domain=DOMAIN) is None
