from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Deps
from app.documents.communications import Communication
from app.documents.engagement.hits import Engagement
from app.mail.engagement.hits import EngagementKind, EngagementVerdict, Judgement
from tests.fakes.clock import Clock


@pytest.fixture
def hit(clock: Clock) -> Callable[..., Engagement]:
    """Makes a hit of a record, an open by its only recipient unless these fields say otherwise."""

    def make(record: Communication, *, after: float = 0, **fields: Any) -> Engagement:
        at = clock.now() + timedelta(seconds=after)
        defaults: dict[str, Any] = {
            "tenant_id": record.tenant_id,
            "created": at,
            "communication_id": record.id,
            "delivery_id": record.id,
            "kind": EngagementKind.OPEN,
            "expires": at + timedelta(days=90),
        }
        return Engagement(**{**defaults, **fields})

    return make


@pytest.fixture
def recounted(deps: Deps) -> Callable[[PydanticObjectId], Awaitable[dict[str, Any]]]:
    """The figures that a record should have, from its kept hits alone.

    Links by their addresses, so that no address may stand in it twice.
    """

    async def recount(id_: PydanticObjectId) -> dict[str, Any]:
        rows = Engagement.get_motor_collection().find({"communicationId": id_})
        hits = [Engagement.model_validate(row) async for row in rows]
        counted = [one for one in hits if not one.repeat]
        people = [
            one
            for one in counted
            if one.verdict in {EngagementVerdict.HUMAN, EngagementVerdict.PROXY}
        ]
        urls = sorted({one.url for one in counted if one.url})
        firsts = [(min(o.created for o in people if o.url == one.url), one.url) for one in people]
        return {
            "opens": _figures(people, counted, None),
            "links": {url: _figures(people, counted, url) for url in urls},
            "events": sorted({(first, url or "") for first, url in firsts}),
        }

    return recount


@pytest.fixture
def counted() -> Callable[[PydanticObjectId], Awaitable[dict[str, Any]]]:
    """The figures that a record has, as `recounted` gives them."""

    async def look(id_: PydanticObjectId) -> dict[str, Any]:
        record = await Communication.get(id_)
        assert record is not None
        assert record.opened is (record.open_count > 0)
        return {
            "opens": (
                record.open_count,
                record.machine_open_count,
                record.opened_at,
                record.last_opened_at,
            ),
            "links": {
                link.original_url: (
                    link.click_count,
                    link.machine_click_count,
                    link.clicked_at,
                    link.last_clicked_at,
                )
                for link in record.clicked_links
                if link.click_count or link.machine_click_count
            },
            "events": sorted(
                (event.date, event.description or "")
                for event in record.events
                if event.type in {"OPEN", "CLICK"}
            ),
        }

    return look


def _figures(people: Sequence[Engagement], counted: Sequence[Engagement], url: str | None) -> Any:
    times = [one.created for one in people if one.url == url]
    all_ = Counter(one.url for one in counted)[url]
    return len(times), all_ - len(times), min(times, default=None), max(times, default=None)


@pytest.fixture
def as_marked() -> Callable[[Sequence[Engagement]], list[Judgement]]:
    """Judges hits by their user agent: the name of a verdict, with a `+` for a repeat."""

    def judge(hits: Sequence[Engagement]) -> list[Judgement]:
        return [
            Judgement(EngagementVerdict(mark.rstrip("+")), "marked", repeat=mark.endswith("+"))
            for mark in (one.user_agent or "HUMAN" for one in hits)
        ]

    return judge
