"""Drafts and published versions: who wins, what is told, and what never changes."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from app.context import Caller, Deps
from app.documents import content
from app.documents.template_upgrade import upgrade_all
from app.documents.template_versions import TemplateVersion
from app.documents.templates import Template
from app.documents.vocabulary import VersionState
from app.errors import ConflictError, InvalidInputError, NotFoundError
from app.services import templates
from tests.fakes.clock import Clock
from tests.services.templates.conftest import WORDS, Keep, SendIt, Versions

Save = Callable[..., Awaitable[TemplateVersion]]
Footprint = Callable[[], Awaitable[dict[str, Any]]]
VARIABLES = {"number": 7, "name": "Jan"}


async def test_a_new_template_has_its_first_version(keep: Keep, versions_of: Versions) -> None:
    template = await keep(note="The first")

    [version] = await versions_of(template)
    assert (template.version, template.version_id, template.revision) == (1, version.id, 1)
    assert (version.number, version.state, version.note) == (1, VersionState.PUBLISHED, "The first")
    assert (version.said.subject, version.said.body) == (WORDS["subject"], WORDS["body"])
    assert (version.published_by, version.published_at) == ("alice", template.created)


async def test_other_words_are_another_version_and_other_names_are_none(
    keep: Keep, change: Keep, versions_of: Versions, clock: Clock
) -> None:
    template = await keep(text="Dear {{ name }}", locale="nl")
    clock.advance(timedelta(minutes=1))
    renamed = await change(template, name="Quote", description="For customers")
    changed = await change(template, subject="Quote {{ number }}", type="OFFERTE")

    assert (renamed.name, renamed.version, renamed.revision) == ("Quote", 1, 2)
    assert (changed.subject, changed.body) == ("Quote {{ number }}", WORDS["body"])
    assert (changed.version, changed.revision, changed.type) == (2, 3, "OFFERTE")
    first, second = await versions_of(template)
    assert (first.number, first.said.subject) == (1, WORDS["subject"])
    assert (second.number, second.said.subject) == (2, "Quote {{ number }}")
    assert (second.said.text, second.said.locale) == ("Dear {{ name }}", "nl")
    assert changed.version_id == second.id


async def test_null_takes_away_what_is_optional(keep: Keep, change: Keep) -> None:
    template = await keep(text="Dear {{ name }}", locale="nl", locales=[{"locale": "en"}])

    changed = await change(template, text=None, locale=None, locales=None)

    version = await TemplateVersion.numbered("acme", changed.id, 2)
    assert version is not None
    assert (version.said.text, version.said.locale, version.said.locales) == (None, None, [])


async def test_a_draft_changes_nothing_until_it_is_published(
    deps: Deps, caller: Caller, keep: Keep, save: Save, publish: Keep, send_it: SendIt
) -> None:
    template = await keep()
    draft = await save(template, subject="New {{ number }}", note="Shorter")
    again = await save(template, body="<p>Hi {{ name }}</p>")
    before = await send_it(template, variables=VARIABLES)
    published = await publish(template)
    after = await send_it(template, variables=VARIABLES)

    assert (draft.number, draft.revision, again.revision, again.id) == (None, 1, 2, draft.id)
    assert (before.subject, before.template_version) == ("Offer 7", 1)
    assert (after.subject, after.template_version) == ("New 7", 2)
    assert after.original_body == "<p>Hi {{ name }}</p>"
    assert (published.version, published.version_id) == (2, draft.id)
    assert (published.subject, published.body) == ("New {{ number }}", "<p>Hi {{ name }}</p>")
    kept = await templates.version_numbered(caller, str(template.id), 2)
    assert (kept.state, kept.note, kept.revision) == (VersionState.PUBLISHED, "Shorter", 2)


async def test_only_a_draft_is_made_when_it_is_asked_for(
    deps: Deps, caller: Caller, keep: Keep, publish: Keep, send_it: SendIt, footprint: Footprint
) -> None:
    template = await keep(draft=True)
    assert (template.version, template.version_id) == (None, None)
    before = await footprint()
    with pytest.raises(ConflictError, match="never published"):
        await send_it(template, variables=VARIABLES)
    command = templates.UpdateTemplate.model_validate({"subject": "x"})
    with pytest.raises(ConflictError, match="never published"):
        await templates.update(deps, caller, str(template.id), command)
    with pytest.raises(ConflictError, match="never published: delete it"):
        await templates.discard(caller, str(template.id))
    assert await footprint() == before

    await publish(template)

    assert (await send_it(template, variables=VARIABLES)).template_version == 1


async def test_of_several_who_publish_at_once_exactly_one_does(
    keep: Keep, save: Save, publish: Keep, versions_of: Versions
) -> None:
    template = await keep()
    await save(template, subject="New")

    done = await asyncio.gather(*(publish(template) for _ in range(6)), return_exceptions=True)

    assert [one.version for one in done if isinstance(one, Template)] == [2]
    assert sum(isinstance(one, ConflictError) for one in done) == 5
    assert [one.number for one in await versions_of(template)] == [1, 2]


async def test_of_several_who_begin_a_draft_at_once_one_draft_is_left(
    keep: Keep, save: Save, versions_of: Versions
) -> None:
    template = await keep()

    done = await asyncio.gather(
        *(save(template, subject=f"New {number}") for number in range(6)), return_exceptions=True
    )

    assert all(isinstance(one, TemplateVersion | ConflictError) for one in done)
    states = [one.state for one in await versions_of(template)]
    assert states == [VersionState.PUBLISHED, VersionState.DRAFT]


async def test_several_who_change_it_at_once_each_make_a_version(
    keep: Keep, change: Keep, versions_of: Versions
) -> None:
    template = await keep()

    await asyncio.gather(
        change(template, subject="New {{ number }}"), change(template, body="<p>New</p>")
    )

    last = (await versions_of(template))[-1]
    assert last.number == 3
    assert (last.said.subject, last.said.body) == ("New {{ number }}", "<p>New</p>")


async def test_a_draft_that_was_changed_since_is_not_written_over(
    keep: Keep, save: Save, publish: Keep, footprint: Footprint
) -> None:
    template = await keep()
    await save(template, subject="Mine")
    await save(template, subject="Theirs", revision=1)
    before = await footprint()

    with pytest.raises(ConflictError, match="changed, published or discarded"):
        await save(template, subject="Mine again", revision=1)
    with pytest.raises(ConflictError, match="has revision 2 by now"):
        await publish(template, revision=1)

    assert await footprint() == before


async def test_what_is_no_draft_is_neither_saved_published_nor_discarded(
    caller: Caller, keep: Keep, save: Save, publish: Keep, footprint: Footprint
) -> None:
    template = await keep()
    before = await footprint()

    with pytest.raises(ConflictError, match="has no draft by now"):
        await save(template, subject="x", revision=1)
    with pytest.raises(ConflictError, match="has no draft"):
        await publish(template)
    with pytest.raises(ConflictError, match="has no draft"):
        await templates.discard(caller, str(template.id))

    assert await footprint() == before


async def test_a_faulty_draft_is_kept_and_not_published(
    keep: Keep, save: Save, publish: Keep, footprint: Footprint
) -> None:
    template = await keep()
    await save(template, body="<p>{{ name }</p>")
    before = await footprint()

    with pytest.raises(InvalidInputError, match=r"body: unexpected '}' \(line 1, column 12\)"):
        await publish(template)

    assert await footprint() == before


async def test_a_draft_is_discarded(
    caller: Caller, keep: Keep, save: Save, versions_of: Versions
) -> None:
    template = await keep()
    await save(template, subject="x")

    await templates.discard(caller, str(template.id))

    assert [one.number for one in await versions_of(template)] == [1]


async def test_an_earlier_version_is_restored_as_a_draft(
    deps: Deps, caller: Caller, keep: Keep, change: Keep, publish: Keep, footprint: Footprint
) -> None:
    template = await keep(variables=[{"name": "number", "type": "NUMBER"}])
    await change(template, subject="Second")

    draft = await templates.restore(deps, caller, str(template.id), 1)
    before = await footprint()
    with pytest.raises(ConflictError, match="has a draft"):
        await templates.restore(deps, caller, str(template.id), 1)
    with pytest.raises(NotFoundError, match="no version 9"):
        await templates.restore(deps, caller, str(template.id), 9)

    assert await footprint() == before
    assert (draft.restored_from, draft.number) == (1, None)
    assert (draft.said.subject, len(draft.said.variables)) == (WORDS["subject"], 1)
    assert (await publish(template)).version == 3


async def test_templates_of_before_there_were_versions_are_given_one(
    deps: Deps, caller: Caller, keep: Keep, versions_of: Versions, send_it: SendIt
) -> None:
    old = {
        "tenantId": "acme", "name": "Old", "subject": "Offer {{ number }}", "body": "<p>Old</p>",
        "revision": 4, "created": deps.now(), "createdBy": "bob", "updated": deps.now(),
        "updatedBy": "carol",
    }  # fmt: skip
    collection = Template.get_motor_collection()
    ids = [(await collection.insert_one({**old, "name": name})).inserted_id for name in "abc"]

    # One is met while it is read, by two at once; the others at the next start.
    found = await asyncio.gather(*(templates.template_of(caller, str(ids[0])) for _ in range(3)))
    await asyncio.gather(upgrade_all(), upgrade_all())

    assert {(one.version, one.revision, one.updated_by) for one in found} == {(1, 4, "carol")}
    for id_ in ids:
        template = await templates.template_of(caller, str(id_))
        [version] = await versions_of(template)
        assert (version.number, version.published_by, version.id) == (
            1, "carol", template.version_id
        )  # fmt: skip
        record = await send_it(template, variables=VARIABLES)
        assert (record.subject, record.original_body) == ("Offer 7", "<p>Old</p>")
        assert (record.template_version, record.template_version_id) == (1, version.id)


async def test_large_versions_stand_elsewhere_and_leave_nothing_behind(
    caller: Caller,
    keep: Keep,
    save: Save,
    publish: Keep,
    footprint: Footprint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(content, "INLINE_LIMIT", 10_000)
    large = "x" * (content.INLINE_LIMIT + 1)
    template = await keep()
    await save(template, body=f"<p>{large}</p>")
    await save(template, body=f"<p>{large}y</p>")
    files = "templateVersions.content.files"
    assert len((await footprint())[files]) == 1

    await publish(template)

    assert len((await footprint())[files]) == 1
    version = await templates.version_numbered(caller, str(template.id), 2)
    assert version.said.body == f"<p>{large}y</p>"
    await save(template, body=f"<p>{large}z</p>")
    await templates.discard(caller, str(template.id))
    assert len((await footprint())[files]) == 1


async def test_versions_go_with_their_template(deps: Deps, caller: Caller, keep: Keep) -> None:
    template = await keep()

    await templates.delete(deps, caller, str(template.id))

    assert await TemplateVersion.numbered("acme", template.id, 1) is None
    assert template.version_id is not None
    assert await TemplateVersion.whole(template.version_id) is not None
    with pytest.raises(NotFoundError):
        await templates.delete(deps, caller, str(template.id))
