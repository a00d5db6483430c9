import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from email.header import decode_header, make_header
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.addresses import Mailbox
from app.mail.compose import Message, compose

EXCHANGE_ID = f"<AM0PR07MB{'4' * 60}@AM0PR07MB5678.eurprd07.prod.outlook.com>"

writable = st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0")
header_text = st.text(writable, max_size=300) | st.text(' é=?_"\\,.<>@\t🦤ab', max_size=300)
one_line = header_text.map(lambda text: " ".join(text.split()))


def test_bcc_only_mail_names_no_recipient(make_message: Callable[..., Message]) -> None:
    assert b"\r\nTo: undisclosed-recipients:;\r\n" in compose(make_message(to=()))


def test_long_ids_of_exchange_survive_untouched(make_message: Callable[..., Message]) -> None:
    second = EXCHANGE_ID.replace("4", "5")
    raw = compose(make_message(in_reply_to=EXCHANGE_ID, references=(EXCHANGE_ID, second)))

    assert f"\r\nIn-Reply-To: {EXCHANGE_ID}\r\n".encode() in raw
    assert f"\r\nReferences: {EXCHANGE_ID}\r\n {second}\r\n".encode() in raw


def test_references_beyond_998_characters_keep_the_first_and_the_last_20(
    make_message: Callable[..., Message], parse: Callable[[bytes], EmailMessage]
) -> None:
    ids = tuple(f"<{index:03}.{'x' * 30}@b.nl>" for index in range(100))

    references = parse(compose(make_message(references=ids)))["References"]

    assert references.split() == [ids[0], *ids[-20:]]


def test_references_that_fit_998_characters_are_all_kept(
    make_message: Callable[..., Message], parse: Callable[[bytes], EmailMessage]
) -> None:
    ids = tuple(f"<{index:03}@b.nl>" for index in range(50))

    assert parse(compose(make_message(references=ids)))["References"].split() == list(ids)


def test_references_beyond_8000_characters_keep_the_first_and_as_many_of_the_last_as_fit(
    make_message: Callable[..., Message], parse: Callable[[bytes], EmailMessage]
) -> None:
    ids = tuple(f"<{index:03}.{'x' * 900}@b.nl>" for index in range(20))

    raw = compose(make_message(references=ids))

    assert parse(raw)["References"].split() == [ids[0], *ids[-7:]]
    assert max(map(len, raw.split(b"\r\n"))) <= 998


@pytest.mark.parametrize("bad", ["", "a b@c.nl", "é@b.nl", "a" * 1200, "<a@b.nl> <c@d.nl>"])
def test_an_id_that_no_header_can_hold_is_left_out(
    make_message: Callable[..., Message], parse: Callable[[bytes], EmailMessage], bad: str
) -> None:
    mail = parse(compose(make_message(in_reply_to=bad, references=(bad, "c@d.nl"))))

    assert mail["In-Reply-To"] is None
    assert mail["References"] == "<c@d.nl>"


def test_date_keeps_its_zone(make_message: Callable[..., Message]) -> None:
    zone = timezone(timedelta(hours=-3, minutes=-30))
    raw = compose(make_message(date=datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=zone)))

    assert b"\r\nDate: Fri, 02 Jan 2026 03:04:05 -0330\r\n" in raw


def test_fifty_long_names_fold_legally(
    make_message: Callable[..., Message], parse: Callable[[bytes], EmailMessage]
) -> None:
    names = [
        f"Ünïversitäre Mëdizin, Ábteilung {index} " + "für Bodenkultur " * 5 for index in range(50)
    ]
    to = tuple(Mailbox(f"n{index}@b.nl", name.strip()) for index, name in enumerate(names))

    raw = compose(make_message(to=to))

    assert max(map(len, raw.split(b"\r\n"))) <= 76
    assert [(each.display_name, each.addr_spec) for each in parse(raw)["To"].addresses] == [
        (mailbox.name, mailbox.address) for mailbox in to
    ]


@pytest.mark.parametrize(
    "subject", ["x" * 998, "é" * 998, "word " * 199 + "end", "", " a  b ", "=?utf-8?q?x?="]
)
def test_subject_comes_back(
    make_message: Callable[..., Message], parse: Callable[[bytes], EmailMessage], subject: str
) -> None:
    raw = compose(make_message(subject=subject))

    assert str(parse(raw)["Subject"]) == subject
    assert max(map(len, raw.split(b"\r\n"))) <= 76


