"""The first answer to a request, given again to whoever repeats it."""

from collections.abc import Sequence
from datetime import datetime

from beanie import PydanticObjectId

from app.documents.communications import ClickedLink, Communication
from app.documents.vocabulary import CommunicationStatus, EventType
from app.instants import parse_instant


async def first_answer(tenant: str, id_: PydanticObjectId) -> Communication | None:
    """Give the tenant's record as it was accepted, also when it was deleted since."""
    return (await first_answers(tenant, [id_])).get(id_)


async def first_answers(
    tenant: str, ids: Sequence[PydanticObjectId]
) -> dict[PydanticObjectId, Communication]:
    """Give those of the tenant's records that are there, as `first_answer` does."""
    if not ids:
        return {}
    criteria = Communication.owned(tenant, {"_id": {"$in": list(ids)}})
    for name in Communication.visible:
        del criteria[name]
    answers: dict[PydanticObjectId, Communication] = {}
    async for row in Communication.get_motor_collection().find(criteria):
        found = Communication.model_validate(row)
        await found.load_content()
        answers[found.id] = as_accepted(found)
    return answers


def as_accepted(record: Communication) -> Communication:
    """Take back all that happened to the record since."""
    scheduled = record.scheduled_at is not None
    links = [ClickedLink(original_url=link.original_url, url=link.url)
             for link in record.clicked_links]  # fmt: skip
    accepted: Communication = record.model_copy(
        update={
            "status": CommunicationStatus.SCHEDULED if scheduled else CommunicationStatus.PENDING,
            "message_id": None,
            "internet_message_id": None,
            "scheduled_at": _scheduled_at(record),
            "sent_at": None,
            "error_message": None,
            "opened": False,
            "opened_at": None,
            "last_opened_at": None,
            "open_count": 0,
            "machine_open_count": 0,
            "reply_count": 0,
            "replied_at": None,
            "unsubscribe_count": 0,
            "unsubscribed_at": None,
            "clicked_links": links,
            "events": record.events[: 2 if scheduled else 1],
            "progress": None,
            "paused_at": None,
            "updated": record.created,
            "updated_by": record.created_by,
        }
    )
    return accepted


def _scheduled_at(record: Communication) -> datetime | None:
    """Give the time that it was scheduled for at first; only its event still tells."""
    for event in record.events[:2]:
        if event.type is EventType.SCHEDULE and event.description is not None:
            return parse_instant(event.description.removeprefix("for "))
    return record.scheduled_at
