"""What users did to messages, at the end of their audit trails."""

from typing import Any

from app.documents.communications import Event

# Of what users change again and again, the latest; all else that a trail tells stays.
CHANGES_KEPT = 200


def told(event: Event) -> dict[str, Any]:
    """What a change by a user sets, in a stage of a pipeline.

    With `CHANGES_KEPT` of its type before it, the oldest of them goes.
    """
    events = {"$ifNull": ["$events", []]}
    alike = {"$filter": {"input": events, "cond": {"$eq": ["$$this.type", event.type]}}}
    is_dropped = {
        "$and": ["$$isFull", {"$eq": ["$$this.id", {"$first": "$$alike.id"}]}],
    }
    kept = {"$filter": {"input": events, "cond": {"$not": is_dropped}}}
    is_full = {"$gte": [{"$size": "$$alike"}, CHANGES_KEPT]}
    bounded = {"$let": {"vars": {"isFull": is_full}, "in": kept}}
    before = {"$let": {"vars": {"alike": alike}, "in": bounded}}
    return {
        "updated": event.date,
        "updatedBy": {"$literal": event.author_id},
        "events": {"$concatArrays": [before, [{"$literal": event.stored()}]]},
    }
