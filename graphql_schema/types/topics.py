"""Topics as GraphQL shows them."""

from datetime import datetime
from typing import Self

import strawberry
from strawberry import UNSET

from app.documents import topics as documents
from graphql_schema.limits import ListSize
from graphql_schema.resolvers import topics as resolvers
from graphql_schema.types.consent_enums import TopicDefault
from graphql_schema.types.nodes import Node, kind


@strawberry.type(description="What a topic is called in another language.")
class TopicTranslation:
    locale: str = strawberry.field(description="The language, e.g. `nl` or `nl-BE`.")
    name: str = strawberry.field(description="The name in it.")
    description: str | None = strawberry.field(description="The description in it.")


@kind(documents.Topic, find=resolvers.topics_with_ids)
@strawberry.type(description="What mail is about, as its recipients choose it.")
class Topic(Node):
    id: strawberry.ID = strawberry.field(description="Id of the topic: a mail's topicId.")
    key: str = strawberry.field(description="The tenant's only one of that key; it never changes.")
    name: str = strawberry.field(description="What recipients see it called.")
    description: str | None = strawberry.field(description="What recipients read of it.")
    translations: list[TopicTranslation] = strawberry.field(
        directives=[ListSize(assumed_size=3)], description="What it is called in other languages."
    )
    default: TopicDefault = strawberry.field(
        description="Whether those who said nothing get its mail."
    )
    archived_at: datetime | None = strawberry.field(
        description="Since when it is archived: not shown to recipients, and not for new mail."
    )
    created: datetime = strawberry.field(description="When it was made.")
    created_by: str = strawberry.field(description="The user who made it.")
    updated: datetime = strawberry.field(description="The latest change.")
    updated_by: str = strawberry.field(description="The user who made that change.")

    @classmethod
    def of(cls, topic: documents.Topic) -> Self:
        return cls(
            id=strawberry.ID(str(topic.id)),
            key=topic.key,
            name=topic.name,
            description=topic.description,
            translations=[
                TopicTranslation(locale=one.locale, name=one.name, description=one.description)
                for one in topic.translations
            ],
            default=topic.default,
            archived_at=topic.archived_at,
            created=topic.created,
            created_by=topic.created_by,
            updated=topic.updated,
            updated_by=topic.updated_by,
        )


@strawberry.input(description="What a topic is called in another language.")
class TopicTranslationInput:
    locale: str = strawberry.field(description="The language, as BCP 47 has it: `nl`, `nl-BE`.")
    name: str = strawberry.field(description="The name, of at most 200 characters.")
    description: str | None = strawberry.field(
        default=None, description="The description, of at most 2,000 characters."
    )


@strawberry.input(description="A topic to be kept.")
class CreateTopicInput:
    key: str = strawberry.field(
        description="1 to 64 small letters, digits, - and _, and no other topic's key."
    )
    name: str = strawberry.field(description="At most 200 characters.")
    default: TopicDefault = strawberry.field(
        description="Whether those who said nothing get its mail."
    )
    description: str | None = strawberry.field(
        default=None, description="What recipients read of it, in at most 2,000 characters."
    )
    translations: list[TopicTranslationInput] | None = strawberry.field(
        default=None, description="What it is called in other languages; at most 50."
    )


@strawberry.input(description="What is to change in a topic; what is left out stays as it is.")
class UpdateTopicInput:
    name: str | None = strawberry.field(default=UNSET, description="Another name.")
    default: TopicDefault | None = strawberry.field(
        default=UNSET, description="Another default; it is for mail that waits, too."
    )
    description: str | None = strawberry.field(
        default=UNSET, description="Another description; null takes it away."
    )
    translations: list[TopicTranslationInput] | None = strawberry.field(
        default=UNSET, description="Others, in place of all it had; null for none."
    )