@given(subject=header_text)
def test_any_subject_comes_back(
    make_message: Callable[..., Message], parse: Callable[[bytes], EmailMessage], subject: str
) -> None:
    raw = compose(make_message(subject=subject))

    assert str(parse(raw)["Subject"]) == subject
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert all(len(word) <= 75 for word in re.findall(rb"=\?\S*\?=", raw))


@given(name=one_line.filter(lambda name: 0 < len(name.encode()) <= 45))
def test_any_short_name_comes_back(
    make_message: Callable[..., Message], parse: Callable[[bytes], EmailMessage], name: str
) -> None:
    to = parse(compose(make_message(to=(Mailbox("a@b.nl", name), Mailbox("c@d.nl")))))["To"]

    assert [(each.display_name, each.addr_spec) for each in to.addresses] == [
        (name, "a@b.nl"),
        ("", "c@d.nl"),
    ]


@given(
    name=st.text(
        st.characters(min_codepoint=0xA1, exclude_categories=["Cs", "Z", "C"]),
        min_size=50,
        max_size=300,
    )
)
def test_any_long_name_is_encoded_in_words_of_75_that_decode_back(
    make_message: Callable[..., Message], name: str
) -> None:
    raw = compose(make_message(sender=Mailbox("a@b.nl", name))).decode()
    field = raw[len("From: ") : raw.index("\r\nTo:")].replace("\r\n", "")
    words = field.removesuffix(" <a@b.nl>")

    assert str(make_header(decode_header(words))) == name
    assert max(map(len, words.split(" "))) <= 75


@pytest.mark.parametrize("bad", ["a\r\nBcc: x@y.nl", "a\nb", "a\rb", "a\0b", "a\ud800"])
@pytest.mark.parametrize(
    "field", ["subject", "name", "address", "message_id", "in_reply_to", "references", "header"]
)
def test_line_breaks_in_a_header_are_refused(
    make_message: Callable[..., Message], field: str, bad: str
) -> None:
    changes: dict[str, object] = {
        "subject": {"subject": bad},
        "name": {"to": (Mailbox("a@b.nl", bad),)},
        "address": {"cc": (Mailbox(f"{bad}@b.nl"),)},
        "message_id": {"message_id": f"<{bad}@b.nl>"},
        "in_reply_to": {"in_reply_to": f"<{bad}@b.nl>"},
        "references": {"references": (f"<{bad}@b.nl>",)},
        "header": {"headers": (("X-Note", bad),)},
    }

    with pytest.raises(ValueError, match=r"contains a line break|surrogates not allowed"):
        compose(make_message(**changes[field]))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name",
    ["Bcc", "bcc", "From", "Content-Type", "MIME-Version", "X Y", "X:Y", "X\r\nBcc", "", "É"],
)
def test_other_fields_may_not_be_ours_or_malformed(
    make_message: Callable[..., Message], name: str
) -> None:
    with pytest.raises(ValueError, match=r"is not free to set|A header name may hold only"):
        compose(make_message(headers=((name, "x"),)))


@pytest.mark.parametrize("address", ["é@b.nl", "a b@b.nl", "a@b.nl>, <c@d.nl", "a", ""])
def test_what_is_no_address_is_refused(make_message: Callable[..., Message], address: str) -> None:
    with pytest.raises(ValueError, match=r"^To holds something that is not an address\.$"):
        compose(make_message(to=(Mailbox(address),)))


@pytest.mark.parametrize("message_id", ["1@b.nl", "<1>", "<1 @b.nl>", "<é@b.nl>", ""])
def test_a_malformed_message_id_is_refused(
    make_message: Callable[..., Message], message_id: str
) -> None:
    with pytest.raises(ValueError, match=r"^Message-ID must look like <left@right>\.$"):
        compose(make_message(message_id=message_id))


def test_a_naive_date_is_refused(make_message: Callable[..., Message]) -> None:
    with pytest.raises(ValueError, match=r"^Date must have a time zone\.$"):
        compose(make_message(date=datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)))


def test_a_long_unsubscribe_url_stays_one_word(make_message: Callable[..., Message]) -> None:
    url = f"<https://b.nl/u/{'t' * 300}>"
    raw = compose(make_message(headers=(("List-Unsubscribe", f"{url}, <mailto:u@b.nl>"),)))

    assert f"\r\nList-Unsubscribe: {url},\r\n <mailto:u@b.nl>\r\n".encode() in raw


def test_a_header_word_beyond_a_line_is_refused(make_message: Callable[..., Message]) -> None:
    with pytest.raises(ValueError, match=r"^X-Note holds a word too long for one line\.$"):
        compose(make_message(headers=(("X-Note", "x" * 1000),)))
