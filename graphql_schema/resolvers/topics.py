"""What callers may do with topics: who may, then one call."""

from collections.abc import Collection, Mapping

from app.context import Context, Scope
from app.documents.topics import Topic
from app.services import topics
from app.services.connections import ListCommand, Needs, Part
from app.services.topics import CreateTopic, UpdateTopic


async def topic(context: Context, id_: str) -> Topic:
    """Give the caller's topic. Raises NotFoundError for unknown ids and other tenants' alike."""
    return await topics.topic_of(context.require(Scope.CONSENT_READ), id_)


async def topics_with_ids(
    context: Context, ids: Collection[str], *, without: Collection[str] = ()
) -> Mapping[str, Topic]:
    """Give the caller's topics by their ids."""
    return await topics.topics_with_ids(context.require(Scope.CONSENT_READ), ids, without=without)


async def list_topics(
    context: Context, command: ListCommand, needs: Needs, *, archived: bool | None
) -> Part[Topic]:
    """Give a part of the caller's topics; as `topics_of`."""
    caller = context.require(Scope.CONSENT_READ)
    return await topics.topics_of(caller, command, needs, archived=archived)


async def create_topic(context: Context, command: CreateTopic) -> Topic:
    """Keep a new topic. Raises what `topics.create` raises."""
    return await topics.create(context.deps, context.require(Scope.CONSENT_WRITE), command)


async def update_topic(context: Context, id_: str, command: UpdateTopic) -> Topic:
    """Change a topic. Raises NotFoundError."""
    return await topics.update(context.deps, context.require(Scope.CONSENT_WRITE), id_, command)


async def archive_topic(context: Context, id_: str) -> Topic:
    """Put a topic away. Raises NotFoundError, ConflictError."""
    return await topics.archive(context.deps, context.require(Scope.CONSENT_WRITE), id_)


async def unarchive_topic(context: Context, id_: str) -> Topic:
    """Take out an archived topic. Raises NotFoundError, ConflictError."""
    return await topics.unarchive(context.deps, context.require(Scope.CONSENT_WRITE), id_)
