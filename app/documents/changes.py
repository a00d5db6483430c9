"""What happens to records, told as it happens: a change stream of MongoDB."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any

import structlog
from pymongo.errors import ConnectionFailure, OperationFailure

from app.documents.communications import Communication
from app.documents.inbound_messages import InboundMessage

log = structlog.get_logger()


class Noun(StrEnum):
    """What is watched; the values are the names of collections."""

    COMMUNICATION = Communication.Settings.name
    INBOUND_MESSAGE = InboundMessage.Settings.name


class Happening(Enum):
    CREATED = "CREATED"
    CHANGED = "CHANGED"
    DELETED = "DELETED"


class Mark(Enum):
    """OPEN: every later change is told, but of earlier ones any may be missing.

    IDLE: nothing happened for a while.
    """

    OPEN = "OPEN"
    IDLE = "IDLE"


@dataclass(frozen=True)
class Change:
    """What happened to one record of a tenant, and the CRM entity (type, id) it belongs to."""

    noun: Noun
    happening: Happening
    id: str
    tenant: str
    entity: tuple[str | None, str | None] = (None, None)


Token = Mapping[str, Any]
_IDLE_MILLISECONDS = 1000
_PAUSE_SECONDS = 1.0
# A change of these alone shows nowhere.
_INTERNAL = [
    "dispatchAt", "dispatches", "faults", "sending", "reports", "resendKeys", "fanOut",
    "searchText", "purgeAt", "providerKeys", "graphConversationId", "graphMailbox",
    "fingerprint", "answeredDeliveryId", "isPlaced", "isUncounted", "countedIn", "countedUnread",
    "counted", "unsubscribeId", "leavingId", "sentInConversationId", "isWithheld",
]  # fmt: skip
_CHANGED_FIELDS = {
    "$concatArrays": [
        # `events.3` is a part of `events`.
        {
            "$map": {
                "input": {"$objectToArray": {"$ifNull": ["$updateDescription.updatedFields", {}]}},
                "in": {"$arrayElemAt": [{"$split": ["$$this.k", "."]}, 0]},
            }
        },
        {"$ifNull": ["$updateDescription.removedFields", []]},
    ]
}
_PIPELINE: list[dict[str, Any]] = [
    {
        "$match": {
            "ns.coll": {"$in": list(Noun)},
            "$or": [
                {"operationType": "insert"},
                {
                    "operationType": "update",
                    "$expr": {"$ne": [{"$setDifference": [_CHANGED_FIELDS, _INTERNAL]}, []]},
                },
            ],
        }
    },
    # Bodies stay where they are. By its `_id` the stream is resumed.
    {
        "$project": {
            "operationType": 1,
            "ns.coll": 1,
            "documentKey": 1,
            "fullDocument.tenantId": 1,
            "fullDocument.relatedEntityType": 1,
            "fullDocument.relatedEntityId": 1,
            "fullDocument.deletedAt": 1,
            "updateDescription.updatedFields.deletedAt": 1,
        }
    },
]


async def watch(since: Token | None = None) -> AsyncGenerator[Change | Mark, None]:
    """Tell what happens from now on, without end; OPEN first, once nothing more is missed.

    Outages are waited out, and the stream goes on where it was; so it does where another was that
    gave the token `since`. Where MongoDB no longer knows what happened in between, OPEN comes.
    """
    tokens = [] if since is None else [since]
    while True:
        try:
            async with aclosing(_since(tokens)) as changes:
                async for told in changes:
                    yield told
        except ConnectionFailure as error:
            log.warning("changes.interrupted", error=type(error).__name__)
        except OperationFailure as error:
            log.warning("changes.refused", error=type(error).__name__, code=error.code)
            if not error.has_error_label("ResumableChangeStreamError"):
                tokens.clear()
        yield Mark.IDLE
        await asyncio.sleep(_PAUSE_SECONDS)


async def _since(tokens: list[Token]) -> AsyncGenerator[Change | Mark, None]:
    """Follow one stream until it breaks; the only one of `tokens` is where to go on."""
    database = Communication.get_motor_collection().database
    stream = database.watch(
        _PIPELINE,
        full_document="updateLookup",
        resume_after=tokens[0] if tokens else None,
        max_await_time_ms=_IDLE_MILLISECONDS,
    )
    async with stream:
        if not tokens:
            yield Mark.OPEN
        while stream.alive:
            row = await stream.try_next()
            if stream.resume_token is not None:
                tokens[:] = [stream.resume_token]
            change = None if row is None else _change(row)
            if row is None or change is not None:
                yield change or Mark.IDLE
    # The database is gone, and with it all that the token could lead to.
    tokens.clear()


def _change(row: Mapping[str, Any]) -> Change | None:
    """Read a row of the stream; None for what befalls a record that its tenant has no more."""
    # None: removed in the meantime.
    record = row.get("fullDocument")
    if not record or "tenantId" not in record:
        return None
    if row["operationType"] == "insert":
        happening = Happening.CREATED
    elif "deletedAt" in row.get("updateDescription", {}).get("updatedFields", {}):
        happening = Happening.DELETED
    elif record.get("deletedAt") is None:
        happening = Happening.CHANGED
    else:
        return None
    return Change(
        noun=Noun(row["ns"]["coll"]),
        happening=happening,
        id=str(row["documentKey"]["_id"]),
        tenant=record["tenantId"],
        entity=(record.get("relatedEntityType"), record.get("relatedEntityId")),
    )
