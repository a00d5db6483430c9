"""The floor: what this machine does with the same data and no product in between.

`python -m tests.bench.floor PORT MONGO_URL DATABASE REDIS_URL` serves, by Starlette, motor and
orjson, the answers of the product's routes made by hand: the same bytes from the same rows, read
with the same projection, index and sort. What it inserts goes into a collection of its own.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import orjson
import uvicorn
from arq import create_pool
from arq.connections import RedisSettings
from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from app.instants import format_optional
from rest_compat.records import communication_record
from rest_compat.tracking import PIXEL

TENANT = "acme"
OWNED = {"deletedAt": None, "tenantId": TENANT}
NEWEST = [("created", -1), ("_id", -1)]
FIELDS = (
    "_id", "subject", "status", "type", "recipients", "senderEmail", "sentAt", "created",
    "openCount", "opened", "relatedEntityType", "relatedEntityId",
)  # fmt: skip
PAGE = {"empty": False, "first": True, "last": False, "number": 0, "numberOfElements": 20}


def main() -> None:
    port, mongo, database, redis = sys.argv[1:]
    uvicorn.run(
        _app(mongo, database, redis),
        port=int(port),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )


def _app(mongo: str, database: str, redis: str) -> Starlette:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[dict[str, Any]]:
        client: AsyncIOMotorClient[Any] = AsyncIOMotorClient(mongo, tz_aware=True, w="majority")
        queue = await create_pool(RedisSettings.from_dsn(redis))
        db = client[database]
        accepted = await db["communications"].find_one(OWNED, {"bench": 0})
        yield {"db": db, "queue": queue, "accepted": accepted}

    routes = [
        Route("/graphql", _twenty, methods=["POST"]),
        Route("/nested", _nested, methods=["POST"]),
        Route("/page", _page),
        Route("/find/{id}", _find),
        Route("/send", _send, methods=["POST"]),
        Route("/track", _track),
        Route("/link/{id}/{index:int}", _link),
        Route("/analytics", _analytics),
        Route("/drained", _drained),
        Route("/empty", _empty),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def _json(body: Any) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")


async def _twenty(request: Request) -> Response:
    """Answer 20 records by 12 fields, as `communications(first: 20)` does."""
    await request.body()
    cursor = request.state.db["communications"].find(OWNED, dict.fromkeys(FIELDS, 1))
    rows = await cursor.sort(NEWEST).limit(20).to_list(20)
    return _json({"data": {"communications": {"nodes": [_shown(row) for row in rows]}}})


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": str(row["_id"]),
        "subject": row.get("subject"),
        "status": row["status"],
        "type": row.get("type"),
        "recipients": row["recipients"],
        "senderEmail": row["senderEmail"],
        "sentAt": format_optional(row.get("sentAt")),
        "created": format_optional(row["created"]),
        "openCount": row["openCount"],
        "opened": row["opened"],
        "relatedEntityType": row.get("relatedEntityType"),
        "relatedEntityId": row.get("relatedEntityId"),
    }


async def _nested(request: Request) -> Response:
    """Answer one record with its thread and its deliveries: four finds, three of them lists."""
    asked = orjson.loads(await request.body())
    db, id_ = request.state.db, ObjectId(asked["variables"]["id"])
    row = await db["communications"].find_one({"_id": id_, **OWNED}, dict.fromkeys(FIELDS, 1) |
                                              {"conversationId": 1})  # fmt: skip
    thread = {"tenantId": TENANT, "conversationId": row["conversationId"]}
    sent = await db["communications"].find(thread, {"subject": 1, "sentAt": 1}).to_list(200)
    read = {"subject": 1, "fromEmail": 1, "receivedAt": 1}
    received = await db["inboundMessages"].find(thread, read).to_list(200)
    told = {"recipients": 1, "attempts.date": 1}
    deliveries = await db["deliveries"].find({"communicationId": id_}, told).limit(20).to_list(20)
    return _json(
        {
            "data": {
                "communication": {
                    **_shown(row),
                    "thread": {
                        "outbound": [
                            {
                                "id": str(one["_id"]),
                                "subject": one["subject"],
                                "sentAt": format_optional(one.get("sentAt")),
                            }
                            for one in sent
                        ],
                        "inbound": [
                            {
                                "id": str(one["_id"]),
                                "subject": one["subject"],
                                "fromEmail": one["fromEmail"],
                                "receivedAt": format_optional(one["receivedAt"]),
                            }
                            for one in received
                        ],
                    },
                    "deliveries": {
                        "nodes": [
                            {
                                "id": str(one["_id"]),
                                "recipients": [
                                    {"address": to["address"], "status": to["status"]}
                                    for to in one["recipients"]
                                ],
                            }
                            for one in deliveries
                        ]
                    },
                }
            }
        }
    )


async def _page(request: Request) -> Response:
    collection = request.state.db["communications"]
    cursor = collection.find(OWNED, {"searchText": 0}).sort(NEWEST).limit(20)
    rows = await cursor.to_list(20)
    count = await collection.count_documents(OWNED)
    return _json(
        {
            "content": [communication_record(row) for row in rows],
            "totalElements": count,
            "totalPages": -(-count // 20),
            **PAGE,
        }
    )


async def _find(request: Request) -> Response:
    criteria = {"_id": ObjectId(request.path_params["id"]), **OWNED}
    row = await request.state.db["communications"].find_one(criteria, {"searchText": 0})
    return _json(communication_record(row))


async def _send(request: Request) -> Response:
    """Insert a record like a mail that was accepted, with a majority; wake a worker."""
    asked = orjson.loads(await request.body())
    row = {**request.state.accepted, "_id": ObjectId(), "subject": asked["subject"]}
    await request.state.db["floorMails"].insert_one(row)
    await request.state.queue.enqueue_job(
        "deliver", str(row["_id"]), _job_id=uuid4().hex, _queue_name="floor"
    )
    return _json(communication_record(row))


async def _track(_: Request) -> Response:
    return Response(PIXEL, media_type="image/gif")


async def _link(request: Request) -> Response:
    index = request.path_params["index"]
    row = await request.state.db["communications"].find_one(
        {"_id": ObjectId(request.path_params["id"])}, {"clickedLinks": {"$slice": [index, 1]}}
    )
    return RedirectResponse(row["clickedLinks"][0]["originalUrl"], status_code=302)


async def _analytics(request: Request) -> Response:
    row = await request.state.db["communications"].find_one({"tenantId": TENANT}, {"status": 1})
    return _json({"id": str(row["_id"]), "status": row["status"]})


async def _drained(request: Request) -> Response:
    """Read every record, whole, and make nothing of it."""
    cursor = request.state.db["communications"].find(OWNED, {"searchText": 0}, batch_size=200)
    count = 0
    while rows := await cursor.to_list(200):
        count += len(rows)
    return _json({"rows": count})


async def _empty(_: Request) -> Response:
    return Response(b"")


if __name__ == "__main__":
    main()
