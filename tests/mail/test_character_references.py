import html

import pytest

from app.mail.character_references import unescaped


@pytest.mark.parametrize(
    "text",
    ["a &amp; b", "&#x26;&#38;&#0038", "&#1114112;", "&#;", "&", "&copy=1", "&#x" + "0" * 5000],
)
def test_they_are_decoded_as_html_tells(text: str) -> None:
    assert unescaped(text) == html.unescape(text)


@pytest.mark.parametrize("end", [";", "", " "])
def test_a_number_without_end_stands_for_nothing(end: str) -> None:
    text = unescaped(f"a&#{'9' * 5000}{end}b")

    assert text == f"a\ufffd{end.strip(';')}b"
