"""Addresses that name what they answer: read back in any case, and not to be forged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.reply_addresses import is_genuine, read_reply_address, reply_address

KEY, OLDER = b"k" * 32, b"o" * 32
DOMAIN = "in.letterbox.test"
ID = "665f1c2e9b1e8a0012345678"
ADDRESS = reply_address(KEY, tenant="acme", delivery_id=ID, domain=DOMAIN)


def test_it_is_read_back_by_its_tenant() -> None:
    token = read_reply_address(ADDRESS, domain=DOMAIN)

    assert token is not None
    assert token.delivery_id == ID
    assert is_genuine([KEY], token, tenant="acme")
    assert is_genuine([OLDER, KEY], token, tenant="acme")


def test_it_fits_every_mail_system() -> None:
    local, _, domain = ADDRESS.partition("@")

    assert (len(local), domain) == (42, DOMAIN)
    assert local == local.lower()


@pytest.mark.parametrize("written", [ADDRESS.upper(), ADDRESS.title()])
def test_its_case_does_not_matter(written: str) -> None:
    assert read_reply_address(written, domain=DOMAIN) == read_reply_address(ADDRESS, domain=DOMAIN)


@pytest.mark.parametrize(
    ("keys", "tenant"),
    [([KEY], "umbrella"), ([KEY], ""), ([KEY], "ACME"), ([OLDER], "acme"), ([], "acme")],
)
def test_of_another_tenant_or_key_it_is_worth_nothing(keys: list[bytes], tenant: str) -> None:
    token = read_reply_address(ADDRESS, domain=DOMAIN)

    assert token is not None
    assert not is_genuine(keys, token, tenant=tenant)


@pytest.mark.parametrize("place", range(6, 40))
def test_a_changed_token_is_worth_nothing(place: int) -> None:
    other = "b" if ADDRESS[place] == "a" else "a"
    token = read_reply_address(ADDRESS[:place] + other + ADDRESS[place + 1 :], domain=DOMAIN)

    assert token is not None
    assert not is_genuine([KEY], token, tenant="acme")


@pytest.mark.parametrize(
    "address",
    [
        "",
        DOMAIN,
        "jan@customer.test",
        ADDRESS.replace(DOMAIN, "customer.test"),
        ADDRESS.replace(DOMAIN, f"x.{DOMAIN}"),
        ADDRESS.replace("reply+", ""),
        ADDRESS.replace("reply+", "reply+a"),
        ADDRESS[:20] + "1" + ADDRESS[21:],
        f"<{ADDRESS}>",
        f"{ADDRESS}\n",
    ],
)
def test_everything_else_is_none(address: str) -> None:
    assert read_reply_address(address, domain=DOMAIN) is None


@given(st.text(max_size=80))
def test_no_text_breaks_it(text: str) -> None:
    assert read_reply_address(f"reply+{text}@{DOMAIN}", domain=DOMAIN) is None
