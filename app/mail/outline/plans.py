"""How mails that are alike but for a few words are laid out, whatever these words are."""

import re
from collections.abc import Mapping, Sequence

from app.mail.character_references import unescaped
from app.mail.outline import surveys
from app.mail.outline.marks import FIRST, MARK, Pattern, decoded, word_of
from app.mail.outline.places import Place, Places, places_in, places_without_markup
from app.mail.outline.surveys import Decided, Survey
from app.mail.outline.tables import Columns, StandIns
from app.mail.text import cleaned, has_markup, tidied
from app.mail.text_layout import MAX_WORK, text_of, tree_of

# No mail that is longer is planned.
LENGTH = 128 * 1024
# Of more elements the layout may take too long, if all the rest is text.
_ELEMENTS = MAX_WORK // LENGTH
# So many ways in which the values decide are kept.
_OUTLINES = 16
_COLOUR = re.compile(r"#[0-9a-fA-F]{3,8}")


class Outline:
    """The text of a mail with marks in it, and the tables that some of these stand for."""

    def __init__(self, text: str, columns: Mapping[int, Columns]) -> None:
        self._columns: dict[int, tuple[str, Columns]] = {}
        for number, table in columns.items():
            first, after = text.split(f"{chr(number)}\n", 1)
            indent, rest = after.split(chr(number + 1), 1)
            self._columns[number] = f"\n{indent}", table
            text = f"{first}{chr(number)}{rest}"
        self._text = Pattern(text)

    def filled(self, words: dict[int, str]) -> str:
        for number, (line_end, table) in self._columns.items():
            words[number] = line_end.join(table.lines(words))
        return tidied(self._text.filled(words))


def _outline(clean: str, decided: Decided) -> Outline | None:
    if not has_markup(clean):
        return Outline(unescaped(clean), {})
    stand_ins = StandIns()
    try:
        tree = tree_of(clean)
        surveys.prepare(tree, decided)
        return Outline(text_of(tree, end_table=stand_ins.end_table), stand_ins.columns)
    except Exception:  # noqa: BLE001 - RecursionError, parser errors, and what broken trees provoke
        return None


class Plan:
    """What values decide on is looked for once, and each way to decide it is laid out once."""

    def __init__(self, clean: str, places: Places, survey: Survey) -> None:
        self._clean = clean
        self._places = [places.of[number] for number in sorted(places.of)]
        self._keeps_spaces = places.keeps_spaces
        self._survey = survey
        self._outlines: dict[Decided, Outline | None] = {}

    def text_with(self, values: Sequence[str]) -> str | None:
        """Give the text of the mail with these values; None where they do not read as words."""
        if len(values) != len(self._places):
            return None
        texts: dict[int, str] = {}
        words: dict[int, str] = {}
        for number, (place, value) in enumerate(zip(self._places, values, strict=True), FIRST):
            text = decoded(value)
            if text is None or not _fits(place, text):
                return None
            texts[number] = text
            if place is Place.SHOWN:
                word = word_of(text, keeps_spaces=self._keeps_spaces)
                if word is None:
                    return None
                words[number] = word
        decided = self._survey.decided(texts, words)
        outline = None if decided is None else self._outlined(decided)
        return None if outline is None else outline.filled(words)

    def _outlined(self, decided: Decided) -> Outline | None:
        if decided in self._outlines:
            return self._outlines[decided]
        made = _outline(self._clean, decided)
        if len(self._outlines) < _OUTLINES:
            self._outlines[decided] = made
        return made


def _fits(place: Place, text: str) -> bool:
    match place:
        case Place.STYLE:
            return _COLOUR.fullmatch(text) is not None
        case Place.TARGET:
            return text.isprintable()
    return True


def planned(marked: str) -> Plan | None:
    """Plan HTML with marks; None where the values decide on more than the words in it."""
    clean = cleaned(marked)
    if clean.count("<") > _ELEMENTS:
        return None
    try:
        return _planned(clean)
    except Exception:  # noqa: BLE001 - RecursionError, parser errors, and what broken trees provoke
        return None


def _planned(clean: str) -> Plan | None:
    if has_markup(clean):
        tree = tree_of(clean)
        places = places_in(clean, tree)
        survey = Survey() if places is None else Survey.of(tree)
    else:
        places, survey = places_without_markup(clean), Survey()
    if places is None:
        return None
    marks = sorted(ord(mark) for mark in MARK.findall(clean))
    # Each stands there once, or the template has such characters itself.
    is_whole = marks == sorted(places.of) == [*range(FIRST, FIRST + len(marks))]
    return Plan(clean, places, survey) if is_whole else None
