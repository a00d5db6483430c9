"""The starter set: whole, sound, and made once."""

from collections.abc import Callable
from typing import Any

import pytest

from app.context import Caller, Deps
from app.dev.errors import DemoError
from app.dev.starter import load_starter_set, load_starter_topics
from app.dev.starter.catalogue import FOLDER, starter_set
from app.dev.starter.topics import STARTER_TOPICS
from app.embedded.ports import free_port
from app.services import templates, topics
from app.services.inputs import parse
from tests.dev.conftest import Api

TEMPLATES = [one["name"] for one in starter_set() if "kind" not in one]


async def test_all_of_it_is_sound_and_shows_its_examples(deps: Deps, caller: Caller) -> None:
    for one in starter_set():
        check = await templates.validate(deps, caller, parse(templates.SourceCommand, one))
        assert (one["name"], check.faults, check.warnings) == (one["name"], [], [])
        made = await templates.create(deps, caller, parse(templates.CreateTemplate, one))
        if made.kind != "TEMPLATE":
            continue
        for locale, greeting in (("nl-BE", "Met vriendelijke groet,"), ("en", "Kind regards,")):
            asked = parse(templates.PreviewTemplate, {"locale": locale})
            shown = await templates.preview(deps, caller, str(made.id), asked)
            assert greeting in shown.text, one["name"]
            assert "Noëlle van der Meer" in shown.text
            assert "IJsbrand & Zonen, Sint-Jansstraat 3" in shown.text
            assert "http://mail.example.test/u/sample" in shown.text
            assert "{{" not in shown.html + shown.subject
            assert "<mj-" not in shown.html


def test_it_has_what_a_crm_begins_with() -> None:
    assert TEMPLATES == [
        "Offerte", "Herinnering", "Factuur", "Afspraak", "Nieuwsbrief", "Welkom"
    ]  # fmt: skip
    assert len(list(FOLDER.glob("*.mjml"))) == 3 + 2 * len(TEMPLATES)


async def test_the_topics_are_sound_and_named_in_english_too(deps: Deps, caller: Caller) -> None:
    made = [
        await topics.create(deps, caller, parse(topics.CreateTopic, one)) for one in STARTER_TOPICS
    ]

    assert [(one.key, one.default, topics.named_in(one, "en-GB").name) for one in made] == [
        ("nieuwsbrief", "OPT_OUT", "Newsletter"),
        ("uitnodigingen", "OPT_IN", "Invitations"),
    ]


def test_topics_that_are_there_already_stay(api: Callable[..., str]) -> None:
    taken = {"errors": [{"message": "taken", "extensions": {"code": "CONFLICT"}}]}

    assert load_starter_topics(api((200, taken)), "token") == 2

    with pytest.raises(DemoError, match="the topic Nieuwsbrief was refused: no"):
        load_starter_topics(api((200, {"errors": [{"message": "no"}]})), "token")


def test_each_is_made_and_what_is_there_already_stays(api: Callable[..., str]) -> None:
    taken = {"errors": [{"message": "taken", "extensions": {"code": "CONFLICT"}}]}
    base = api((200, taken), (200, {"data": {}}))

    assert load_starter_set(base, "token") == len(starter_set())

    assert Api.seen == ["POST /graphql"] * len(starter_set())


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((200, {"errors": [{"message": "no"}]}), "the template Ondertekening was refused: no"),
        ((401, {"title": "No"}), 'the API answered 401: {"title": "No"}'),
    ],
)
def test_refusals_are_explained(
    api: Callable[..., str], answer: tuple[int, dict[str, Any]], told: str
) -> None:
    with pytest.raises(DemoError) as refused:
        load_starter_set(api(answer), "token")

    assert str(refused.value) == told


def test_an_absent_api_is_explained() -> None:
    with pytest.raises(DemoError, match=r"^the API did not answer \("):
        load_starter_set(f"http://127.0.0.1:{free_port()}", "token")
