from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app.services.analytics import Analytics, Rates
from graphql_schema.resolvers import analytics as resolvers
from rest_compat.queries import read_instant
from rest_compat.requests import context_of


async def analytics(request: Request) -> Response:
    """Answer with the contract's Analytics."""
    context = await context_of(request)
    found = await resolvers.analytics(
        context,
        start=read_instant(request, "from"),
        end=read_instant(request, "to"),
        timezone=request.query_params.get("timezone"),
    )
    return Response(orjson.dumps(_shaped(found)), media_type="application/json")


def _shaped(found: Analytics) -> dict[str, Any]:
    return {
        "byTemplate": [
            {
                "templateId": stats.template_id,
                "templateName": stats.template_name,
                **_rates(stats.rates),
            }
            for stats in found.by_template
        ],
        "byType": [{"type": stats.type, **_rates(stats.rates)} for stats in found.by_type],
        **_rates(found.rates),
        "failureRate": found.failure_rate,
        "sendVolumeByDay": [
            {"count": day.count, "date": day.date} for day in found.send_volume_by_day
        ],
    }


def _rates(rates: Rates) -> dict[str, Any]:
    return {
        "clickRate": rates.click_rate,
        "openRate": rates.open_rate,
        "totalClicked": rates.total_clicked,
        "totalOpened": rates.total_opened,
        "totalSent": rates.total_sent,
    }
