"""How deliveries are found: by their mail, by what they are called outside, and when due."""

from pymongo import ASCENDING, IndexModel

INDEXES = [
    # What makes a replayed dispatch or fan-out add nothing.
    IndexModel(
        [("communicationId", ASCENDING), ("sending", ASCENDING), ("memberId", ASCENDING)],
        unique=True,
    ),
    IndexModel(
        [("communicationId", ASCENDING), ("batchAt", ASCENDING)],
        partialFilterExpression={"batchAt": {"$exists": True}},
    ),
    IndexModel([("trackingId", ASCENDING)]),
    IndexModel([("tenantId", ASCENDING), ("messageId", ASCENDING)]),
    # What providers call it: news names one of these.
    *(
        IndexModel(
            [("tenantId", ASCENDING), (name, ASCENDING)],
            partialFilterExpression={name: {"$exists": True}},
        )
        for name in ("providerId", "internetMessageId")
    ),
    IndexModel(
        [("tenantId", ASCENDING), ("providerConversationId", ASCENDING), ("_id", ASCENDING)],
        partialFilterExpression={"providerConversationId": {"$exists": True}},
    ),
    # Sparse: their size, and so the sweep's cost, follows what is unsettled.
    IndexModel([("dueAt", ASCENDING)], sparse=True),
    IndexModel([("identifyAt", ASCENDING)], sparse=True),
]
