import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.addresses import Mailbox, new_message_id, parse_mailbox


@pytest.mark.parametrize(
    ("text", "address", "name"),
    [
        ("a@b.nl", "a@b.nl", None),
        ("  a@b.nl  ", "a@b.nl", None),
        ("<a@b.nl>", "a@b.nl", None),
        ("Jan de Vries <a@b.nl>", "a@b.nl", "Jan de Vries"),
        ("Jan de Vries<a@b.nl>", "a@b.nl", "Jan de Vries"),
        ("Vries, J. de (Jan) <a@b.nl>", "a@b.nl", "Vries, J. de (Jan)"),
        ('"Vries, \\"Jan\\" de" <a@b.nl>', "a@b.nl", 'Vries, "Jan" de'),
        ('"" <a@b.nl>', "a@b.nl", None),
        ("a@b.nl <a@b.nl>", "a@b.nl", "a@b.nl"),
        ("José Ñandú 🦤 <a@b.nl>", "a@b.nl", "José Ñandú 🦤"),
        ('"a@b.nl, c@d.nl" <e@f.nl>', "e@f.nl", "a@b.nl, c@d.nl"),
        ("a+b_c.d=e@b.nl", "a+b_c.d=e@b.nl", None),
        ('"jan.jansen"@b.nl', "jan.jansen@b.nl", None),
        ("o'neil@B.NL", "o'neil@b.nl", None),
        ("PostMaster@b.nl", "PostMaster@b.nl", None),
        ("a@bücher.example", "a@xn--bcher-kva.example", None),
        ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example", None),
        ("a@例え.テスト", "a@xn--r8jz45g.xn--zckzah", None),
        ("a@mail.test", "a@mail.test", None),
        ("a@mail.invalid", "a@mail.invalid", None),
        ("a@printer.local", "a@printer.local", None),
        ("a@app.localhost", "a@app.localhost", None),
        ("a@3com.com", "a@3com.com", None),
    ],
)
def test_accepted(text: str, address: str, name: str | None) -> None:
    assert parse_mailbox(text) == Mailbox(address=address, name=name)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "The address is empty."),
        ("   ", "The address is empty."),
        ("jan", "The address has no @-sign."),
        ("Jan <jan>", "The address has no @-sign."),
        ("Jan <>", "The address has no @-sign."),
        ("@b.nl", "There is nothing before the @-sign."),
        ("a@", "There is nothing after the @-sign."),
        ("a@b", "The part after the @-sign has no dot."),
        ("a@localhost", "The part after the @-sign has no dot."),
        ("a@[127.0.0.1]", "An IP address after the @-sign is not supported."),
        (
            "a@127.0.0.1",
            "The part after the @-sign does not end in a domain such as .com.",
        ),
        ("a@b..nl", "The part after the @-sign is not a valid domain name."),
        ("a@b.nl.", "The part after the @-sign is not a valid domain name."),
        ("a@-b.nl", "The part after the @-sign is not a valid domain name."),
        ("a@b_c.nl", "The part after the @-sign is not a valid domain name."),
        ("a@b c.nl", "The part after the @-sign is not a valid domain name."),
        (f"a@{'b' * 64}.nl", "The part after the @-sign is not a valid domain name."),
        (f"a@{'b.' * 126}nl", "The part after the @-sign is too long."),
        ("é@b.nl", "Letters outside ASCII before the @-sign are not supported."),
        ("a b@b.nl", "The part before the @-sign is not valid."),
        ("a..b@b.nl", "The part before the @-sign is not valid."),
        (".a@b.nl", "The part before the @-sign is not valid."),
        ('"a b"@b.nl', "The part before the @-sign is not valid."),
        ("a@b@c.nl", "The part before the @-sign is not valid."),
        ("a@b.nl, c@d.nl", "The part before the @-sign is not valid."),
        (f"{'a' * 316}@b.nl", "The address is longer than 320 characters."),
        ("a" * 3000 + "@b.nl", "The address is too long."),
        ("Jan <a@b.nl", "The address must end at the closing angle bracket."),
        ("Jan <a@b.nl> x", "The address must end at the closing angle bracket."),
        ("a@b.nl>", "The address has a closing angle bracket but no opening one."),
        ("Jan <a@b.nl>, Piet <c@d.nl>", "One address is expected here, not a list."),
        ("a@b.nl, Piet <c@d.nl>", "One address is expected here, not a list."),
    ],
)
def test_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(reason)}$"):
        parse_mailbox(text)


@pytest.mark.parametrize(
    "bad", ["\r\n", "\n", "\r", "\0", "\t", "\x7f", "\x85", "\u2028", "\ud800"]
)
@pytest.mark.parametrize("text", ["a{}@b.nl", "a@b{}.nl", "Jan{} <a@b.nl>", "a@b.nl{}"])
def test_control_characters_are_refused_anywhere(text: str, bad: str) -> None:
    with pytest.raises(ValueError, match=r"^The address contains a line break or another control"):
        parse_mailbox(text.format(bad))


def test_an_address_of_320_characters_is_accepted() -> None:
    address = "a" * 315 + "@b.nl"

    assert parse_mailbox(address) == Mailbox(address)


@given(st.text() | st.text('a@<>".,;\\ -[]é。.\u0660אxn--', max_size=40))
def test_any_text_is_either_a_clean_mailbox_or_a_value_error(text: str) -> None:
    try:
        mailbox = parse_mailbox(text)
    except ValueError:
        return

    assert re.fullmatch(r"[!-;=?-~]+@[a-z0-9-]+(\.[a-z0-9-]+)+", mailbox.address)
    assert parse_mailbox(mailbox.address) == Mailbox(mailbox.address)


@pytest.mark.parametrize(
    ("domain", "right"),
    [("mail.b.nl", "mail.b.nl"), ("localhost", "localhost"), ("bücher.nl", "xn--bcher-kva.nl")],
)
def test_message_id_ends_in_the_domain(domain: str, right: str) -> None:
    assert re.fullmatch(rf"<[0-9a-f]{{40}}@{re.escape(right)}>", new_message_id(domain))


def test_message_ids_differ() -> None:
    assert len({new_message_id("b.nl") for _ in range(100)}) == 100


@pytest.mark.parametrize("domain", ["", "b nl", "b.nl>\r\nBcc: c@d.nl", "a@b.nl"])
def test_message_id_of_no_domain_is_refused(domain: str) -> None:
    with pytest.raises(
        ValueError, match=r"^The part after the @-sign is not a valid domain name.$"
    ):
        new_message_id(domain)
