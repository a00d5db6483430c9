"""Documents of any kind by their ids alone, which no two documents share."""

from collections.abc import Collection, Sequence
from typing import Any

from app.documents.base import TenantDocument, object_ids_of
from app.documents.searching import SEARCH_TIME


async def kinds_of(
    tenant: str, ids: Collection[str], kinds: Sequence[type[TenantDocument]]
) -> dict[str, str]:
    """Tell of which of these kinds the tenant's documents with these ids are, in one call.

    Kinds are named as their classes are; ids of none are left out.
    """
    wanted = object_ids_of(ids)
    first, *others = kinds

    def look(kind: type[TenantDocument]) -> list[dict[str, Any]]:
        owned = kind.owned(tenant, {"_id": {"$in": list(wanted.values())}})
        return [{"$match": owned}, {"$project": {"kind": {"$literal": kind.__name__}}}]

    stages = look(first)
    for kind in others:
        coll = kind.get_motor_collection().name
        stages.append({"$unionWith": {"coll": coll, "pipeline": look(kind)}})
    cursor = first.get_motor_collection().aggregate(stages, **SEARCH_TIME.of_command())
    found = {row["_id"]: row["kind"] async for row in cursor}
    return {text: found[id_] for text, id_ in wanted.items() if id_ in found}
