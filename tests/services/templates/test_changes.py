"""Putting templates away, copying them, and what others' names and uses forbid."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.context import Caller, Deps
from app.documents.template_versions import TemplateVersion
from app.documents.templates import Template
from app.documents.vocabulary import TemplateKind
from app.errors import ConflictError, InvalidInputError, PayloadTooLargeError
from app.services import templates
from app.services.connections import ListCommand
from app.services.inputs import parse
from tests.services.templates.conftest import WORDS, Keep

Footprint = Callable[[], Awaitable[dict[str, Any]]]


async def names(caller: Caller, **asked: Any) -> list[str]:
    part = await templates.templates_of(caller, ListCommand(), **asked)
    assert await part.count() == len(part.nodes)
    return [one.name for one in part.nodes]


async def test_lists_leave_out_what_is_archived_and_parts_of_others(
    deps: Deps, caller: Caller, keep: Keep
) -> None:
    await keep()
    old = await keep(name="Old")
    await keep(name="Frame", kind="LAYOUT", subject=None, body="<b>{{ content }}</b>")
    await keep(name="Footer", kind="PARTIAL", subject=None)
    archived = await templates.archive(deps, caller, str(old.id))

    assert (archived.archived_at, archived.revision) == (deps.now(), 2)
    assert await names(caller) == ["Offer"]
    assert await names(caller, archived=True) == ["Old"]
    assert await names(caller, archived=None) == ["Offer", "Old"]
    both = [TemplateKind.LAYOUT, TemplateKind.PARTIAL]
    assert await names(caller, kinds=both) == ["Footer", "Frame"]
    assert await names(caller, kinds=[]) == []
    again = await templates.unarchive(deps, caller, str(old.id))
    assert (again.archived_at, again.revision) == (None, 3)
    assert await names(caller) == ["Offer", "Old"]


async def test_nothing_is_archived_or_taken_out_twice(
    deps: Deps, caller: Caller, keep: Keep, footprint: Footprint
) -> None:
    template = await keep()
    with pytest.raises(ConflictError, match="is not archived"):
        await templates.unarchive(deps, caller, str(template.id))
    await templates.archive(deps, caller, str(template.id))
    before = await footprint()

    with pytest.raises(ConflictError, match="archived already"):
        await templates.archive(deps, caller, str(template.id))

    assert await footprint() == before


async def test_an_archived_template_publishes_nothing(
    deps: Deps,
    caller: Caller,
    keep: Keep,
    save: Any,
    change: Keep,
    publish: Keep,
    footprint: Footprint,
) -> None:
    template = await keep()
    await save(template, subject="x")
    await templates.archive(deps, caller, str(template.id))
    before = await footprint()

    with pytest.raises(ConflictError, match="is archived"):
        await publish(template)
    with pytest.raises(ConflictError, match="is archived"):
        await change(template, subject="y")

    assert await footprint() == before
    assert (await change(template, name="Other")).name == "Other"


async def test_of_several_of_one_name_at_once_exactly_one_is_kept(
    keep: Keep, footprint: Footprint
) -> None:
    done = await asyncio.gather(
        *(keep(name=name) for name in ("Same", "same", "SAME", "Same")), return_exceptions=True
    )

    assert sum(isinstance(one, Template) for one in done) == 1
    assert {one.detail for one in done if isinstance(one, ConflictError)} == {
        "name: is the name of another template"
    }
    assert len((await footprint())["templateVersions"]) == 1


async def test_copies_are_named_after_the_first(
    deps: Deps, caller: Caller, keep: Keep, change: Keep
) -> None:
    template = await keep(type="OFFERTE", description="For all", text="Hi")
    await change(template, subject="Second")

    async def copy(name: str | None = None) -> Any:
        command = parse(templates.DuplicateTemplate, {"name": name})
        return await templates.duplicate(deps, caller, str(template.id), command)

    first, second, named = await copy(), await copy(), await copy("Mine")

    assert [one.name for one in (first, second, named)] == [
        "Offer (copy)", "Offer (copy 2)", "Mine"
    ]  # fmt: skip
    assert (first.version, first.subject, first.type) == (1, "Second", "OFFERTE")
    assert (first.description, first.revision, first.created_by) == ("For all", 1, "alice")
    version = await TemplateVersion.numbered("acme", first.id, 1)
    assert version is not None
    assert version.said.text == "Hi"
    with pytest.raises(ConflictError, match="name of another template"):
        await copy("mine")
    long = await keep(name="x" * 200)
    command = templates.DuplicateTemplate()
    copied = await templates.duplicate(deps, caller, str(long.id), command)
    assert copied.name == "x" * 193 + " (copy)"


async def test_of_what_was_never_published_the_draft_is_copied(
    deps: Deps, caller: Caller, keep: Keep
) -> None:
    template = await keep(draft=True)

    copied = await templates.duplicate(
        deps, caller, str(template.id), templates.DuplicateTemplate()
    )

    assert copied.version is None
    draft = await TemplateVersion.draft_of("acme", copied.id)
    assert draft is not None
    assert draft.said.subject == WORDS["subject"]


@pytest.mark.parametrize(
    ("fields", "paths"),
    [
        ({"kind": "LAYOUT", "text": "x", "layout": "y"}, ["subject", "text", "layout"]),
        (
            {
                "kind": "LAYOUT",
                "subject": None,
                "body": "{{ content }}",
                "locale": "en",
                "locales": [
                    {"locale": "nl", "subject": "x"},
                    {"locale": "de", "body": "{{ content }}", "text": "x"},
                    {"locale": "en", "body": "{{ content }}"},
                ],
            },
            ["locales[0].body", "locales[0].subject", "locales[1].text", "locales[2].locale"],
        ),
        ({"kind": "PARTIAL", "locales": [{"locale": "nl"}]}, ["subject", "locales"]),
        ({"kind": "PARTIAL", "subject": None, "layout": "Frame"}, ["layout"]),
        ({"subject": None}, ["subject"]),
        (
            {"locale": "nl", "locales": [{"locale": "en"}, {"locale": "NL"}]},
            ["locales[1].locale"],
        ),
    ],
)
async def test_parts_have_a_body_and_nothing_else(
    keep: Keep, footprint: Footprint, fields: dict[str, Any], paths: list[str]
) -> None:
    before = await footprint()

    with pytest.raises(InvalidInputError) as refused:
        await keep(**fields)

    assert [field.path for field in refused.value.fields] == paths
    assert await footprint() == before


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"body": "x" * (10 * 1024 * 1024 + 1)}, "body"),
        ({"locales": [{"locale": "nl", "body": "x" * (10 * 1024 * 1024 + 1)}]}, "locales[0].body"),
        (
            {"locales": [{"locale": tag, "body": "x" * 8_000_000} for tag in ("nl", "de")]},
            "locales",
        ),
    ],
)
async def test_bodies_have_an_end_each_and_in_all(
    keep: Keep, footprint: Footprint, fields: dict[str, Any], path: str
) -> None:
    before = await footprint()

    with pytest.raises(PayloadTooLargeError) as refused:
        await keep(**fields)

    assert [field.path for field in refused.value.fields] == [path]
    assert await footprint() == before
