import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.flowed import unflowed

FLOWED = {"format": "Flowed"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one \ntwo\nthree", "one two\nthree"),
        ("one\n", "one\n"),
        (" From\n  two spaces", "From\n two spaces"),
        ("> one \n> two\n>> deeper", "> one two\n>> deeper"),
        ("> one \ntwo", "> one \ntwo"),
        (">one \n> two", "> one two"),
        (">\n> a", ">\n> a"),
        ("bye \n-- \nJan", "bye \n-- \nJan"),
        ("ends softly ", "ends softly "),
        (" \n \n", "\n\n"),
    ],
)
def test_paragraphs_are_put_together(text: str, expected: str) -> None:
    assert unflowed(text, FLOWED) == expected


def test_the_space_at_which_it_was_broken_may_be_no_part_of_it() -> None:
    assert unflowed("一 \n二\n-- \nx", {**FLOWED, "delsp": "YES"}) == "一二\n-- \nx"


@pytest.mark.parametrize("parameters", [{}, {"format": "fixed"}, {"delsp": "yes"}])
def test_other_texts_stay_as_they_are(parameters: dict[str, str]) -> None:
    assert unflowed(" one \ntwo", parameters) == " one \ntwo"


@given(st.text(st.sampled_from("> -a\n"), max_size=60))
def test_no_word_is_lost(text: str) -> None:
    found = unflowed(text, FLOWED)

    assert "".join(found.split()).replace(">", "") == "".join(text.split()).replace(">", "")
