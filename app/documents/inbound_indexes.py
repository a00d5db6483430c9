"""What keeps questions about received mail quick, however much of it a tenant has."""

from pymongo import ASCENDING, DESCENDING, IndexModel

_TENANT = ("tenantId", ASCENDING)
_NEWEST_FIRST = [("receivedAt", DESCENDING), ("_id", DESCENDING)]
# What is stored with each change that the inbox has not counted yet, and how that is found.
FLAG = {"isUncounted": True}
UNCOUNTED = [("isUncounted", ASCENDING), _TENANT, ("conversationId", ASCENDING)]

INDEXES = [
    IndexModel([_TENANT, ("key", ASCENDING)], unique=True),
    IndexModel(
        [_TENANT, ("providerKeys", ASCENDING)],
        unique=True,
        partialFilterExpression={"providerKeys": {"$type": "string"}},
    ),
    IndexModel([_TENANT, ("internetMessageId", ASCENDING)]),
    IndexModel([_TENANT, ("answered", ASCENDING)]),
    IndexModel(
        [_TENANT, ("conversationId", ASCENDING), ("receivedAt", ASCENDING), ("_id", ASCENDING)]
    ),
    IndexModel(UNCOUNTED, partialFilterExpression=FLAG),
    IndexModel(
        [
            _TENANT,
            ("graphMailbox", ASCENDING),
            ("graphConversationId", ASCENDING),
            ("receivedAt", DESCENDING),
        ],
        partialFilterExpression={"graphConversationId": {"$exists": True}},
    ),
    IndexModel(
        [_TENANT, ("parentCommunicationId", ASCENDING), *_NEWEST_FIRST],
        partialFilterExpression={"parentCommunicationId": {"$exists": True}},
    ),
    IndexModel(
        [_TENANT, ("attachments.digest", ASCENDING)],
        partialFilterExpression={"attachments.digest": {"$exists": True}},
    ),
    IndexModel(
        [_TENANT, ("hasAttachments", ASCENDING), *_NEWEST_FIRST],
        partialFilterExpression={"hasAttachments": True},
    ),
    IndexModel(
        [_TENANT, ("parseFault", ASCENDING), ("_id", ASCENDING)],
        partialFilterExpression={"parseFault": {"$exists": True}},
    ),
    IndexModel([_TENANT, *_NEWEST_FIRST]),
    IndexModel([_TENANT, ("status", ASCENDING), *_NEWEST_FIRST]),
    IndexModel(
        [
            _TENANT,
            ("relatedEntityType", ASCENDING),
            ("relatedEntityId", ASCENDING),
            *_NEWEST_FIRST,
        ]
    ),
]
