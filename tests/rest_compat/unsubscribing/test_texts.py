"""Every language says everything, and readers get theirs."""

import re
from dataclasses import fields

import pytest

from rest_compat.unsubscribing.texts import TEXTS, Texts, language_of

NAMES = [field.name for field in fields(Texts)]
PLACES = re.compile(r"\{[a-z]*\}")


def test_these_are_the_languages() -> None:
    assert sorted(TEXTS) == ["de", "en", "es", "fr", "nl"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("language", sorted(TEXTS))
def test_every_language_has_every_text(language: str, name: str) -> None:
    text, english = getattr(TEXTS[language], name), getattr(TEXTS["en"], name)

    assert text.strip() == text != ""
    assert language == "en" or text != english
    assert sorted(PLACES.findall(text)) == sorted(PLACES.findall(english))
    assert set(PLACES.findall(text)) <= {"{sender}", "{address}", "{topic}"}


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        (None, "en"),
        ("", "en"),
        ("nl", "nl"),
        ("nl-BE", "nl"),
        ("NL-be, en;q=0.5", "nl"),
        ("de-DE-1996", "de"),
        ("en;q=0.2, fr;q=0.9, es;q=0.8", "fr"),
        ("pl, cs;q=0.9, es;q=0.1", "es"),
        ("pl", "en"),
        ("*", "en"),
        # Of equal ones the first.
        ("es,de", "es"),
        ("nl;q=0, de", "de"),
        ("nl;q=0", "en"),
        ("nl;q=2, de;q=1", "de"),
        ("nl;q=nan, de;q=0.1", "de"),
        ("nl;level=1;q=0.1", "nl"),
        ("nl; Q=0.1, fr;q=0.5", "fr"),
        (";;;,,,=;q", "en"),
        ("nl\0", "en"),
        (",".join(["pl"] * 20 + ["nl"]), "en"),
        ("a" * 100_000, "en"),
    ],
)
def test_the_reader_s_language(accepted: str | None, expected: str) -> None:
    assert language_of(accepted) == expected
