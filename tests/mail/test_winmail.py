"""Mail of Outlook's whose files stand in an envelope of its own."""

from app.mail.bodies import MAX_BODY
from app.mail.parse import parse
from app.mail.received_attachments import FoundFiles, received_files
from tests.fakes import tnef
from tests.fakes.tnef import BINARY, envelope, file, mail, one, text

PNG = file(
    b"image001.png",
    b"PNG",
    [text(tnef.MEDIA_TYPE, "image/png"), text(tnef.CONTENT_ID, "a@b")],
)
PDF = file(b"OFFERT~1.PDF", b"%PDF", [text(tnef.LONG_NAME, "Offerte.pdf")])
HTML = (tnef.HTML, BINARY, one(b"<p>Hi<img src='cid:a@b'></p>"))
RTF = (tnef.RTF, BINARY, one(tnef.packed_rtf([b"{\\rtf1 Hi}"])))


def shown(raw: bytes) -> list[tuple[str, str, bool, bytes]]:
    """Of each file its name, its type, whether the HTML shows it, and its octets."""
    return [
        (one.filename, one.media_type, one.is_inline, b"".join(one.pieces(raw)))
        for one in received_files(raw, parse(raw).html).files
    ]


def test_the_files_in_it_stand_in_its_place() -> None:
    raw = mail(envelope(PDF, PNG, said=[RTF]))

    assert shown(raw) == [
        ("Offerte.pdf", "application/pdf", False, b"%PDF"),
        ("image001.png", "image/png", False, b"PNG"),
    ]
    assert parse(raw).text == "See the files."


def test_its_text_counts_where_there_is_no_other() -> None:
    raw = mail(envelope(PNG, body=b"Hi", said=[HTML, RTF]), words=None)
    parsed = parse(raw)

    assert (parsed.text, parsed.html) == ("Hi", "<p>Hi<img src='cid:a@b'></p>")
    assert shown(raw) == [("image001.png", "image/png", True, b"PNG")]


def test_its_text_counts_where_the_other_is_blank_and_not_else() -> None:
    assert parse(mail(envelope(body=b"Hi"), words="\r\n")).text == "Hi"
    assert parse(mail(envelope(body=b"Hi"), words="Ho")).text == "Ho"


def test_that_its_text_is_cut_is_told() -> None:
    parsed = parse(mail(envelope(body=b"x" * (MAX_BODY + 1)), words=None))

    assert (len(parsed.text or ""), parsed.is_cut) == (MAX_BODY, True)


def test_rich_text_is_a_file_where_it_is_all_that_is_said() -> None:
    said = mail(envelope(said=[RTF]), words=None)
    beside = mail(envelope(said=[RTF]))

    assert shown(said) == [("message.rtf", "application/rtf", False, b"{\\rtf1 Hi}")]
    assert shown(beside) == []


def test_names_and_types_in_it_are_as_harmless_as_others() -> None:
    raw = mail(
        envelope(
            file(b"..\\..\\run.exe", b"MZ", [text(tnef.MEDIA_TYPE, "text/html; charset=x\u20ac")]),
            file(None, b"x", [text(tnef.MEDIA_TYPE, "\u20ac/x")]),
        )
    )

    assert shown(raw) == [
        ("run.exe.unsafe", "application/octet-stream", False, b"MZ"),
        ("attachment.bin", "application/octet-stream", False, b"x"),
    ]


def test_what_only_claims_to_be_one_is_a_file() -> None:
    assert shown(mail(b"PK\3\4")) == [("winmail.dat", "application/ms-tnef", False, b"PK\3\4")]
    # Nothing in it can be shown.
    assert [name for name, *_ in shown(mail(envelope()))] == ["winmail.dat"]


def test_it_is_known_by_its_name_too() -> None:
    raw = mail(envelope(PDF)).replace(b"application/ms-tnef", b"application/octet-stream")

    assert [name for name, *_ in shown(raw)] == ["Offerte.pdf"]


def test_more_than_three_are_not_opened() -> None:
    part = mail(envelope(PDF), words=None).partition(b"\r\n\r\n")[2].removesuffix(b"--_000_--\r\n")
    head = b'Content-Type: multipart/mixed; boundary="_000_"\r\n\r\n'

    names = [name for name, *_ in shown(head + part * 5 + b"--_000_--")]

    assert names == ["Offerte.pdf"] * 3 + ["winmail.dat"] * 2


def test_of_many_files_in_it_a_hundred_are_told_and_the_others_counted() -> None:
    raw = mail(envelope(*(file(b"a.png", b"x") for _ in range(150))))

    found = received_files(raw, None)

    assert isinstance(found, FoundFiles)
    assert (len(found.files), found.omitted) == (100, 50)
