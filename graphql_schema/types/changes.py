import strawberry
from strawberry import UNSET


@strawberry.input(description="A CRM entity, as records name it.")
class EntityInput:
    type: str = strawberry.field(description="Its kind, as in relatedEntityType.")
    id: str = strawberry.field(description="Its id, as in relatedEntityId.")


@strawberry.input(description="What is to be followed.", one_of=True)
class CommunicationTarget:
    id: strawberry.ID | None = strawberry.field(default=UNSET, description="Id of one record.")
    entity: EntityInput | None = strawberry.field(
        default=UNSET, description="All records of a CRM entity, those to come as well."
    )
