"""What recipients want, as GraphQL shows it."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self

import strawberry

from app.documents import communications, topics
from app.documents import preferences as documents
from app.services import preferences
from app.services.preferences import changes
from graphql_schema.limits import ListSize
from graphql_schema.links import to_one
from graphql_schema.resolvers import preferences as resolvers
from graphql_schema.types.consent_enums import PreferenceSource, PreferenceState
from graphql_schema.types.nodes import Node, kind
from graphql_schema.types.topics import Topic

if TYPE_CHECKING:
    from graphql_schema.types.communications import Communication


@strawberry.type(description="What was said of an address, when and how.")
class PreferenceWord:
    state: PreferenceState = strawberry.field(description="What it wanted.")
    date: datetime = strawberry.field(description="When it was said.")
    via: PreferenceSource = strawberry.field(description="How it was said.")
    communication_id: strawberry.ID | None = strawberry.field(
        description="The communication that led to it."
    )
    author_id: str | None = strawberry.field(
        description="The user who wrote it down; null where the recipient said it."
    )
    detail: str | None = strawberry.field(description="What that user noted of it.")

    @classmethod
    def of(cls, word: documents.Word) -> Self:
        return cls(
            state=word.state,
            date=word.date,
            via=word.via,
            communication_id=_id(word.communication_id),
            author_id=word.author_id,
            detail=word.detail,
        )


@kind(documents.Preference, find=resolvers.preferences_with_ids, heavy={"words": ["history"]})
@strawberry.type(
    description="What an address wants of a topic, or of all mail one can be unsubscribed from."
)
class Preference(Node):
    id: strawberry.ID = strawberry.field(description="Id of the preference.")
    address: str = strawberry.field(description="The address, in lower case.")
    topic_id: strawberry.ID | None = strawberry.field(
        description="The topic; null where it is about all mail one can be unsubscribed from."
    )
    state: PreferenceState = strawberry.field(description="What it wants, by its latest word.")
    date: datetime = strawberry.field(description="When it said so.")
    via: PreferenceSource = strawberry.field(description="How it said so.")
    communication_id: strawberry.ID | None = strawberry.field(
        description="The communication that led to it."
    )
    author_id: str | None = strawberry.field(
        description="The user who wrote it down; null where the recipient said it."
    )
    detail: str | None = strawberry.field(description="What that user noted of it.")
    created: datetime = strawberry.field(description="When it first said anything of it.")
    history: list[PreferenceWord] = strawberry.field(
        directives=[ListSize(assumed_size=3)],
        description="All that was said of it, oldest first; the latest 200 of more.",
    )
    topic: Topic | None = to_one(topics.Topic, "topic_id", "The topic.")
    communication: (
        Annotated["Communication", strawberry.lazy("graphql_schema.types.communications")] | None
    ) = to_one(
        communications.Communication,
        "communication_id",
        "The communication that led to it; null when it was deleted.",
    )

    @classmethod
    def of(cls, found: documents.Preference) -> Self:
        return cls(
            id=strawberry.ID(str(found.id)),
            address=found.address,
            topic_id=_id(found.topic_id),
            state=found.state,
            date=found.date,
            via=found.via,
            communication_id=_id(found.communication_id),
            author_id=found.author_id,
            detail=found.detail,
            created=found.created,
            history=[PreferenceWord.of(word) for word in found.words],
        )


@strawberry.type(description="Whether an address gets the mail of a topic.")
class TopicConsent:
    topic: Topic = strawberry.field(description="The topic.")
    receives: bool = strawberry.field(
        description=(
            "Whether its mail goes to the address, by what it said of the topic and of everything, "
            "and by the topic's default."
        )
    )
    preference_id: strawberry.Private[str | None]
    preference: Preference | None = to_one(
        documents.Preference, "preference_id", "What it said of the topic; null where nothing."
    )


@strawberry.type(description="What an address gets of the tenant's mail.")
class Consent:
    address: str = strawberry.field(description="The address, in lower case.")
    unsubscribed: bool = strawberry.field(
        description=(
            "Whether it unsubscribed from everything: it gets no mail to lists, and of topics only "
            "what it subscribed to afterwards."
        )
    )
    everything_id: strawberry.Private[str | None]
    everything: Preference | None = to_one(
        documents.Preference, "everything_id", "What it said of everything; null where nothing."
    )
    topics: list[TopicConsent] = strawberry.field(
        directives=[ListSize(assumed_size=10)],
        description="Of each topic that is not archived, by its key.",
    )

    @classmethod
    def of(cls, standings: preferences.Standings) -> Self:
        return cls(
            address=standings.address,
            unsubscribed=standings.unsubscribed,
            everything_id=_id_of(standings.everything),
            topics=[
                TopicConsent(
                    topic=Topic.of(one.topic),
                    receives=one.receives,
                    preference_id=_id_of(one.preference),
                )
                for one in standings.topics
            ],
        )


@strawberry.type(description="An address of an import that is none.")
class PreferenceRowError:
    row: int = strawberry.field(description="Its place in the list, from 0.")
    message: str = strawberry.field(description="What is wrong with it, in words.")


@strawberry.type(description="What became of the addresses of an import.")
class PreferenceImport:
    changed: int = strawberry.field(description="How many said something else, or nothing, before.")
    unchanged: int = strawberry.field(
        description="How many said it already; they stay as they were said."
    )
    failed: int = strawberry.field(description="How many are no addresses.")
    errors: list[PreferenceRowError] = strawberry.field(
        directives=[ListSize(assumed_size=100)],
        description="The first 1,000 of those, each with why.",
    )

    @classmethod
    def of(cls, done: changes.Imported) -> Self:
        return cls(
            changed=done.changed,
            unchanged=done.unchanged,
            failed=done.failed,
            errors=[PreferenceRowError(row=one.row, message=one.message) for one in done.errors],
        )


_TOPIC = "The topic; without one it is about all mail one can be unsubscribed from."
_DETAIL = "Where it comes from, e.g. `form of 24 May`, in one line of at most 320 characters."


@strawberry.input(description="What an address wants, as a user writes it down.")
class SetPreferenceInput:
    address: str = strawberry.field(description="The address, in any case.")
    state: PreferenceState = strawberry.field(description="What it wants.")
    topic_id: strawberry.ID | None = strawberry.field(default=None, description=_TOPIC)
    detail: str | None = strawberry.field(default=None, description=_DETAIL)


@strawberry.input(description="What many addresses want, as a user writes it down.")
class ImportPreferencesInput:
    addresses: list[str] = strawberry.field(
        description="The addresses, in any case; at most 5,000, of which equal ones count once."
    )
    state: PreferenceState = strawberry.field(description="What they want.")
    topic_id: strawberry.ID | None = strawberry.field(default=None, description=_TOPIC)
    detail: str | None = strawberry.field(default=None, description=_DETAIL)


def _id(id_: object) -> strawberry.ID | None:
    return None if id_ is None else strawberry.ID(str(id_))


def _id_of(found: documents.Preference | None) -> str | None:
    return None if found is None else str(found.id)
