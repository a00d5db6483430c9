from dataclasses import dataclass
from datetime import datetime
from typing import Self

import strawberry

from app.services import analytics as service
from graphql_schema.context import Info
from graphql_schema.limits import Cost, ListSize
from graphql_schema.resolvers import analytics as resolvers
from graphql_schema.types.analytics_series import AnalyticsSeries
from graphql_schema.types.enums import CommunicationType

_SENT = "Communications handed over in the period."
_OPENED = "How many of them people opened."
_CLICKED = "Of how many of them people followed a link."
_MACHINE_OPENED = "Of how many of them a machine fetched the picture, whoever else did."
_MACHINE_CLICKED = "Of how many of them a scanner or the like followed a link, whoever else did."
_OPEN_RATE = "totalOpened as a share of totalSent, from 0 to 1."
_REPLIED = "How many of them a person answered."
_REPLY_RATE = "totalReplied as a share of totalSent, from 0 to 1."
_UNSUBSCRIBED = "By how many of them a recipient unsubscribed."
_UNSUBSCRIBE_RATE = "totalUnsubscribed as a share of totalSent, from 0 to 1."
_CLICK_RATE = "totalClicked as a share of totalSent, from 0 to 1."


@strawberry.type(description="What became of the mail made from one template.")
class TemplateStats:
    template_id: strawberry.ID = strawberry.field(description="Id of the template.")
    template_name: str | None = strawberry.field(description="Its name, as last used.")
    total_sent: int = strawberry.field(description=_SENT)
    total_opened: int = strawberry.field(description=_OPENED)
    total_clicked: int = strawberry.field(description=_CLICKED)
    open_rate: float = strawberry.field(description=_OPEN_RATE)
    click_rate: float = strawberry.field(description=_CLICK_RATE)
    total_machine_opened: int = strawberry.field(description=_MACHINE_OPENED)
    total_machine_clicked: int = strawberry.field(description=_MACHINE_CLICKED)
    total_replied: int = strawberry.field(description=_REPLIED)
    reply_rate: float = strawberry.field(description=_REPLY_RATE)
    total_unsubscribed: int = strawberry.field(description=_UNSUBSCRIBED)
    unsubscribe_rate: float = strawberry.field(description=_UNSUBSCRIBE_RATE)

    @classmethod
    def of(cls, stats: service.TemplateStats) -> Self:
        rates = stats.rates
        return cls(
            template_id=strawberry.ID(stats.template_id),
            template_name=stats.template_name,
            total_sent=rates.total_sent,
            total_opened=rates.total_opened,
            total_clicked=rates.total_clicked,
            open_rate=rates.open_rate,
            click_rate=rates.click_rate,
            total_machine_opened=rates.total_machine_opened,
            total_machine_clicked=rates.total_machine_clicked,
            total_replied=rates.total_replied,
            reply_rate=rates.reply_rate,
            total_unsubscribed=rates.total_unsubscribed,
            unsubscribe_rate=rates.unsubscribe_rate,
        )


@strawberry.type(description="What became of the mail of one type.")
class CommunicationTypeStats:
    type: CommunicationType = strawberry.field(description="The type.")
    total_sent: int = strawberry.field(description=_SENT)
    total_opened: int = strawberry.field(description=_OPENED)
    total_clicked: int = strawberry.field(description=_CLICKED)
    open_rate: float = strawberry.field(description=_OPEN_RATE)
    click_rate: float = strawberry.field(description=_CLICK_RATE)
    total_machine_opened: int = strawberry.field(description=_MACHINE_OPENED)
    total_machine_clicked: int = strawberry.field(description=_MACHINE_CLICKED)
    total_replied: int = strawberry.field(description=_REPLIED)
    reply_rate: float = strawberry.field(description=_REPLY_RATE)
    total_unsubscribed: int = strawberry.field(description=_UNSUBSCRIBED)
    unsubscribe_rate: float = strawberry.field(description=_UNSUBSCRIBE_RATE)

    @classmethod
    def of(cls, stats: service.TypeStats) -> Self:
        rates = stats.rates
        return cls(
            type=stats.type,
            total_sent=rates.total_sent,
            total_opened=rates.total_opened,
            total_clicked=rates.total_clicked,
            open_rate=rates.open_rate,
            click_rate=rates.click_rate,
            total_machine_opened=rates.total_machine_opened,
            total_machine_clicked=rates.total_machine_clicked,
            total_replied=rates.total_replied,
            reply_rate=rates.reply_rate,
            total_unsubscribed=rates.total_unsubscribed,
            unsubscribe_rate=rates.unsubscribe_rate,
        )


