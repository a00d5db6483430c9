import pytest
from beanie import PydanticObjectId
from gridfs import NoFile

from app.context import Deps
from app.documents import content
from app.documents.communications import Communication
from app.documents.deliveries import Delivery


@pytest.mark.parametrize("octets", [b"", b"\0\xff\r\n", bytes(range(256)) * 4096])
async def test_content_is_read_back_octet_for_octet(deps: Deps, octets: bytes) -> None:
    file_id = await content.put(Communication, octets)

    assert await content.get(Communication, file_id) == octets


async def test_content_stands_beside_the_collection_of_its_owner(deps: Deps) -> None:
    file_id = await content.put(Delivery, b"x")

    with pytest.raises(NoFile):
        await content.get(Communication, file_id)


async def test_unknown_content_is_an_error(deps: Deps) -> None:
    with pytest.raises(NoFile):
        await content.get(Communication, PydanticObjectId())
