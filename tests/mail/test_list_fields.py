"""What mail programs read to let their readers leave: exact fields, as the RFCs write them."""

import pytest

from app.mail.list_fields import LIST_FIELDS, list_id_field, unsubscribe_fields

URL = "https://mail.example.test/u/abc"


def test_one_click_has_one_web_address_and_its_post() -> None:
    assert unsubscribe_fields(URL, None) == (
        ("List-Unsubscribe", f"<{URL}>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    )


def test_an_address_comes_second() -> None:
    fields = unsubscribe_fields(URL, "unsubscribe+abc@in.example.test")

    assert fields[0] == (
        "List-Unsubscribe",
        f"<{URL}>, <mailto:unsubscribe+abc@in.example.test?subject=unsubscribe>",
    )
    assert fields[1] == ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")


@pytest.mark.parametrize(
    ("tenant", "host", "expected"),
    [
        ("acme", "mail.example.test", "<1a2b.acme.mail.example.test>"),
        ("acme", "MAIL.example.test", "<1a2b.acme.mail.example.test>"),
        ("acme-2", "localhost", "<1a2b.acme-2.localhost>"),
        ("acme", "::1", "<1a2b.acme.1>"),
        ("acme", "", "<1a2b.acme.localhost>"),
        # What no domain may hold has a name of its own; two tenants never have one.
        ("Acme", "mail.test", "<1a2b.t37036cd8f9746d33.mail.test>"),
        ("a b>\r\nX: y", "mail.test", "<1a2b.taa4027e91f2e8d05.mail.test>"),
        ("-", "mail.test", "<1a2b.t3973e022e93220f9.mail.test>"),
    ],
)
def test_a_list_has_one_id(tenant: str, host: str, expected: str) -> None:
    assert list_id_field("1a2b", tenant=tenant, host=host) == ("List-Id", expected)


def test_an_id_is_no_longer_than_may_be() -> None:
    _, value = list_id_field("f" * 24, tenant="t" * 63, host="h" * 500)

    assert len(value) <= 255


def test_its_names_are_those_of_its_fields() -> None:
    fields = (*unsubscribe_fields(URL, None), list_id_field("1", tenant="t", host="h"))

    assert {name.lower() for name, _ in fields} == LIST_FIELDS