@strawberry.type(description="The mail of one day.")
class DayVolume:
    date: str = strawberry.field(description="The day, YYYY-MM-DD, in the time zone asked for.")
    count: int = strawberry.field(description="Communications handed over on that day.")


@dataclass(frozen=True)
class AskedPeriod:
    start: datetime | None
    end: datetime | None
    timezone: str | None


async def _series(root: "Analytics", info: Info) -> AnalyticsSeries:
    return AnalyticsSeries.of(await resolvers.series(info.context, **vars(root.period)))


@strawberry.type(description="What became of the mail of a period. Deleted mail does not count.")
class Analytics:
    period: strawberry.Private[AskedPeriod]
    total_sent: int = strawberry.field(description=_SENT)
    total_opened: int = strawberry.field(description=_OPENED)
    total_clicked: int = strawberry.field(description=_CLICKED)
    open_rate: float = strawberry.field(description=_OPEN_RATE)
    click_rate: float = strawberry.field(description=_CLICK_RATE)
    total_machine_opened: int = strawberry.field(description=_MACHINE_OPENED)
    total_machine_clicked: int = strawberry.field(description=_MACHINE_CLICKED)
    total_replied: int = strawberry.field(description=_REPLIED)
    reply_rate: float = strawberry.field(description=_REPLY_RATE)
    total_unsubscribed: int = strawberry.field(description=_UNSUBSCRIBED)
    unsubscribe_rate: float = strawberry.field(description=_UNSUBSCRIBE_RATE)
    failure_rate: float = strawberry.field(
        description="Failed in the period, as a share of failed and sent together, from 0 to 1. "
        "Mail that nobody wanted, because all unsubscribed, is not among them."
    )
    by_template: list[TemplateStats] = strawberry.field(
        directives=[ListSize(assumed_size=50)],
        description="Mail made from templates, the most used first.",
    )
    by_type: list[CommunicationTypeStats] = strawberry.field(
        directives=[ListSize(assumed_size=8)],
        description="Mail that has a type, the most frequent first.",
    )
    send_volume_by_day: list[DayVolume] = strawberry.field(
        directives=[ListSize(assumed_size=365)],
        description="The days on which mail was sent, in order.",
    )
    series: AnalyticsSeries = strawberry.field(
        directives=[Cost(weight=100)],
        resolver=_series,
        description="The same day by day, in all and by type and template.",
    )

    @classmethod
    def of(cls, found: service.Analytics, period: AskedPeriod) -> Self:
        return cls(
            period=period,
            total_sent=found.rates.total_sent,
            total_opened=found.rates.total_opened,
            total_clicked=found.rates.total_clicked,
            open_rate=found.rates.open_rate,
            click_rate=found.rates.click_rate,
            total_machine_opened=found.rates.total_machine_opened,
            total_machine_clicked=found.rates.total_machine_clicked,
            total_replied=found.rates.total_replied,
            reply_rate=found.rates.reply_rate,
            total_unsubscribed=found.rates.total_unsubscribed,
            unsubscribe_rate=found.rates.unsubscribe_rate,
            failure_rate=found.failure_rate,
            by_template=[TemplateStats.of(stats) for stats in found.by_template],
            by_type=[CommunicationTypeStats.of(stats) for stats in found.by_type],
            send_volume_by_day=[
                DayVolume(date=day.date, count=day.count) for day in found.send_volume_by_day
            ],
        )
