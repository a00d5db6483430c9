"""Whatever several users do to a template at once, its versions stay in order."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.context import Caller, Deps
from app.documents.template_versions import TemplateVersion
from app.documents.templates import Template
from app.documents.vocabulary import VersionState
from app.errors import ConflictError, NotFoundError
from app.services import templates
from app.services.inputs import parse
from tests.services.templates.conftest import Keep

STEPS = 25
AT_ONCE = 4
Act = Callable[[str], Awaitable[Any]]


@pytest.fixture
def acts(deps: Deps, caller: Caller, keep: Keep) -> list[Act]:
    """What users do; `text` is another one each time."""
    ids: list[str] = []

    async def id_() -> str:
        if not ids:
            ids.append(str((await keep()).id))
        return ids[0]

    async def change(text: str) -> Any:
        command = parse(templates.UpdateTemplate, {"subject": text})
        return await templates.update(deps, caller, await id_(), command)

    async def save(text: str) -> Any:
        command = parse(templates.SaveDraft, {"body": text})
        return await templates.save_draft(deps, caller, await id_(), command)

    async def publish(text: str) -> Any:
        command = parse(templates.PublishTemplate, {"note": text})
        return await templates.publish(deps, caller, await id_(), command)

    async def discard(text: str) -> Any:
        return await templates.discard(caller, await id_())

    async def restore(text: str) -> Any:
        return await templates.restore(deps, caller, await id_(), 1 + len(text) % 3)

    async def archive(text: str) -> Any:
        return await templates.archive(deps, caller, await id_())

    async def unarchive(text: str) -> Any:
        return await templates.unarchive(deps, caller, await id_())

    return [change, save, save, publish, publish, discard, restore, archive, unarchive, unarchive]


async def rows_of(document: type[Template | TemplateVersion]) -> list[dict[str, Any]]:
    return [row async for row in document.get_motor_collection().find().sort("number")]


@pytest.mark.parametrize("seed", range(4))
async def test_versions_stay_in_order(acts: list[Act], seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - it has to be the same each time
    await acts[0]("First")
    published: dict[int, dict[str, Any]] = {}

    for step in range(STEPS):
        done = await asyncio.gather(
            *(chance.choice(acts)(f"{step}-{number}") for number in range(AT_ONCE)),
            return_exceptions=True,
        )

        failed = [one for one in done if isinstance(one, BaseException)]
        assert all(isinstance(one, ConflictError | NotFoundError) for one in failed), failed
        [template] = await rows_of(Template)
        versions = await rows_of(TemplateVersion)
        numbered = [row for row in versions if "number" in row]
        assert [row["number"] for row in numbered] == list(range(1, template["version"] + 1))
        assert {row["state"] for row in numbered} == {VersionState.PUBLISHED}
        drafts = [row for row in versions if "number" not in row]
        assert [row["state"] for row in drafts] in ([], [VersionState.DRAFT])
        assert template["versionId"] == numbered[-1]["_id"]
        assert template["subject"] == numbered[-1]["subject"]
        for row in numbered:
            assert published.setdefault(row["number"], row) == row
    assert len(published) > 1
