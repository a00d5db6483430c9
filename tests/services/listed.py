"""Records of which the tests know in what order they have to be listed."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from beanie import PydanticObjectId

from app.documents.communications import Communication

START = datetime(2100, 1, 1, tzinfo=UTC)
# What they are stored as, in the order in which MongoDB compares strings.
STATUSES = ["FAILED", "SENT"]
PATHS = {
    "CREATED": "created", "SENT_AT": "sentAt", "TYPE": "type", "STATUS": "status",
    "OPEN_COUNT": "openCount", "SUBJECT": "subject", "SCHEDULED_AT": "scheduledAt",
}  # fmt: skip


class Records:
    """Some records of acme in MongoDB, of few different values, so that many are equal."""

    def __init__(self, template: dict[str, Any], seed: str) -> None:
        self._template = template
        self.chance = random.Random(seed)  # noqa: S311 - it has to be the same each time
        self.rows: dict[PydanticObjectId, dict[str, Any]] = {}

    async def add(self, count: int) -> None:
        chance = self.chance
        for _ in range(count):
            optional = {
                "sentAt": chance.choice([None, START, START + timedelta(days=1)]),
                "scheduledAt": chance.choice([None, START]),
                "type": chance.choice([None, "FACTUUR", "OFFERTE"]),
                "openCount": chance.choice([None, 0, 7]),
            }
            id_ = PydanticObjectId(chance.randbytes(12))
            self.rows[id_] = {
                **self._template,
                "_id": id_,
                "created": START + timedelta(milliseconds=chance.randrange(3)),
                "status": chance.choice(STATUSES),
                "subject": chance.choice(["a", "b", "B", ""]),
                **{name: value for name, value in optional.items() if value is not None},
            }
            await Communication.get_motor_collection().insert_one(self.rows[id_])

    async def remove(self, count: int) -> None:
        for id_ in self.chance.sample(sorted(self.rows), min(count, len(self.rows))):
            del self.rows[id_]
            await Communication.get_motor_collection().delete_one({"_id": id_})

    def ordered(self, order: list[tuple[str, str]]) -> list[PydanticObjectId]:
        """Their ids as a list in this order has them: missing is least, ties go the last way."""
        last = order[-1][1] if order else "DESC"
        keys = [(PATHS[field], direction) for field, direction in order]
        keys += [("created", last), ("_id", last)]
        rows = list(self.rows.values())
        for path, direction in reversed(keys):
            rows.sort(
                key=lambda row: (row.get(path) is not None, row.get(path, 0)),
                reverse=direction == "DESC",
            )
        return [row["_id"] for row in rows]
