"""Topics: what a tenant's mail is about, as recipients choose it."""

import re
from collections.abc import Collection
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from app.context import Caller, Deps
from app.documents.catalogues import TOPICS
from app.documents.topics import Topic, TopicWords
from app.documents.vocabulary import TopicDefault
from app.errors import ConflictError, FieldError, InvalidInputError, NotFoundError
from app.services.connections import EVERYTHING, ListCommand, Needs, Part, listed
from app.services.inputs import Command, Line, Name, OptionalText, null_is_empty
from app.services.templates.locales import canonical, chosen

# A preference page shows them all.
TOPICS_LIMIT = 100
TRANSLATIONS_LIMIT = 50
_KEY = re.compile(r"[a-z0-9]([a-z0-9_-]{0,62}[a-z0-9])?")


def _a_key(text: str) -> str:
    if _KEY.fullmatch(text) is None:
        raise ValueError(
            "must be 1 to 64 small letters, digits, - and _, with a letter or digit at both ends"
        )
    return text


def _a_locale(text: str) -> str:
    if (tag := canonical(text)) is None:
        raise ValueError("must be a language tag such as nl or nl-BE")
    return tag


class Translation(Command):
    locale: Annotated[Line, AfterValidator(_a_locale)]
    name: Name
    description: OptionalText = None


def _one_of_each(given: list[Translation]) -> list[Translation]:
    if len({one.locale for one in given}) < len(given):
        raise ValueError("must have each language once")
    return given


Translations = Annotated[
    Annotated[
        list[Translation], Field(max_length=TRANSLATIONS_LIMIT), AfterValidator(_one_of_each)
    ],
    BeforeValidator(null_is_empty),
]


class CreateTopic(Command):
    key: Annotated[Line, AfterValidator(_a_key)]
    name: Name
    description: OptionalText = None
    default: TopicDefault
    translations: Translations = Field(default_factory=list)


class UpdateTopic(Command):
    """What is left out stays as it is; a null description takes it away."""

    name: Name = ""
    description: OptionalText = None
    default: TopicDefault = TopicDefault.OPT_OUT
    translations: Translations = Field(default_factory=list)


def named_in(topic: Topic, locale: str | None) -> TopicWords:
    """Give what a topic is called for a reader of `locale`, a tag of BCP 47.

    Where it is not called anything in that language, what it is called at all; then `locale` is "".
    """
    translations = {one.locale: one for one in topic.translations}
    own = TopicWords(locale="", name=topic.name, description=topic.description)
    return translations.get(chosen(locale, translations) or "", own)


async def topic_of(caller: Caller, id_: str) -> Topic:
    """Find the caller's topic. Raises NotFoundError for unknown and other tenants' ids alike."""
    found = await Topic.of_tenant(caller.tenant, id_)
    if found is None:
        raise NotFoundError("No topic has this id.")
    return found


async def topics_of(
    caller: Caller, command: ListCommand, needs: Needs = EVERYTHING, *, archived: bool | None
) -> Part[Topic]:
    """Give a part of the caller's topics, by name unless an order is named.

    The archived ones, the others, or both for None.
    """
    return await listed(caller, TOPICS, command, needs, within=Topic.put_away(archived=archived))


async def topics_with_ids(
    caller: Caller, ids: Collection[str], *, without: Collection[str] = ()
) -> dict[str, Topic]:
    """Give the caller's topics by their ids."""
    return await Topic.with_ids(caller.tenant, ids, without=without)


async def create(deps: Deps, caller: Caller, command: CreateTopic) -> Topic:
    """Keep a new topic. Raises ConflictError for a key that is taken, and beyond 100 topics."""
    if await Topic.count_of(caller.tenant) >= TOPICS_LIMIT:
        raise ConflictError(f"There are {TOPICS_LIMIT} topics already, and no tenant has more.")
    now = deps.now()
    made = Topic(
        **command.model_dump(),
        tenant_id=caller.tenant,
        created=now,
        created_by=caller.user,
        updated=now,
        updated_by=caller.user,
    )
    await made.store()
    return made


async def update(deps: Deps, caller: Caller, id_: str, command: UpdateTopic) -> Topic:
    """Change what the command names; its key stays. Raises NotFoundError."""
    found = await topic_of(caller, id_)
    changes = command.model_dump(exclude_unset=True, exclude_none=False)
    changed = await Topic.change(
        caller.tenant, found.id, changes, now=deps.now(), author=caller.user
    )
    return found if changed is None else changed


async def archive(deps: Deps, caller: Caller, id_: str) -> Topic:
    """Put a topic away: no new mail takes it, and recipients do not see it.

    Raises NotFoundError, and ConflictError for one that is archived already.
    """
    found = await topic_of(caller, id_)
    moved = await Topic.archive(caller.tenant, found.id, now=deps.now(), author=caller.user)
    if moved is None:
        raise ConflictError("The topic is archived already.")
    return moved


async def unarchive(deps: Deps, caller: Caller, id_: str) -> Topic:
    """Take out an archived topic. Raises NotFoundError, ConflictError for one that is not."""
    found = await topic_of(caller, id_)
    moved = await Topic.unarchive(caller.tenant, found.id, now=deps.now(), author=caller.user)
    if moved is None:
        raise ConflictError("The topic is not archived.")
    return moved


async def check_known(caller: Caller, topic_id: str) -> Topic:
    """Find a topic that an input names. Raises InvalidInputError."""
    found = await Topic.of_tenant(caller.tenant, topic_id)
    if found is None:
        raise InvalidInputError.of(FieldError("topicId", "no topic has this id"))
    return found
