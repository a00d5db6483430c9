"""Dates and numbers as readers of a language write them."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.mail.templates.filling import render_text
from app.mail.templates.values import RenderError

VALUES: dict[str, Any] = {
    "moment": "2026-03-05T14:07:00+01:00",
    "day": "2026-03-05",
    "n": 1234.5,
    "s": "-1234.50",
    "p": 0.125,
    "xs": [{"p": 1}, {"p": 2.5}],
}


def filled(template: str, **more: Any) -> str:
    return render_text(template, {**VALUES, **more}, limit=10_000).replace("\xa0", " ")


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ day|date }}", "March 5, 2026"),
        ("{{ day|date(locale='nl') }}", "5 maart 2026"),
        ("{{ day|date('short', 'en-GB') }}", "05/03/2026"),
        ("{{ moment|date('EEEE d MMMM yyyy HH:mm', 'nl') }}", "donderdag 5 maart 2026 14:07"),
        ("{{ moment|date('HH:mm', timezone='America/New_York') }}", "08:07"),
        ("{{ moment|date('HH:mm zzzz') }}", "14:07 GMT+01:00"),
        ("{{ day|date('HH:mm') }}", "00:00"),
        ("{{ n|money('EUR', 'nl') }}", "€ 1.234,50"),
        ("{{ s|money('USD') }}", "-$1,234.50"),
        ("{{ 2.345|money('EUR', locale='en') }}", "€2.35"),
        ("{{ 5|money('JPY') }}", "¥5"),
        ("{{ n|number }} {{ n|number(2, 'de') }} {{ n|number(0) }}", "1,234.5 1.234,50 1,235"),
        ("{{ p|percent }} {{ p|percent(1, 'nl') }}", "13% 12,5%"),
        ("{{ none|date }}{{ none|money('EUR') }}{{ none|number }}{{ none|percent }}", ""),
        ("{{ xs|sum('p')|money('EUR') }}", "€3.50"),
        ("{{ other|default(day)|date('yyyy') }}", "2026"),
    ],
)
def test_values_are_written_for_readers(template: str, expected: str) -> None:
    assert filled(template) == expected


def test_the_language_is_that_of_the_reader_unless_another_is_named() -> None:
    template = "{{ day|date('d MMM', 'fr') }} {{ n|number }} {{ n|money('EUR') }}"

    assert filled(template, locale="nl-BE") == "5 mars 1.234,5 € 1.234,50"
    assert filled("{{ day|date('MMMM') }}", locale="no such") == "March"
    assert filled("{{ day|date('MMMM') }}", locale=7) == "March"


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ n|date }}", "date: works on ISO 8601 dates only, e.g. 2019-08-24T14:15:22Z"),
        ("{{ 'x'|date }}", "date: works on ISO 8601 dates only, e.g. 2019-08-24T14:15:22Z"),
        ("{{ day|date('qqqqqqqqqq') }}", "date: takes a format such as long or d MMMM yyyy HH:mm"),
        ("{{ day|date('" + "y" * 101 + "') }}", "date: takes a format of at most 100 characters"),
        ("{{ day|date('long', '../nl') }}", "date: takes a locale such as nl or nl-BE"),
        ("{{ day|date('long', 'xx') }}", "date: takes a locale such as nl or nl-BE"),
        ("{{ moment|date(timezone='../x') }}", "date: takes a time zone such as Europe/Amsterdam"),
        ("{{ n|money('euro') }}", "money: takes a currency such as EUR"),
        ("{{ true|money('EUR') }}", "money: works on numbers only"),
        ("{{ '1e9'|money('EUR') }}",
            "money: works on numbers only, with a point and without other signs"),
        ("{{ 1e300|number }}", "number: the number is too large"),
        ("{{ n|number(11) }}", "number: takes 0 to 10 decimals"),
        ("{{ n|percent('x') }}", "percent: takes a whole number"),
        ("{{ xs|sum }}", "sum: works on numbers only"),
        ("{{ xs|sum('q') }}", "sum: an entry has no q"),
    ],
)  # fmt: skip
def test_what_cannot_be_written_is_named(template: str, reason: str) -> None:
    with pytest.raises(RenderError) as refused:
        filled(template)

    assert str(refused.value) == f"template error: {reason} (line 1)"


@settings(max_examples=200)
@given(
    st.sampled_from(["date", "money", "number", "percent"]),
    st.one_of(st.text(max_size=12), st.floats(), st.integers(), st.sampled_from(["2026-03-05"])),
    st.one_of(st.text(max_size=12), st.integers(-3, 12), st.sampled_from(["EUR", "d MMM y"])),
    st.one_of(st.text(max_size=6), st.sampled_from(["nl", "en-US", "ar", "hi", "zh-Hant-TW"])),
)
def test_any_argument_is_taken_or_refused(
    name: str, value: object, argument: object, locale: str
) -> None:
    variables = {"v": value, "a": argument, "l": locale}

    with suppress(RenderError):
        render_text(f"{{{{ v|{name}(a, l) }}}}", variables, limit=10_000)
