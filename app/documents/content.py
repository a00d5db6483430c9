"""Content too large to stand inside a document (MongoDB ends one at 16 MB) is kept in GridFS."""

from collections.abc import AsyncIterator, Collection
from contextlib import suppress
from io import BytesIO
from typing import Any, BinaryIO, cast

from beanie import Document, PydanticObjectId
from gridfs.errors import NoFile
from motor.motor_asyncio import AsyncIOMotorDatabase, AsyncIOMotorGridFSBucket, AsyncIOMotorGridOut
from pymongo import ASCENDING

from app.documents.volume import count

# Two bodies of 10 MB, or the message composed of one, do not fit one document.
INLINE_LIMIT = 4 * 1024 * 1024
_CHUNK = 1024 * 1024


def _bucket(owner: type[Document]) -> AsyncIOMotorGridFSBucket:
    # Motor's stub calls every attribute of a collection a collection, `database` among them.
    database = cast(AsyncIOMotorDatabase[Any], owner.get_motor_collection().database)
    return AsyncIOMotorGridFSBucket(database, bucket_name=f"{owner.get_collection_name()}.content")


async def put(owner: type[Document], content: bytes) -> PydanticObjectId:
    """Store `content` beside the collection of `owner`; its id."""
    file_id = PydanticObjectId()
    await _bucket(owner).upload_from_stream_with_id(file_id, "content", content)
    return file_id


async def put_as(owner: type[Document], file_id: PydanticObjectId, source: BinaryIO) -> None:
    """Store what is left to read of `source` under an id of the caller's, a megabyte at a time."""
    await _bucket(owner).upload_from_stream_with_id(
        file_id, "content", source, chunk_size_bytes=_CHUNK
    )


async def get(owner: type[Document], file_id: PydanticObjectId) -> bytes:
    """The content stored by `put`. Raises gridfs.NoFile for an unknown id."""
    buffer = BytesIO()
    await _bucket(owner).download_to_stream(file_id, buffer)
    count(buffer.tell())
    return buffer.getvalue()


async def stream(owner: type[Document], file_id: PydanticObjectId) -> AsyncIterator[bytes]:
    """As `get`, in pieces of about a megabyte; the error comes before there is any."""
    file = await _bucket(owner).open_download_stream(file_id)
    return _pieces(file)


async def get_many(
    owner: type[Document], file_ids: Collection[PydanticObjectId]
) -> dict[PydanticObjectId, bytes]:
    """The contents with these ids, by them, in one call; unknown ones are left out."""
    if not file_ids:
        return {}
    chunks = owner.get_motor_collection().database[f"{owner.get_collection_name()}.content.chunks"]
    cursor = chunks.find({"files_id": {"$in": list(file_ids)}}).sort(
        [("files_id", ASCENDING), ("n", ASCENDING)]
    )
    found: dict[PydanticObjectId, bytearray] = {}
    async for chunk in cursor:
        count(len(chunk["data"]))
        found.setdefault(chunk["files_id"], bytearray()).extend(chunk["data"])
    return {file_id: bytes(octets) for file_id, octets in found.items()}


async def remove(owner: type[Document], file_id: PydanticObjectId) -> None:
    """Remove the content stored by `put`; nothing happens when it is gone already."""
    with suppress(NoFile):
        await _bucket(owner).delete(file_id)


async def _pieces(file: AsyncIOMotorGridOut) -> AsyncIterator[bytes]:
    while piece := await file.readchunk():
        count(len(piece))
        yield piece
