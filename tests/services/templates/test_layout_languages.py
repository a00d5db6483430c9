"""Layouts in several languages: what is said in one stands in the nearest that the layout has."""

from collections.abc import Awaitable, Callable

import pytest

from app.context import Caller, Deps
from app.documents.templates import Template
from app.errors import InvalidInputError
from app.services import templates
from app.services.inputs import parse

Keep = Callable[..., Awaitable[Template]]
Show = Callable[..., Awaitable[str]]

FRAME = {
    "name": "Frame",
    "kind": "LAYOUT",
    "subject": None,
    "body": "<i>Bye</i>{{ content }}",
    "locales": [
        {"locale": "nl", "body": "<i>Dag</i>{{ content }}"},
        {"locale": "fr", "body": "<i>Adieu</i>{{ content }}{% include 'Foot' %}"},
    ],
}


@pytest.fixture
def show(deps: Deps, caller: Caller) -> Show:
    async def shown(template: Template, locale: str | None = None) -> str:
        asked = parse(templates.PreviewTemplate, {"locale": locale, "variables": {"number": 1}})
        return (await templates.preview(deps, caller, str(template.id), asked)).html

    return shown


@pytest.fixture
async def frame(keep: Keep) -> Template:
    await keep(name="Foot", kind="PARTIAL", subject=None, body="<u>{{ number }}</u>")
    return await keep(**FRAME)


async def test_each_language_stands_in_the_nearest_of_the_layout(
    keep: Keep, show: Show, frame: Template
) -> None:
    said = [{"locale": tag, "body": f"<b>{tag}</b>"} for tag in ("nl-BE", "fr", "de")]
    template = await keep(layout="frame", body="<b>en</b>", locales=said)

    assert await show(template) == "<i>Bye</i><b>en</b>"
    assert await show(template, "nl-BE") == "<i>Dag</i><b>nl-BE</b>"
    assert await show(template, "fr-CA") == "<i>Adieu</i><b>fr</b><u>1</u>"
    assert await show(template, "de") == "<i>Bye</i><b>de</b>"
    # Where a template says nothing of its own, neither does what is around it.
    assert await show(template, "nl") == "<i>Bye</i><b>en</b>"


async def test_a_language_without_a_body_has_the_layout_of_its_own(
    keep: Keep, show: Show, frame: Template
) -> None:
    named = await keep(layout="Frame", body="<b>x</b>", locales=[{"locale": "nl", "subject": "y"}])
    dutch = await keep(name="Dutch", layout="Frame", body="<b>x</b>", locale="nl")

    assert await show(named, "nl") == "<i>Dag</i><b>x</b>"
    assert await show(dutch) == await show(dutch, "en") == "<i>Dag</i><b>x</b>"


async def test_a_layout_may_name_the_language_of_its_first_words(keep: Keep, show: Show) -> None:
    await keep(
        **{**FRAME, "locale": "en-GB", "locales": [{"locale": "en", "body": "{{ content }}"}]}
    )
    said = [{"locale": tag, "body": f"<b>{tag}</b>"} for tag in ("en-GB", "en-US")]
    template = await keep(layout="Frame", body="<b>x</b>", locales=said)

    assert await show(template, "en-GB") == "<i>Bye</i><b>en-GB</b>"
    assert await show(template, "en-US") == "<b>en-US</b>"


async def test_a_layout_is_shown_in_its_languages(show: Show, frame: Template) -> None:
    assert await show(frame, "nl") == "<i>Dag</i><p>…</p>"
    assert await show(frame, "de") == "<i>Bye</i><p>…</p>"


async def test_faults_are_told_in_their_language(deps: Deps, caller: Caller, keep: Keep) -> None:
    words = {
        **FRAME,
        "locales": [
            {"locale": "nl", "body": "<p>no content</p>"},
            {"locale": "fr", "body": "\n{{ content }}{% if %}"},
        ],
    }
    del words["name"]

    check = await templates.validate(deps, caller, parse(templates.SourceCommand, words))

    assert {(fault.path, fault.line) for fault in check.faults} == {
        ("locales[0].body", 1), ("locales[1].body", 2),
    }  # fmt: skip
    with pytest.raises(InvalidInputError):
        await keep(name="Frame", **words)


async def test_what_was_published_keeps_the_languages_of_then(
    keep: Keep, change: Keep, show: Show, frame: Template
) -> None:
    template = await keep(
        layout="Frame", body="<b>en</b>", locales=[{"locale": "nl", "body": "<b>nl</b>"}]
    )
    await change(frame, locales=[{"locale": "nl", "body": "<i>Tot ziens</i>{{ content }}"}])

    before = await show(template, "nl")
    again = await change(template, body="<b>new</b>")

    assert before == "<i>Dag</i><b>nl</b>"
    assert await show(again, "nl") == "<i>Tot ziens</i><b>nl</b>"
