from functools import partial
from typing import Annotated

import strawberry

from app.documents import topics as documents
from app.services.topics import CreateTopic, UpdateTopic
from graphql_schema.connections import After, Before, First, Last, connection
from graphql_schema.context import Info
from graphql_schema.inputs import read_command
from graphql_schema.limits import ListSize
from graphql_schema.resolvers import topics as resolvers
from graphql_schema.types.connections import Connection
from graphql_schema.types.consent_filters import TopicFilter
from graphql_schema.types.orders import TopicOrder
from graphql_schema.types.topics import CreateTopicInput, Topic, UpdateTopicInput

TopicId = Annotated[strawberry.ID, strawberry.argument(description="Id of the topic.")]


async def _topic(info: Info, id: TopicId) -> Topic | None:
    return Topic.of(await resolvers.topic(info.context, id))


async def _topics(  # noqa: PLR0917 - GraphQL gives arguments by name
    info: Info,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    filter: Annotated[
        TopicFilter | None, strawberry.argument(description="Which ones; all of them without it.")
    ] = None,
    order_by: Annotated[
        list[TopicOrder] | None,
        strawberry.argument(description="At most three fields; by name without any."),
    ] = None,
    archived: Annotated[
        bool | None,
        strawberry.argument(description="The archived ones, or the others; null: both."),
    ] = False,
) -> Connection[Topic]:
    find = partial(resolvers.list_topics, archived=archived)
    shown: Connection[Topic] = await connection(
        info, find, documents.Topic,
        first=first, after=after, last=last, before=before, filter=filter, order_by=order_by,
    )  # fmt: skip
    return shown


async def _create(
    info: Info,
    input: Annotated[CreateTopicInput, strawberry.argument(description="The topic.")],
) -> Topic:
    command = read_command(input, CreateTopic)
    return Topic.of(await resolvers.create_topic(info.context, command))


async def _update(
    info: Info,
    id: TopicId,
    input: Annotated[UpdateTopicInput, strawberry.argument(description="The changes.")],
) -> Topic:
    command = read_command(input, UpdateTopic)
    return Topic.of(await resolvers.update_topic(info.context, id, command))


async def _archive(info: Info, id: TopicId) -> Topic:
    return Topic.of(await resolvers.archive_topic(info.context, id))


async def _unarchive(info: Info, id: TopicId) -> Topic:
    return Topic.of(await resolvers.unarchive_topic(info.context, id))


@strawberry.type
class TopicQuery:
    topic: Topic | None = strawberry.field(resolver=_topic, description="The topic with this id.")
    topics: Connection[Topic] = strawberry.field(
        directives=[ListSize(assumed_size=50)],
        resolver=_topics,
        description="The tenant's topics that are not archived, by name.",
    )


@strawberry.type
class TopicMutation:
    create_topic: Topic = strawberry.mutation(
        resolver=_create, description="Keep a new topic; a tenant has at most 100."
    )
    update_topic: Topic = strawberry.mutation(
        resolver=_update, description="Change what a topic is called, or its default."
    )
    archive_topic: Topic = strawberry.mutation(
        resolver=_archive,
        description=(
            "Put a topic away: no new mail takes it, and recipients do not see it until it is "
            "taken out. What they said of it stays, and holds for mail that waits."
        ),
    )
    unarchive_topic: Topic = strawberry.mutation(
        resolver=_unarchive, description="Take an archived topic out again."
    )
