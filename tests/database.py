"""The tests' database: all that is in it at one question, and how it is emptied between two."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import MongoClient

from app.documents import ALL_DOCUMENTS
from tests.fakes.mongo_calls import MONGO_CALLS

Database = AsyncIOMotorDatabase[dict[str, Any]]
Found = AsyncIterator[dict[str, Any]]
Rows = dict[str, list[dict[str, Any]]]


def adapt_mongod(url: str) -> None:
    """Have a mongod of tests forget nothing by its own clock, and write without waiting.

    Tests stop the clock; MongoDB would drop what has expired by its own. Nobody pulls its plug,
    so that a majority need not wait for the disk: a write then takes a third of the time.
    """
    with MongoClient[dict[str, Any]](url) as client:
        client.admin.command({"setParameter": 1, "ttlMonitorEnabled": False})
        config = client.admin.command("replSetGetConfig")["config"]
        changes = {"version": config["version"] + 1, "writeConcernMajorityJournalDefault": False}
        client.admin.command({"replSetReconfig": {**config, **changes}})
        # What a majority has is reckoned anew at the next write; until then a waiting one hangs.
        client.admin.command({"appendOplogNote": 1, "data": {"for": "the new configuration"}})


async def all_rows(*, octets: bool = False) -> Rows:
    """Give the rows of every collection by its name, in the order of their ids.

    Of contents in GridFS it tells the files, and their octets only where they are asked for.
    """
    names = [name for name in _names() if octets or not name.endswith(".chunks")]
    found: Rows = {name: [] for name in names}
    async for row in _of_each(names, [{"$sort": {"_id": 1}}], {"row": "$$ROOT"}):
        found[row["of"]].append(row["row"])
    return found


async def put_rows(rows: Rows) -> None:
    """Insert what `all_rows` gave."""
    database = _database()
    given = [(database[name], held) for name, held in rows.items() if held]
    await asyncio.gather(*(collection.insert_many(held) for collection, held in given))


async def empty() -> None:
    """Delete every row, first from where this process wrote any.

    Only where MongoDB then still counts some, which other processes wrote, are they looked for.
    """
    database = _database()
    await asyncio.gather(*(database[name].delete_many({}) for name in MONGO_CALLS.forget_written()))
    if (await database.command("dbStats"))["objects"] == 0:
        return
    held = {row["of"] async for row in _of_each(_names(), [{"$limit": 1}], {"_id": 0})}
    await asyncio.gather(*(database[name].delete_many({}) for name in held))


def _database() -> Database:
    collection: Any = ALL_DOCUMENTS[0].get_motor_collection()
    return cast("Database", collection.database)


def _names() -> list[str]:
    """Name the collections of every document, with its contents in GridFS."""
    names = [document.get_motor_collection().name for document in ALL_DOCUMENTS]
    return [name + kept for name in names for kept in ("", ".content.files", ".content.chunks")]


def _of_each(names: list[str], stages: list[dict[str, Any]], fields: dict[str, Any]) -> Found:
    """Read what `stages` find in each collection; `of` names it. One question, not twenty."""

    def pipeline(name: str) -> list[dict[str, Any]]:
        return [*stages, {"$project": {**fields, "of": {"$literal": name}}}]

    first, *others = names
    unions = [{"$unionWith": {"coll": name, "pipeline": pipeline(name)}} for name in others]
    return _database()[first].aggregate([*pipeline(first), *unions])
