from datetime import datetime
from typing import Annotated

import strawberry

from app.documents.analytics import Part
from graphql_schema.context import Info
from graphql_schema.limits import Cost
from graphql_schema.resolvers import analytics as resolvers
from graphql_schema.selections import chosen_names
from graphql_schema.types.analytics import Analytics, AskedPeriod

_PARTS = {
    "byType": Part.TYPES,
    "byTemplate": Part.TEMPLATES,
    "sendVolumeByDay": Part.DAYS,
}


async def _analytics(
    info: Info,
    start: Annotated[
        datetime | None,
        strawberry.argument(name="from", description="Begin of the period; open without it."),
    ] = None,
    end: Annotated[
        datetime | None,
        strawberry.argument(
            name="to", description="End of the period, itself not part of it; open without it."
        ),
    ] = None,
    timezone: Annotated[
        str | None,
        strawberry.argument(
            description="The time zone of the days, e.g. `Europe/Amsterdam`; UTC without it."
        ),
    ] = None,
) -> Analytics:
    period = AskedPeriod(start, end, timezone)
    chosen = chosen_names(info)
    parts = [part for name, part in _PARTS.items() if name in chosen]
    found = await resolvers.analytics(info.context, **vars(period), parts=parts)
    return Analytics.of(found, period)


@strawberry.type
class AnalyticsQuery:
    analytics: Analytics = strawberry.field(
        directives=[Cost(weight=100)],
        resolver=_analytics,
        description="What became of the mail sent in a period.",
    )
