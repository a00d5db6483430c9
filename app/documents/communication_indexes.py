"""What keeps the questions of a CRM quick, however many records a tenant has.

Each begins with what a filter names by value (`deletedAt` is always one of them) and ends in the
order in which lists are shown, so that MongoDB reads a page and nothing else, sorts nothing, and
counts without looking at a record.
"""

from pymongo import ASCENDING, DESCENDING, IndexModel

from app.documents.vocabulary import CommunicationStatus

_TENANT = ("tenantId", ASCENDING)
_VISIBLE = ("deletedAt", ASCENDING)
_NEWEST_FIRST = [("created", DESCENDING), ("_id", DESCENDING)]
# What is stored with each change that the totals have not counted yet, and how that is found.
FLAG = {"isUncounted": True}
UNCOUNTED = [("isUncounted", ASCENDING), _TENANT]

INDEXES = [
    IndexModel([_TENANT, _VISIBLE, *_NEWEST_FIRST]),
    IndexModel([_TENANT, ("status", ASCENDING), _VISIBLE, *_NEWEST_FIRST]),
    IndexModel([_TENANT, ("type", ASCENDING), _VISIBLE, *_NEWEST_FIRST]),
    IndexModel(
        [
            _TENANT,
            ("relatedEntityType", ASCENDING),
            ("relatedEntityId", ASCENDING),
            _VISIBLE,
            *_NEWEST_FIRST,
        ]
    ),
    IndexModel([_TENANT, ("recipients", ASCENDING), _VISIBLE, *_NEWEST_FIRST]),
    IndexModel([_TENANT, _VISIBLE, ("sentAt", DESCENDING), *_NEWEST_FIRST]),
    # What was made from a template, sent to a list, or is of a topic.
    *(
        IndexModel(
            [_TENANT, (name, ASCENDING), _VISIBLE, *_NEWEST_FIRST],
            partialFilterExpression={name: {"$exists": True}},
        )
        for name in ("templateId", "recipientListId", "topicId")
    ),
    # The latest of a template that went out.
    IndexModel(
        [
            _TENANT,
            ("templateId", ASCENDING),
            _VISIBLE,
            ("sentAt", DESCENDING),
            ("_id", DESCENDING),
        ],
        partialFilterExpression={"templateId": {"$exists": True}},
    ),
    IndexModel(UNCOUNTED, partialFilterExpression=FLAG),
    IndexModel(
        [_TENANT, ("counted.failed", ASCENDING)],
        partialFilterExpression={"counted.failed": {"$exists": True}},
    ),
    # What waits for its time, next first.
    IndexModel(
        [
            _TENANT,
            ("status", ASCENDING),
            _VISIBLE,
            ("scheduledAt", ASCENDING),
            ("created", ASCENDING),
            ("_id", ASCENDING),
        ],
        partialFilterExpression={"status": CommunicationStatus.SCHEDULED},
    ),
    IndexModel([_TENANT, ("conversationId", ASCENDING), _VISIBLE, ("sentAt", ASCENDING)]),
    IndexModel([_TENANT, ("internetMessageId", ASCENDING)]),
    # Sparse: its size, and so the sweep's cost, follows what is waiting.
    IndexModel([("dispatchAt", ASCENDING)], sparse=True),
    IndexModel([("purgeAt", ASCENDING)], sparse=True),
    IndexModel([("unsubscribeId", ASCENDING)], sparse=True),
    IndexModel(
        [_TENANT, ("attachments.digest", ASCENDING)],
        partialFilterExpression={"attachments.digest": {"$exists": True}},
    ),
]
