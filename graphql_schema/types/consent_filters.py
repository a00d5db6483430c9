"""How topics and preferences are filtered."""

import strawberry
from strawberry import UNSET

from graphql_schema.types.choices import GIVEN, ChoiceFilter
from graphql_schema.types.consent_enums import PreferenceSource, PreferenceState, TopicDefault
from graphql_schema.types.filters import DateTimeFilter, IdFilter, TextFilter

_ALL = (
    "all that is asked for must hold; what is null counts as not given. At most 50 conditions, "
    "nested at most 5 deep."
)


@strawberry.input(description=f"What is asked of a topic's default. {GIVEN}")
class TopicDefaultFilter(ChoiceFilter[TopicDefault]):
    pass


@strawberry.input(description=f"What is asked of what an address wants. {GIVEN}")
class PreferenceStateFilter(ChoiceFilter[PreferenceState]):
    pass


@strawberry.input(description=f"What is asked of how it was said. {GIVEN}")
class PreferenceSourceFilter(ChoiceFilter[PreferenceSource]):
    pass


@strawberry.input(description=f"Which topics: {_ALL}")
class TopicFilter:
    id: IdFilter | None = strawberry.field(default=UNSET, description="Id of the topic.")
    key: TextFilter | None = strawberry.field(default=UNSET, description="Its key.")
    name: TextFilter | None = strawberry.field(
        default=UNSET, description="Its name; capitals and small letters are alike."
    )
    description: TextFilter | None = strawberry.field(default=UNSET, description="What it is.")
    default: TopicDefaultFilter | None = strawberry.field(
        default=UNSET, description="Whether those who said nothing get its mail."
    )
    created: DateTimeFilter | None = strawberry.field(
        default=UNSET, description="When it was made."
    )
    updated: DateTimeFilter | None = strawberry.field(
        default=UNSET, description="The latest change."
    )
    created_by: TextFilter | None = strawberry.field(
        default=UNSET, description="The user who made it."
    )
    updated_by: TextFilter | None = strawberry.field(
        default=UNSET, description="The user who made the latest change."
    )
    and_: list["TopicFilter"] | None = strawberry.field(
        name="and", default=UNSET, description="All of these hold."
    )
    or_: list["TopicFilter"] | None = strawberry.field(
        name="or", default=UNSET, description="At least one of these holds."
    )
    not_: "TopicFilter | None" = strawberry.field(
        name="not", default=UNSET, description="This does not hold."
    )


@strawberry.input(description=f"Which preferences: {_ALL}")
class PreferenceFilter:
    id: IdFilter | None = strawberry.field(default=UNSET, description="Id of the preference.")
    address: TextFilter | None = strawberry.field(
        default=UNSET, description="The address, in lower case."
    )
    topic_id: IdFilter | None = strawberry.field(
        default=UNSET,
        description="The topic; missing where it is about all mail one can be unsubscribed from.",
    )
    state: PreferenceStateFilter | None = strawberry.field(
        default=UNSET, description="What the address wants."
    )
    via: PreferenceSourceFilter | None = strawberry.field(
        default=UNSET, description="How it was said."
    )
    communication_id: IdFilter | None = strawberry.field(
        default=UNSET, description="The communication that led to it."
    )
    author_id: TextFilter | None = strawberry.field(
        default=UNSET, description="The user who wrote it down."
    )
    detail: TextFilter | None = strawberry.field(
        default=UNSET, description="What that user noted of it."
    )
    date: DateTimeFilter | None = strawberry.field(default=UNSET, description="When it was said.")
    created: DateTimeFilter | None = strawberry.field(
        default=UNSET, description="When the address first said anything of it."
    )
    and_: list["PreferenceFilter"] | None = strawberry.field(
        name="and", default=UNSET, description="All of these hold."
    )
    or_: list["PreferenceFilter"] | None = strawberry.field(
        name="or", default=UNSET, description="At least one of these holds."
    )
    not_: "PreferenceFilter | None" = strawberry.field(
        name="not", default=UNSET, description="This does not hold."
    )
