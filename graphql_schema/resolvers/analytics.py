from collections.abc import Collection
from datetime import datetime

from app.context import Context, Scope
from app.documents.analytics import Part
from app.services import analytics as service
from app.services import analytics_series
from app.services.analytics import Analytics
from app.services.analytics_series import Series


async def analytics(
    context: Context,
    *,
    start: datetime | None,
    end: datetime | None,
    timezone: str | None,
    parts: Collection[Part] = frozenset(Part),
) -> Analytics:
    """Reckon a period of the caller's mail. Raises what `analytics.analytics` raises."""
    caller = context.require(Scope.COMMUNICATIONS_READ)
    return await service.analytics(
        context.deps, caller, start=start, end=end, timezone=timezone, parts=parts
    )


async def series(
    context: Context,
    *,
    start: datetime | None,
    end: datetime | None,
    timezone: str | None,
) -> Series:
    """Reckon the days of a period. Raises what `analytics_series.series` raises."""
    caller = context.require(Scope.COMMUNICATIONS_READ)
    return await analytics_series.series(
        context.deps, caller, start=start, end=end, timezone=timezone
    )
