"""How far list mail has come: parts of its communication."""

from datetime import datetime

from beanie import PydanticObjectId

from app.documents.base import StoredModel


class FanOut(StoredModel):
    """How far the deliveries of list mail are laid down: for all members up to `cursor`.

    Its members are those that the list had when it `started`. Who lays them down holds it `until`
    then.
    """

    started: datetime
    until: datetime
    cursor: PydanticObjectId | None = None
    done: bool = False


class Progress(StoredModel):
    """What became of the members of list mail, counted from its deliveries."""

    total: int = 0
    queued: int = 0
    sent: int = 0
    failed: int = 0
    suppressed: int = 0
    unsubscribed: int = 0
    cancelled: int = 0
