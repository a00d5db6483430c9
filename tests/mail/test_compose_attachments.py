"""Files in a mail: how it is built, and that what goes in comes out."""

import re
from collections.abc import Callable, Sequence
from email.message import EmailMessage, MIMEPart
from email.parser import BytesParser
from hashlib import sha256

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.mail.compose import Attachment, Message, compose

PNG = b"\x89PNG\r\n\x1a\n"
NAMES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), min_size=1
) | st.text("aé日🦤.\"\\%'*;= ", min_size=1, max_size=200)


def attached(content: bytes, filename: str = "a.pdf", **changes: str) -> Attachment:
    fields = {"media_type": "application/pdf", **changes}
    return Attachment(filename, size=len(content), digest=sha256(content).hexdigest(),
                      content=content, **fields)  # fmt: skip


def shape(part: MIMEPart) -> str | Sequence[object]:
    """The media types of a mail, as lists within lists."""
    if not part.is_multipart():
        return part.get_content_type()
    return [part.get_content_subtype(), *map(shape, part.iter_parts())]


def test_a_mail_without_attachments_is_what_it_was(make_message: Callable[..., Message]) -> None:
    raw = compose(make_message(html="<p>Één</p>" * 30, text="Één\n"))

    # A retry after an update sends what the attempt before it sent.
    assert (
        sha256(raw).hexdigest()
        == "8e895bb21f8882b059c56e23054131732dd44c289be990e19816789849683903"
    )


def test_the_whole_message(make_message: Callable[..., Message]) -> None:
    logo = attached(PNG, "logo.png", media_type="image/png", content_id="logo@acme")
    bill = attached(b"%PDF-1.7", "Größe 12.pdf")

    raw = compose(make_message(attachments=(bill, logo)))

    lines = raw.decode("ascii").split("\r\n")
    mixed, related, alternative = re.findall('(?<=boundary="=_)[0-9a-f]{40}', raw.decode())
    assert lines[lines.index("MIME-Version: 1.0") :] == [
        "MIME-Version: 1.0",
        "Content-Type: multipart/mixed;",
        f' boundary="=_{mixed}"',
        "",
        f"--=_{mixed}",
        "Content-Type: multipart/related;",
        ' type="multipart/alternative";',
        f' boundary="=_{related}"',
        "",
        f"--=_{related}",
        "Content-Type: multipart/alternative;",
        f' boundary="=_{alternative}"',
        "",
        f"--=_{alternative}",
        'Content-Type: text/plain; charset="utf-8"',
        "Content-Transfer-Encoding: quoted-printable",
        "",
        "Hello",
        "",
        f"--=_{alternative}",
        'Content-Type: text/html; charset="utf-8"',
        "Content-Transfer-Encoding: quoted-printable",
        "",
        "<p>Hello</p>",
        f"--=_{alternative}--",
        "",
        f"--=_{related}",
        "Content-Type: image/png;",
        ' name="logo.png"',
        "Content-Transfer-Encoding: base64",
        "Content-ID: <logo@acme>",
        "Content-Disposition: inline;",
        ' filename="logo.png"',
        "",
        "iVBORw0KGgo=",
        f"--=_{related}--",
        "",
        f"--=_{mixed}",
        "Content-Type: application/pdf;",
        ' name="Gro_e 12.pdf"',
        "Content-Transfer-Encoding: base64",
        "Content-Disposition: attachment;",
        " filename*=utf-8''Gr%C3%B6%C3%9Fe%2012.pdf",
        "",
        "JVBERi0xLjc=",
        f"--=_{mixed}--",
        "",
    ]


def test_it_is_nested_no_deeper_than_needed(
    make_message: Callable[..., Message], parse: Callable[[bytes], EmailMessage]
) -> None:
    image = attached(PNG, "logo.png", media_type="image/png", content_id="logo")
    file = attached(b"%PDF")
    bodies = ["alternative", "text/plain", "text/html"]

    def built(*attachments: Attachment) -> object:
        return shape(parse(compose(make_message(attachments=attachments))))

    assert built() == bodies
    assert built(file) == ["mixed", bodies, "application/pdf"]
    assert built(image, image) == ["related", bodies, "image/png", "image/png"]
    assert built(image, file) == ["mixed", ["related", bodies, "image/png"], "application/pdf"]


