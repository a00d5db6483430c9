"""What was made of texts is kept, while there is room."""

from app.mail.templates.remembering import Remembered


def test_what_is_used_stays_and_the_oldest_goes() -> None:
    made: list[str] = []

    def make(text: str) -> tuple[str, int]:
        made.append(text)
        return text.upper(), len(text)

    remembered = Remembered(make, room=8)
    answers = [remembered(text) for text in ("aa", "bb", "cc", "dd", "aa", "ee", "aa", "bb")]

    assert answers == ["AA", "BB", "CC", "DD", "AA", "EE", "AA", "BB"]
    assert made == ["aa", "bb", "cc", "dd", "ee", "bb"]


def test_what_takes_more_than_a_quarter_of_the_room_is_made_anew() -> None:
    made: list[str] = []

    def make(text: str) -> tuple[str, int]:
        made.append(text)
        return text, 3

    remembered = Remembered(make, room=11)

    assert [remembered("a"), remembered("a")] == ["a", "a"]
    assert made == ["a", "a"]
