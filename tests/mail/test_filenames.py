import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.mail.filenames import MAX_OCTETS, clean, media_type_of, starts_programs

ODD = st.text("aA.exé\u200b\u202e/\\ :*\0\t\u200d\uff0e\uff45日🦤", max_size=300)


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("Offerte 12.pdf", "Offerte 12.pdf"),
        ("Größe (1) & co.pdf", "Größe (1) & co.pdf"),
        ("報告書.xlsx", "報告書.xlsx"),
        ("👨‍👩‍👧.png", "👨‍👩‍👧.png"),
        ("archive.tar.gz", "archive.tar.gz"),
        # Folders
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\Jan\\offerte.pdf", "offerte.pdf"),
        ("folder/", "folder"),
        ("..", "attachment"),
        ("/", "attachment"),
        ("", "attachment"),
        # What cannot be seen
        ("a\0b\x1b.pdf", "ab.pdf"),
        ("a\r\nBcc: x.pdf", "a Bcc_ x.pdf"),
        ("a\t b\u00a0 c\u2028.pdf", "a b c .pdf"),
        ("invoice\u202efdp.doc", "invoicefdp.doc"),
        ("a\u200b\ufeff\u2066b.pdf", "ab.pdf"),
        ("a\ud800.pdf", "a.pdf"),
        # One name for what looks the same
        ("e\u0301.pdf", "é.pdf"),
        # What Windows reserves and drops
        ('a<b>c:d"e|f?g*.pdf', "a_b_c_d_e_f_g_.pdf"),
        ("a.pdf. . .", "a.pdf"),
        ("  a.pdf  ", "a.pdf"),
        (".htaccess", "htaccess"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("com¹.log", "_com¹.log"),
        ("console.txt", "console.txt"),
        # What starts programs
        ("setup.exe", "setup.exe.unsafe"),
        ("SETUP.EXE", "SETUP.EXE.unsafe"),
        ("invoice.pdf.exe", "invoice.pdf.exe.unsafe"),
        ("invoice.pdf                    .scr", "invoice.pdf .scr.unsafe"),
        ("a.exe ", "a.exe.unsafe"),
        ("a.exe...", "a.exe.unsafe"),
        ("a.js\u00a0", "a.js.unsafe"),
        ("a.e\u200bxe", "a.exe.unsafe"),
        ("a.ex\u200de", "a.ex\u200de.unsafe"),
        ("a.\uff45\uff58\uff45", "a.\uff45\uff58\uff45.unsafe"),
        ("a\u2024exe", "a\u2024exe.unsafe"),
        ("annexe\u202efdp.vbs", "annexefdp.vbs.unsafe"),
        (
            "a.{3050F4D8-98B5-11CF-BB82-00AA00BDCE0B}",
            "a.{3050F4D8-98B5-11CF-BB82-00AA00BDCE0B}.unsafe",
        ),
        ("a.txt:evil.exe", "a.txt_evil.exe.unsafe"),
        ("a.exe::$DATA", "a.exe__$DATA"),
        ("con.exe", "_con.exe.unsafe"),
        ("a.exe.pdf", "a.exe.pdf"),
        ("exe", "exe"),
        # What is too long
        ("x" * 300 + ".pdf", "x" * 196 + ".pdf"),
        ("é" * 300 + ".pdf", "é" * 98 + ".pdf"),
        ("x" * 300, "x" * 200),
        ("x" * 300 + ".exe", "x" * 189 + ".exe.unsafe"),
        ("x" * 196 + ".exe" + "e" * 30, "x" * 189 + ".exe.unsafe"),
    ],
)
def test_a_name_is_cleaned(name: str, cleaned: str) -> None:
    assert clean(name) == cleaned


@pytest.mark.parametrize(
    "ending",
    ["exe", "scr", "js", "vbs", "bat", "cmd", "com", "ps1", "lnk", "hta", "msi", "jar", "iso",
     "img", "vhd", "dll", "reg", "pif", "wsf", "sh", "app", "dmg", "apk", "desktop", "xll", "py"],
)  # fmt: skip
def test_what_is_run_gets_another_ending(ending: str) -> None:
    assert clean(f"a.{ending}") == f"a.{ending}.unsafe"


@pytest.mark.parametrize(
    "ending", ["pdf", "docx", "xlsm", "zip", "html", "svg", "eml", "txt", "7z"]
)
def test_what_is_shown_keeps_its_ending(ending: str) -> None:
    assert clean(f"a.{ending}") == f"a.{ending}"


@given(name=st.text() | ODD)
@example("x" * 199 + " .exe")
@example("." * 300 + "exe")
def test_any_name_becomes_harmless(name: str) -> None:
    cleaned = clean(name)

    assert cleaned
    assert len(cleaned.encode()) <= MAX_OCTETS
    assert clean(cleaned) == cleaned
    assert not starts_programs(cleaned)
    assert cleaned == cleaned.strip(". ")
    assert not set(cleaned) & set('/\\<>:"|?*')
    assert all(unicodedata.category(sign) not in {"Cc", "Cs"} for sign in cleaned)


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("a.pdf", "application/pdf"),
        ("a.PNG", "image/png"),
        ("a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("a.tar.gz", "application/gzip"),
        ("a.csv", "text/csv"),
        ("a.ics", "text/calendar"),
        ("a.eml", "message/rfc822"),
        ("a.exe.unsafe", "application/octet-stream"),
        ("pdf", "application/octet-stream"),
        ("a.", "application/octet-stream"),
        ("a.nothing", "application/octet-stream"),
    ],
)
def test_the_media_type_is_guessed_by_the_name(name: str, media_type: str) -> None:
    assert media_type_of(name) == media_type
