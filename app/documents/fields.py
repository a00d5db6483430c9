"""The documented fields of a communication, as callers name them and as they are stored."""

from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from app.documents.vocabulary import (
    CommunicationStatus,
    CommunicationType,
    EventType,
    ProviderType,
)


class Kind(Enum):
    """What a field holds. JSON is one of a mail's variables, OBJECT all of them together."""

    TEXT = auto()
    CHOICE = auto()
    FLAG = auto()
    NUMBER = auto()
    INSTANT = auto()
    ID = auto()
    JSON = auto()
    OBJECT = auto()
    PARTS = auto()


@dataclass(frozen=True)
class Field:
    """`path` is where it is stored; a record holds a list of it when `many`.

    A `sparse` flag is stored where it is true only.
    """

    name: str
    path: str
    kind: Kind
    choices: type[StrEnum] | None = None
    many: bool = False
    sparse: bool = False

    @property
    def sortable(self) -> bool:
        # MongoDB cannot sort by two lists at once, and by one only by its least or greatest.
        listed = self.many or "." in self.name
        return not listed and self.kind not in {Kind.JSON, Kind.OBJECT, Kind.PARTS}


_TEXTS = (
    "body", "conversationId", "createdBy", "errorMessage", "internetMessageId", "messageId",
    "originalBody", "recipientListId", "relatedEntityId", "relatedEntityType", "replyTo",
    "senderEmail", "senderName", "subject", "templateId", "templateName", "tenantId", "updatedBy",
    "clickedLinks.originalUrl", "clickedLinks.url",
    "events.authorId", "events.description", "events.id",
)  # fmt: skip
_INSTANTS = (
    "created", "openedAt", "scheduledAt", "sentAt", "updated",
    "clickedLinks.clickedAt", "events.date",
)  # fmt: skip
_FLAGS = ("linkTrackingEnabled", "opened", "trackingEnabled")
_NUMBERS = ("openCount", "clickedLinks.clickCount")
_CHOICES = {
    "status": CommunicationStatus,
    "type": CommunicationType,
    "providerType": ProviderType,
    "events.type": EventType,
}

_ALL = [
    Field("id", "_id", Kind.ID),
    Field("variables", "variables", Kind.OBJECT),
    *(Field(name, name, Kind.PARTS, many=True) for name in ("clickedLinks", "events")),
    *(Field(name, name, Kind.TEXT, many=True) for name in ("bcc", "cc", "recipients")),
    *(Field(name, name, Kind.TEXT) for name in _TEXTS),
    *(Field(name, name, Kind.INSTANT) for name in _INSTANTS),
    *(Field(name, name, Kind.FLAG) for name in _FLAGS),
    *(Field(name, name, Kind.NUMBER) for name in _NUMBERS),
    *(Field(name, name, Kind.CHOICE, choices) for name, choices in _CHOICES.items()),
]

# By name, in the order in which names sort.
FIELDS = {field.name: field for field in sorted(_ALL, key=lambda field: field.name)}
SORTABLE = {name: field for name, field in FIELDS.items() if field.sortable}
# The 37 of the contract, without the parts of clickedLinks and events.
RECORD_FIELDS = tuple(field for name, field in FIELDS.items() if "." not in name)


def parts_of(name: str) -> dict[str, Field]:
    """Give the documented parts of `clickedLinks` or `events`, by their own names."""
    return {
        inner.removeprefix(f"{name}."): field
        for inner, field in FIELDS.items()
        if inner.startswith(f"{name}.")
    }
