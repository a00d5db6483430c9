from typing import Any

from app.context import Deps
from app.documents.deliveries import Delivery
from app.documents.obsolete import drop_obsolete


async def test_an_index_of_earlier_versions_is_dropped_once(deps: Deps) -> None:
    collection: Any = Delivery.get_motor_collection()
    before = await collection.index_information()
    await collection.create_index([("communicationId", 1), ("sending", 1)], unique=True)

    await drop_obsolete(collection.database)
    await drop_obsolete(collection.database)

    assert await collection.index_information() == before


async def test_an_empty_database_has_none(deps: Deps) -> None:
    collection: Any = Delivery.get_motor_collection()

    await drop_obsolete(collection.database.client["letterbox-unused"])