def test_the_same_message_gives_the_same_bytes(make_message: Callable[..., Message]) -> None:
    attachments = (attached(b"1"), attached(b"2", "b.pdf", content_id="b"))

    first = compose(make_message(attachments=attachments))
    second = compose(make_message(attachments=attachments))

    assert first == second


@given(filename=NAMES)
@example("a" * 300 + ".pdf")
@example("日" * 80 + ".pdf")
@example(" a ")
@example("=?utf-8?q?x?=.pdf")
def test_any_file_name_comes_back(
    make_message: Callable[..., Message], parse: Callable[[bytes], EmailMessage], filename: str
) -> None:
    raw = compose(make_message(attachments=(attached(b"x", filename),)))

    [part] = parse(raw).iter_attachments()
    legacy = part.get_param("name", header="content-type")
    # Not by get_filename(), which strips the name.
    assert part["Content-Disposition"].params["filename"] == filename
    assert isinstance(legacy, str)
    assert legacy.isascii()
    assert len(legacy) <= 50
    assert part.get_content() == b"x"
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 80
    assert b"\n" not in raw.replace(b"\r\n", b"")


def test_readers_of_old_get_the_name_too(make_message: Callable[..., Message]) -> None:
    """The parser of Python's first mail library decodes RFC 2231 by itself."""
    raw = compose(make_message(attachments=(attached(b"x", "Über 日本.pdf"),)))

    *_, part = BytesParser().parsebytes(raw).walk()

    assert part.get_filename() == "Über 日本.pdf"
    assert part.get_param("name") == "Uber __.pdf"


@given(content=st.binary(max_size=3000))
@example(b"")
@example(b"x" * 57)
@example(b"x" * 58)
def test_any_content_comes_back(
    make_message: Callable[..., Message], parse: Callable[[bytes], EmailMessage], content: bytes
) -> None:
    raw = compose(make_message(attachments=(attached(content),)))

    [part] = parse(raw).iter_attachments()
    assert part.get_content() == content


@pytest.mark.timeout(20)
def test_twenty_five_megabytes_come_back(
    make_message: Callable[..., Message], parse: Callable[[bytes], EmailMessage]
) -> None:
    content = bytes(range(256)) * (25 * 4096) + b"end"

    raw = compose(make_message(attachments=(attached(content),)))

    [part] = parse(raw).iter_attachments()
    assert part.get_payload(decode=True) == content
    assert max(map(len, raw.split(b"\r\n"))) <= 78


@pytest.mark.parametrize("media_type", ["message/rfc822", "Multipart/mixed"])
def test_a_mail_in_a_mail_goes_as_octets(
    make_message: Callable[..., Message],
    parse: Callable[[bytes], EmailMessage],
    media_type: str,
) -> None:
    mail = attached(b"Subject: Hi\r\n\r\n", "mail.eml", media_type=media_type)

    [part] = parse(compose(make_message(attachments=(mail,)))).iter_attachments()

    assert part.get_content_type() == "application/octet-stream"
    assert part.get_payload(decode=True) == b"Subject: Hi\r\n\r\n"


def test_a_charset_stays(
    make_message: Callable[..., Message], parse: Callable[[bytes], EmailMessage]
) -> None:
    table = attached("é".encode("cp1252"), "a.csv", media_type="text/csv; charset=windows-1252")

    [part] = parse(compose(make_message(attachments=(table,)))).iter_attachments()

    assert part.get_content() == "é"


@pytest.mark.parametrize(
    "changes",
    [
        {"filename": "a\r\nBcc: x@y.test"},
        {"filename": "a\0"},
        {"filename": "a\ud800"},
        {"media_type": "pdf"},
        {"media_type": "text/plain\r\nX: y"},
        {"media_type": "text/plain; name=a"},
        {"content_id": "a b"},
        {"content_id": "a>"},
        {"content_id": "é"},
        {"content_id": ""},
    ],
)
def test_what_no_header_can_hold_is_refused(
    make_message: Callable[..., Message], changes: dict[str, str]
) -> None:
    with pytest.raises(ValueError, match=r"file name|media type|content id"):
        compose(make_message(attachments=(attached(b"x", **changes),)))


def test_content_that_was_not_loaded_is_a_fault(make_message: Callable[..., Message]) -> None:
    bare = Attachment("a.pdf", "application/pdf", 4, "ab" * 32)

    with pytest.raises(RuntimeError, match="not loaded"):
        compose(make_message(attachments=(bare,)))
