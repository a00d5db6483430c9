"""The first answer to a request, given again to whoever repeats it."""

from beanie import PydanticObjectId

from app.documents.communications import ClickedLink, Communication
from app.documents.vocabulary import CommunicationStatus


async def first_answer(tenant: str, id_: PydanticObjectId) -> Communication | None:
    """Give the tenant's record as it was accepted, also when it was deleted since."""
    criteria = Communication.owned(tenant, {"_id": id_})
    for name in Communication.visible:
        del criteria[name]
    row = await Communication.get_motor_collection().find_one(criteria)
    if row is None:
        return None
    found = Communication.model_validate(row)
    await found.load_content()
    return as_accepted(found)


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
            "sent_at": None,
            "error_message": None,
            "opened": False,
            "opened_at": None,
            "last_opened_at": None,
            "open_count": 0,
            "clicked_links": links,
            "events": record.events[: 2 if scheduled else 1],
            "updated": record.created,
            "updated_by": record.created_by,
        }
    )
    return accepted
