from typing import Self

import strawberry

from app.services import analytics_series as service
from graphql_schema.limits import ListSize
from graphql_schema.types.enums import CommunicationType

_DAYS = "The days with mail, in order."


@strawberry.type(
    description="The mail of one day: what became, up to now, of what was handed over on it."
)
class DayStats:
    date: str = strawberry.field(description="The day, YYYY-MM-DD, in the time zone asked for.")
    sent: int = strawberry.field(description="Communications handed over on that day.")
    opened: int = strawberry.field(description="How many of them people opened.")
    clicked: int = strawberry.field(description="Of how many of them people followed a link.")
    machine_opened: int = strawberry.field(
        description="Of how many of them a machine fetched the picture, whoever else did."
    )
    machine_clicked: int = strawberry.field(
        description="Of how many of them a scanner or the like followed a link, whoever else did."
    )
    replied: int = strawberry.field(description="How many of them a person answered.")
    unsubscribed: int = strawberry.field(
        description="By how many of them a recipient unsubscribed."
    )
    delivered: int = strawberry.field(
        description="How many of them were delivered, and not returned afterwards."
    )
    bounced: int = strawberry.field(description="How many of them were returned.")
    complained: int = strawberry.field(
        description="How many of them were reported as spam; they count as delivered too."
    )
    failed: int = strawberry.field(
        description="Communications that failed on that day and stand so; they are not in `sent`. "
        "Mail that nobody wanted, because all unsubscribed, is not among them."
    )

    @classmethod
    def of(cls, day: service.DayStats) -> Self:
        return cls(**vars(day))


@strawberry.type(description="The days of the mail of one type.")
class CommunicationTypeSeries:
    type: CommunicationType = strawberry.field(description="The type.")
    days: list[DayStats] = strawberry.field(
        directives=[ListSize(assumed_size=31)], description=_DAYS
    )

    @classmethod
    def of(cls, found: service.TypeSeries) -> Self:
        return cls(type=found.type, days=list(map(DayStats.of, found.days)))


@strawberry.type(description="The days of the mail made from one template.")
class TemplateSeries:
    template_id: strawberry.ID = strawberry.field(description="Id of the template.")
    template_name: str | None = strawberry.field(description="Its name, as last used.")
    days: list[DayStats] = strawberry.field(
        directives=[ListSize(assumed_size=31)], description=_DAYS
    )

    @classmethod
    def of(cls, found: service.TemplateSeries) -> Self:
        return cls(
            template_id=strawberry.ID(found.template_id),
            template_name=found.template_name,
            days=list(map(DayStats.of, found.days)),
        )


@strawberry.type(description="A period day by day; of one of more than 400 days, its last 400.")
class AnalyticsSeries:
    days: list[DayStats] = strawberry.field(
        directives=[ListSize(assumed_size=100)], description=_DAYS
    )
    by_type: list[CommunicationTypeSeries] = strawberry.field(
        directives=[ListSize(assumed_size=8)], description="Mail that has a type, by it."
    )
    by_template: list[TemplateSeries] = strawberry.field(
        directives=[ListSize(assumed_size=service.TEMPLATES)],
        description="Mail made from templates; of the 20 most used, the most used first.",
    )

    @classmethod
    def of(cls, found: service.Series) -> Self:
        return cls(
            days=list(map(DayStats.of, found.days)),
            by_type=list(map(CommunicationTypeSeries.of, found.by_type)),
            by_template=list(map(TemplateSeries.of, found.by_template)),
        )
